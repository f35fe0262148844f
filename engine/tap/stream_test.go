package tap

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"github.com/kubestep/kubestep/engine/trace"
)

func (s *server) send(kind watch.EventType, p *v1.Pod) {
	s.events <- metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Object: p}}
}

func TestDeliveries(t *testing.T) {
	for _, encoding := range encodings {
		t.Run(encoding, func(t *testing.T) {
			s := newServer(t)
			client, store := s.client(encoding, nil,
				Client{Actor: "kube-controller-manager", Name: "shared-informers"})
			w, err := client.CoreV1().Pods("default").Watch(t.Context(), metav1.ListOptions{SendInitialEvents: ptr.To(true)})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Stop()
			bookmark := pod("", "5")
			bookmark.Annotations = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
			terminating := pod("web", "7")
			terminating.DeletionTimestamp = ptr.To(metav1.Now())
			sent := []struct {
				kind watch.EventType
				pod  *v1.Pod
			}{
				{watch.Added, pod("old", "3")}, {watch.Bookmark, bookmark},
				{watch.Added, pod("web", "6")}, {watch.Modified, terminating}, {watch.Bookmark, pod("", "8")},
				{watch.Deleted, pod("web", "9")},
			}
			go func() {
				for _, e := range sent {
					s.send(e.kind, e.pod)
				}
			}()
			for _, want := range sent {
				if got := within(t, w.ResultChan(), "a watch event"); got.Type != want.kind ||
					got.Object.(*v1.Pod).ResourceVersion != want.pod.ResourceVersion {
					t.Errorf("the reader got %s %v, not %s", got.Type, got.Object, want.kind)
				}
			}

			list := events(store, trace.WatchDeliver)
			if len(list) != 4 {
				t.Fatalf("there are %d deliveries:%s", len(list), describe(list))
			}
			for i, want := range []struct {
				verb, name  string
				revision    int64
				background  bool
				terminating bool
			}{
				{"added", "old", 3, true, false},
				{"added", "web", 6, false, false},
				{"modified", "web", 7, false, true},
				{"deleted", "web", 9, false, false},
			} {
				e := list[i]
				if e.Verb != want.verb || e.Object.Name != want.name || e.EtcdRevision != want.revision || e.Background != want.background {
					t.Errorf("delivery %d is %+v", i, e)
				}
				if e.Actor != "kube-controller-manager" || e.Object.Kind != "Pod" || e.Object.APIVersion != "v1" ||
					e.Refs.Owners[0] != "owner-1" || e.Refs.Terminating != want.terminating {
					t.Errorf("delivery %d is %+v", i, e)
				}
				d := e.Detail.(*trace.DeliverDetail)
				if d.Client != "shared-informers" || (d.Object == nil) != want.background {
					t.Errorf("delivery %d has %+v", i, d)
				}
			}
			setup := only(t, events(store, trace.APIRequest))
			if setup.Open || !setup.Background || setup.Verb != "watch" {
				t.Errorf("the watch itself is %+v", setup)
			}
		})
	}
}

func TestDeliveryIsCausedByItsCommit(t *testing.T) {
	s := newServer(t)
	store := trace.NewStore(trace.Limits{})
	tapped := trace.NewTap(store, nil)
	commit := tapped.Record(t.Context(), trace.Event{Actor: "etcd", Kind: trace.EtcdCommit, Verb: "put", EtcdRevision: 6})
	tapped.Committed(6, commit)
	client := s.clientOf(t, tapped)
	// The context that starts a watch may have a cause; what the watch brings has another.
	w, err := client.CoreV1().Pods("default").Watch(trace.WithCause(t.Context(), 99), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	go s.send(watch.Added, pod("web", "6"))
	within(t, w.ResultChan(), "the delivery")
	if e := only(t, events(store, trace.WatchDeliver)); e.Cause != commit || e.CauseLink != trace.Exact {
		t.Errorf("the cause is %d, %s; the commit is %d", e.Cause, e.CauseLink, commit)
	}
}

func TestHeldDelivery(t *testing.T) {
	for _, encoding := range encodings {
		t.Run(encoding, func(t *testing.T) {
			s := newServer(t)
			gate := hold(func(e *trace.Event) bool { return e.Kind == trace.WatchDeliver && e.Object.Name == "held" })
			client, store := s.client(encoding, gate, Client{Actor: "kubelet@node-1"})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w, err := client.CoreV1().Pods("default").Watch(ctx, metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				s.send(watch.Added, pod("first", "1"))
				s.send(watch.Added, pod("held", "2"))
				s.send(watch.Added, pod("last", "3"))
				s.send(watch.Added, pod("held", "4"))
			}()
			name := func() string { return within(t, w.ResultChan(), "a watch event").Object.(*v1.Pod).Name }
			if got := name(); got != "first" {
				t.Fatalf("%q came first", got)
			}
			within(t, gate.held, "the held delivery")
			select {
			case e := <-w.ResultChan():
				t.Fatalf("%v passed the held delivery", e)
			default:
			}
			if n := len(events(store, trace.WatchDeliver)); n != 1 {
				t.Errorf("%d deliveries are in the store", n)
			}
			gate.go_ <- struct{}{}
			if got := []string{name(), name()}; got[0] != "held" || got[1] != "last" {
				t.Errorf("after the release came %v", got)
			}
			within(t, gate.held, "the second held delivery")
			w.Stop() // must not wait for the gate
			for range w.ResultChan() {
			}
			if n := len(events(store, trace.WatchDeliver)); n != 3 {
				t.Errorf("%d deliveries are in the store; the last one never happened", n)
			}
		})
	}
}
