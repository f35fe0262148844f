package trace_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
)

// causes builds events from "seq<cause" words; a word without "<" has no cause.
func causes(words string) []trace.Event {
	var events []trace.Event
	for _, w := range strings.Fields(words) {
		var e trace.Event
		if n, _ := fmt.Sscanf(w, "%d<%d", &e.Seq, &e.Cause); n == 0 {
			panic("not an event: " + w)
		}
		events = append(events, e)
	}
	return events
}

// drawn writes a tree as "1(2(3) 4)".
func drawn(nodes []*trace.Node) string {
	var parts []string
	for _, n := range nodes {
		s := fmt.Sprint(n.Event.Seq)
		if len(n.Effects) > 0 {
			s += "(" + drawn(n.Effects) + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestTree(t *testing.T) {
	for _, tc := range []struct{ name, events, want string }{
		{"nothing", "", ""},
		{"a chain", "1 2<1 3<2", "1(2(3))"},
		{"two effects keep their order", "1 3<1 2<1", "1(2 3)"},
		{"a cause that is not there makes a root", "5<4 6<5", "5(6)"},
		{"an event is never its own cause", "1 2<2", "1 2"},
		{"a cause that comes later is none", "1<2 2", "1 2"},
		{"two roots", "1 2 3<1 4<2", "1(3) 2(4)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := drawn(trace.Tree(causes(tc.events))); got != tc.want {
				t.Errorf("Tree(%s) = %s, want %s", tc.events, got, tc.want)
			}
		})
	}
}

func TestCaused(t *testing.T) {
	events := causes("1 2 3<1 4<2 5<3 6<9 7<5")
	got := trace.Caused(events, func(e *trace.Event) bool { return e.Seq == 1 })
	var seqs []string
	for _, e := range got {
		seqs = append(seqs, fmt.Sprint(e.Seq))
	}
	if s := strings.Join(seqs, " "); s != "1 3 5 7" {
		t.Errorf("what event 1 led to = %s, want 1 3 5 7", s)
	}
}

func TestWhy(t *testing.T) {
	bySeq := map[uint64]trace.Event{}
	for _, e := range causes("1 2<1 5<2 6<7") {
		bySeq[e.Seq] = e
	}
	get := func(seq uint64) (trace.Event, bool) { e, ok := bySeq[seq]; return e, ok }
	for seq, want := range map[uint64]string{5: "5 2 1", 1: "1", 4: "", 6: "6"} {
		var seqs []string
		for _, e := range trace.Why(seq, get) {
			seqs = append(seqs, fmt.Sprint(e.Seq))
		}
		if got := strings.Join(seqs, " "); got != want {
			t.Errorf("Why(%d) = %q, want %q", seq, got, want)
		}
	}
}
