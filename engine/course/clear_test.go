package course

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// cluttered is a lab in which somebody has left things. Its kubectl deletes what it is told to, and the owned with it.
type cluttered struct {
	*bench
	objects []engine.StoredObject
	after   func() // runs once when kubectl deletes, before anything is gone
}

func (c *cluttered) History() engine.History { return c }
func (c *cluttered) At(context.Context, uint64) (engine.Snapshot, error) {
	return engine.Snapshot{Objects: c.objects}, nil
}

func (c *cluttered) add(kind, namespace, name, meta string) {
	o := trace.Object{APIVersion: "v1", Kind: kind, Namespace: namespace, Name: name, UID: kind + name}
	c.objects = append(c.objects, engine.StoredObject{Object: o, Revision: int64(len(c.objects) + 1),
		Body: trace.JSONBody(fmt.Appendf(nil, `{"metadata":{"name":%q%s}}`, name, meta))})
}

func (c *cluttered) record(verb string, o trace.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
	c.tap.Record(context.Background(), trace.Event{Actor: "etcd", Kind: trace.EtcdCommit, Verb: verb, Object: o, EtcdRevision: c.revision})
}

func (c *cluttered) run(_ context.Context, args []string) (string, error) {
	c.ran = append(c.ran, strings.Join(args, " "))
	if args[0] != "delete" {
		return "", nil
	}
	if c.after != nil {
		c.after()
	}
	for _, o := range c.objects {
		if slices.Contains(args, o.Object.Kind+"/"+o.Object.Name) {
			c.record("delete", o.Object)
		}
	}
	return "", nil
}

func TestLooseAndClear(t *testing.T) {
	c := &cluttered{bench: newBench()}
	owned := `,"ownerReferences":[{"kind":"Pod","name":"mine"}]`
	c.add("Service", "default", "kubernetes", "")
	c.add("ConfigMap", "default", "kube-root-ca.crt", "")
	c.add("ServiceAccount", "default", "default", "")
	c.add("Event", "default", "scheduled", "")
	c.add("Pod", "kube-system", "coredns", "")
	c.add("Namespace", "", "kube-public", "")
	c.add("Node", "", "node-1", "")
	c.add("ReplicaSet", "default", "web-1", owned)
	c.add("Pod", "default", "mine", `,"finalizers":["example.com/keep"]`)
	c.add("Service", "default", "web", "")
	c.add("Namespace", "", "team", "")
	loose, err := Loose(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range loose {
		got = append(got, fmt.Sprintf("%s pinned=%t owned=%t", l, l.Pinned, l.Owned))
	}
	want := []string{"pod/default/mine pinned=true owned=false", "service/default/web pinned=false owned=false",
		"namespace/team pinned=false owned=false", "replicaset/default/web-1 pinned=false owned=true"}
	if !slices.Equal(got, want) {
		t.Errorf("loose: %q\nwant   %q", got, want)
	}

	// A controller makes one more Pod before it learns that its owner is gone; that one has to go, too.
	late := aPod("late")
	c.after = func() {
		c.record("put", late)
		go c.record("delete", late)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	o := Options{Lab: c, Kubectl: c.run, Log: slog.New(slog.DiscardHandler)}
	if err := Clear(ctx, o, loose); err != nil {
		t.Fatal(err)
	}
	if len(c.ran) != 2 || !strings.HasPrefix(c.ran[0], "patch Pod mine -n default ") || !strings.HasPrefix(c.ran[1], "delete -n default ") {
		t.Errorf("ran %q", c.ran)
	}
}

func TestClearSaysWhatStays(t *testing.T) {
	c := &cluttered{bench: newBench()}
	c.add("Pod", "default", "stuck", "")
	loose, err := Loose(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := Options{Lab: c, Kubectl: func(context.Context, []string) (string, error) { return "", nil }, Log: slog.New(slog.DiscardHandler)}
	if err := Clear(ctx, o, loose); err == nil || !strings.Contains(err.Error(), "pod/default/stuck") {
		t.Errorf("%v", err)
	}
}

// A lab that a lesson was left in the middle of breaking is mended; a sound one is left alone.
func TestMend(t *testing.T) {
	for replicas, want := range map[int]string{0: "scale -n kube-system deployment/coredns --replicas=1", 2: ""} {
		c := &cluttered{bench: newBench()}
		o := trace.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "kube-system", Name: "coredns", UID: "dns"}
		c.objects = []engine.StoredObject{{Object: o, Revision: 1,
			Body: trace.JSONBody(fmt.Appendf(nil, `{"metadata":{"name":"coredns"},"spec":{"replicas":%d}}`, replicas))}}
		broken := &healer{cluttered: c}
		if err := Mend(t.Context(), Options{Lab: broken, Kubectl: c.run, Log: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		if !broken.healed {
			t.Error("no fault was healed")
		}
		if got := strings.Join(c.ran, "; "); got != want {
			t.Errorf("with %d replicas of CoreDNS kubectl ran %q, want %q", replicas, got, want)
		}
	}
}

// healer is a lab that knows whether its faults have been healed.
type healer struct {
	*cluttered
	healed bool
}

func (h *healer) Faults() engine.Faults { return h }
func (h *healer) Do(_ context.Context, c engine.FaultCommand) (engine.FaultState, error) {
	h.healed = c.Heal && c.Fault == (engine.Fault{})
	return engine.FaultState{}, nil
}
func (h *healer) State(context.Context) (engine.FaultState, error) { return engine.FaultState{}, nil }
