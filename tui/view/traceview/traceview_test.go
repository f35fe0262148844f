package traceview

import (
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/view"
)

func TestFollowGoesToTheLatest(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	tap := trace.NewTap(store, nil)
	v := New(store)
	v.Show(view.Moment{Seq: 1000, Level: describe.Calls})
	take := func(name string) uint64 {
		seq := tap.Record(t.Context(), trace.Event{Actor: "kubectl", Kind: trace.APIRequest, Verb: "create", Root: true,
			Object: trace.Object{Kind: "Pod", Namespace: "default", Name: name}, Detail: &trace.RequestDetail{Method: "POST", Status: 201}})
		e, _ := store.Get(seq)
		v.Take([]trace.Event{e})
		v.refresh()
		return seq
	}
	first := take("one")
	take("two")
	v.Select(first)
	if take("three"); v.seq != first {
		t.Fatalf("what was selected at a stop is left for #%d", v.seq)
	}
	v.Follow()
	if last := take("four"); v.seq != last {
		t.Errorf("#%d is selected, not the latest, #%d", v.seq, last)
	}
}
