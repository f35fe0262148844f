package mapview

import (
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/view"
)

func TestMessageTravels(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	v := New(store, cluster.New(store))
	event := func(seq uint64, kind trace.Kind) trace.Event {
		return trace.Event{Seq: seq, Actor: "kube-scheduler", Kind: kind, Verb: "create"}
	}
	v.Take([]trace.Event{event(1, trace.APIRequest)})
	if v.Moving() {
		t.Fatal("what happened before somebody looked moves")
	}
	v.Show(view.Moment{Seq: 1})
	v.Take([]trace.Event{event(2, trace.SchedPhase)})
	if v.Moving() {
		t.Error("something moves although no message was sent")
	}
	v.Take([]trace.Event{event(3, trace.APIRequest)})
	for _, want := range []string{"●━━━━▶", "━●━━━▶", "━━●━━▶", "━━━●━▶", "━━━━●▶"} {
		if got := v.message("kube-scheduler", edgeAsksNow); got != want || !v.Moving() {
			t.Errorf("moving %t: %s, want %s", v.Moving(), got, want)
		}
		v.Tick()
	}
	if got := v.message("kube-scheduler", edgeAsksNow); got != edgeAsksNow || v.Moving() {
		t.Errorf("it has arrived and moves on: %s", got)
	}
	v.Take([]trace.Event{event(4, trace.WatchDeliver)})
	if got := v.message("kube-scheduler", edgeTellNow); got != "◀━━━━●" {
		t.Errorf("a delivery begins at %s", got)
	}
	if got := v.message("kube-scheduler", edgeHeld); got != edgeHeld {
		t.Errorf("what is held moves: %s", got)
	}
	v.Rest()
	if v.Moving() {
		t.Error("it moves at rest")
	}
	v.Show(view.Moment{Seq: 2, Past: true})
	v.Take([]trace.Event{event(5, trace.APIRequest)})
	if v.Moving() {
		t.Error("the past moves")
	}
}
