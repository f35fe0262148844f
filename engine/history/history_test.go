package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/etcd"
	"github.com/kubestep/kubestep/engine/trace"
)

const deadline = 10 * time.Second

// cluster is a real etcd, with the tap on its commits, into which tests write as the API server does.
type cluster struct {
	*History
	tap *trace.Tap
}

func newCluster(t *testing.T, limits trace.Limits) cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "ks") // t.TempDir's paths can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	config, err := etcd.Options{Dir: dir, Log: io.Discard}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	member, err := etcd.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- member.Run(ctx) }()
	tap := trace.NewTap(trace.NewStore(limits), nil)
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(deadline):
			t.Error("etcd did not stop")
		}
		_ = os.RemoveAll(dir)
	})
	select {
	case <-member.Ready():
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(deadline):
		t.Fatal("etcd did not become ready")
	}
	go func() {
		if err := member.Report(ctx, tap); err != nil {
			t.Errorf("tap on etcd: %v", err)
		}
	}()
	return cluster{New(member.Client(), tap.Store()), tap}
}

// seen waits until the tap has reported the revision, and returns the event.
func (c cluster) seen(t *testing.T, revision int64) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var at trace.Cursor
	for {
		batch := c.store.Since(at)
		at = batch.Next
		for _, e := range batch.Events {
			if e.EtcdRevision == revision && e.Kind == trace.EtcdCommit {
				return e.Seq
			}
		}
		if err := c.store.Wait(ctx, at); err != nil {
			t.Fatalf("revision %d was not reported: %v", revision, err)
		}
	}
}

func (c cluster) put(t *testing.T, key string, value []byte) (seq uint64, revision int64) {
	t.Helper()
	got, err := c.client.Put(t.Context(), key, string(value))
	if err != nil {
		t.Fatal(err)
	}
	return c.seen(t, got.Header.Revision), got.Header.Revision
}

func (c cluster) remove(t *testing.T, key string) (seq uint64) {
	t.Helper()
	got, err := c.client.Delete(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return c.seen(t, got.Header.Revision)
}

// pod is a Pod as the API server stores it.
func pod(t *testing.T, name, uid, node string) []byte {
	t.Helper()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(uid)},
		Spec: corev1.PodSpec{NodeName: node}}
	p.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Pod"})
	var out bytes.Buffer
	if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(p, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func podNamed(name, uid string) trace.Object {
	return trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: name, UID: uid}
}

func nodeOf(t *testing.T, s engine.StoredObject) string {
	t.Helper()
	raw, err := s.Body.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var p corev1.Pod
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return p.Spec.NodeName
}

func TestObjectThroughItsLife(t *testing.T) {
	c := newCluster(t, trace.Limits{})
	before := c.tap.Record(t.Context(), trace.Event{Actor: "kubectl", Kind: trace.APIRequest, Verb: "list"})
	const key = "/registry/pods/default/web"
	created, first := c.put(t, key, pod(t, "web", "u1", ""))
	bound, second := c.put(t, key, pod(t, "web", "u1", "node-1"))
	// A delivery of the older revision comes after the newer commit.
	late := c.tap.Record(t.Context(), trace.Event{Actor: "kubelet@node-1", Kind: trace.WatchDeliver, Verb: "added",
		EtcdRevision: first})
	gone := c.remove(t, key)
	again, _ := c.put(t, key, pod(t, "web", "u2", "node-2"))
	// A request's number is that of its beginning; what it wrote, it says.
	wrote := c.tap.Record(t.Context(), trace.Event{Actor: "kube-scheduler", Kind: trace.APIRequest, Verb: "create",
		EtcdRevision: second})

	for _, tt := range []struct {
		when     string
		seq      uint64
		uid      string
		exists   bool
		node     string
		revision int64
	}{
		{"before the first commit", before, "u1", false, "", 0},
		{"created", created, "u1", true, "", first},
		{"bound", bound, "u1", true, "node-1", second},
		{"a late delivery", late, "u1", true, "node-1", second},
		{"deleted", gone, "u1", false, "", 0},
		{"another with its name", again, "u2", true, "node-2", 0},
		{"the old one when another has its name", again, "u1", false, "", 0},
		{"whichever has the name", again, "", true, "node-2", 0},
		{"the request that wrote", wrote, "u1", true, "node-1", second},
	} {
		t.Run(tt.when, func(t *testing.T) {
			s, ok, err := c.Object(t.Context(), podNamed("web", tt.uid), tt.seq)
			if err != nil {
				t.Fatal(err)
			}
			if ok != tt.exists {
				t.Fatalf("exists: %t", ok)
			}
			if !ok {
				return
			}
			if node := nodeOf(t, s); node != tt.node || s.Key != key {
				t.Errorf("%s is on %q", s.Key, node)
			}
			if tt.revision != 0 && s.Revision != tt.revision {
				t.Errorf("revision %d, want %d", s.Revision, tt.revision)
			}
		})
	}
}

// Objects that were there before the trace, under keys that do not follow from their kinds.
func TestObjectWithoutCommit(t *testing.T) {
	c := newCluster(t, trace.Limits{})
	for key, raw := range map[string]string{
		"/registry/minions/node-1":              `{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-1"}}`,
		"/registry/services/specs/default/db":   `{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"default","name":"db"}}`,
		"/registry/serving.dev/svc/default/db":  `{"apiVersion":"serving.dev/v1","kind":"Service","metadata":{"namespace":"default","name":"db"}}`,
		"/registry/services/endpoints/a/node-1": `{"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"a","name":"node-1"}}`,
	} {
		c.put(t, key, []byte(raw))
	}
	other := trace.NewStore(trace.Limits{})
	tap := trace.NewTap(other, nil)
	seq := tap.Record(t.Context(), trace.Event{Actor: "kubectl", Kind: trace.APIRequest, Verb: "list"})
	h := New(c.client, other)
	for _, tt := range []struct {
		o   trace.Object
		key string
	}{
		{trace.Object{APIVersion: "v1", Kind: "Node", Name: "node-1"}, "/registry/minions/node-1"},
		{trace.Object{APIVersion: "v1", Kind: "Service", Namespace: "default", Name: "db"}, "/registry/services/specs/default/db"},
		{trace.Object{APIVersion: "serving.dev/v1", Kind: "Service", Namespace: "default", Name: "db"}, "/registry/serving.dev/svc/default/db"},
		{trace.Object{Kind: "Node", Name: "node-2"}, ""},
	} {
		s, ok, err := h.Object(t.Context(), tt.o, seq)
		if err != nil || ok != (tt.key != "") || s.Key != tt.key {
			t.Errorf("Object(%s) = %q, %t, %v", tt.o, s.Key, ok, err)
		}
	}
}

func TestSnapshotOfManyPages(t *testing.T) {
	c := newCluster(t, trace.Limits{})
	const pods = 2*page + 17
	var half uint64
	for i := range pods {
		name := fmt.Sprintf("web-%04d", i)
		got, err := c.client.Put(t.Context(), "/registry/pods/default/"+name, string(pod(t, name, name, "")))
		if err != nil {
			t.Fatal(err)
		}
		if i == pods/2 {
			half = c.seen(t, got.Header.Revision)
		}
	}
	last, _ := c.put(t, "/registry/ranges/serviceips", []byte("not an object"))

	now, err := c.At(t.Context(), last)
	if err != nil {
		t.Fatal(err)
	}
	if len(now.Objects) != pods+1 || now.Counts["Pod"] != pods || len(now.Counts) != 1 {
		t.Errorf("%d objects, counts %v", len(now.Objects), now.Counts)
	}
	byKey := func(a, b engine.StoredObject) int { return strings.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(now.Objects, byKey) {
		t.Error("not in the order of keys")
	}
	for _, o := range now.Objects {
		if o.Object.Kind == "Pod" && path.Base(o.Key) != o.Object.Name {
			t.Errorf("%s has %s", o.Key, o.Object)
		}
	}
	past, err := c.At(t.Context(), half)
	if err != nil {
		t.Fatal(err)
	}
	if past.Counts["Pod"] != pods/2+1 || past.Revision >= now.Revision {
		t.Errorf("in the past, %v at revision %d", past.Counts, past.Revision)
	}
}

func TestGone(t *testing.T) {
	c := newCluster(t, trace.Limits{})
	const key = "/registry/pods/default/web"
	created, _ := c.put(t, key, pod(t, "web", "u1", ""))
	bound, revision := c.put(t, key, pod(t, "web", "u1", "node-1"))
	gone := c.remove(t, key)
	last, head := c.put(t, "/registry/minions/n", []byte(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}`))
	if _, err := c.client.Compact(t.Context(), head, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}

	if _, err := c.At(t.Context(), created); !errors.Is(err, engine.ErrGone) || !strings.Contains(err.Error(), "compacted") {
		t.Errorf("At = %v", err)
	}
	if s, err := c.At(t.Context(), last); err != nil || len(s.Objects) != 1 {
		t.Errorf("At = %+v, %v", s, err)
	}
	// One object is in the trace still.
	s, ok, err := c.Object(t.Context(), podNamed("web", "u1"), bound)
	if err != nil || !ok || nodeOf(t, s) != "node-1" || s.Revision != revision {
		t.Errorf("Object = %+v, %t, %v", s, ok, err)
	}
	if _, ok, err := c.Object(t.Context(), podNamed("web", "u1"), gone); err != nil || ok {
		t.Errorf("the deleted object: %t, %v", ok, err)
	}
	if _, _, err := c.Object(t.Context(), podNamed("other", ""), bound); !errors.Is(err, engine.ErrGone) {
		t.Errorf("Object = %v", err)
	}
}

func TestDroppedFromTheTrace(t *testing.T) {
	c := newCluster(t, trace.Limits{Events: 10})
	for i := range 30 {
		c.put(t, fmt.Sprintf("/registry/pods/default/%d", i), pod(t, fmt.Sprint(i), "", ""))
	}
	if _, err := c.At(t.Context(), 1); !errors.Is(err, engine.ErrGone) {
		t.Errorf("At = %v", err)
	}
	for range 10 {
		c.tap.Record(t.Context(), trace.Event{Actor: "kubectl", Kind: trace.APIRequest, Verb: "get"})
	}
	// All commits have been dropped, the events have not.
	first, last := c.store.Len()
	if first != 31 || last != 40 {
		t.Fatalf("the store has %d to %d", first, last)
	}
	if _, err := c.At(t.Context(), last); !errors.Is(err, engine.ErrGone) {
		t.Errorf("At(%d) = %v", last, err)
	}
}

func TestWrongUse(t *testing.T) {
	c := newCluster(t, trace.Limits{})
	seq, _ := c.put(t, "/registry/pods/default/web", pod(t, "web", "", ""))
	for _, n := range []uint64{0, seq + 1} {
		if _, err := c.At(t.Context(), n); !errors.Is(err, engine.ErrUsage) {
			t.Errorf("At(%d) = %v", n, err)
		}
	}
	if _, _, err := c.Object(t.Context(), trace.Object{Kind: "Pod"}, seq); !errors.Is(err, engine.ErrUsage) {
		t.Errorf("Object without a name = %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.At(ended, seq); !errors.Is(err, context.Canceled) {
		t.Errorf("At with an ended context = %v", err)
	}
}
