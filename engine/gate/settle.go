package gate

import (
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// When has the lab settled? Never for certain: a controller may wake up in an hour. The gate calls it settled when
// nothing has begun, ended, arrived or been released for the quiet time, and nothing is under way. Two things make the
// second half less than obvious.
//
// First, what is held may be part of something that has begun: a stage of a request, a request that the scheduler makes
// in its bind phase. What has begun then waits for what is held, and waiting for it to end would be for ever. Such
// enclosing events are found when it arrives, along exact causes that are open, see enclosers. Not every such cause encloses: the calls of
// a kubelet are chained in their order too, also when they run side by side.
//
// Second, some things take long by themselves: a container that ignores SIGTERM keeps StopContainer open for its grace
// period. The gate gives them up after patience without any news, and does not wait for them again.
const (
	// stepQuiet is the quiet time of a step. Components answer a delivery within a few milliseconds; what comes later (a
	// kubelet looks at its containers once a second) meets the gate as an event of the next round.
	stepQuiet = 60 * time.Millisecond
	// patience is how long something under way may give no news. Requests take milliseconds.
	patience = 2 * time.Second
	// lookAgain is how often a Settle that waits for something under way looks: its end is not announced to the gate.
	lookAgain = 5 * time.Millisecond
	// stepLimit bounds the wait of a step in a lab that never gets quiet.
	stepLimit = 30 * time.Second
)

// traffic is the lab at one moment.
type traffic struct {
	now       time.Time
	last      time.Time // when something last began, ended, arrived or was released
	open      int       // begun and not ended
	enclosing int       // of those, waiting for something held
	leaving   int       // released, and not yet known to have begun
}

// settling decides whether the lab has settled.
type settling struct {
	abandoned int // open events that are not waited for any more
}

// check reports whether the lab has been quiet for the given time, and if not, after how long it may be.
func (s *settling) check(t traffic, quiet time.Duration) (settled bool, again time.Duration) {
	open := max(t.open-t.enclosing, 0)
	s.abandoned = min(s.abandoned, open)
	if t.leaving > 0 {
		return false, lookAgain
	}
	idle := t.now.Sub(t.last)
	if idle < quiet {
		return false, max(quiet-idle, time.Millisecond)
	}
	if open == s.abandoned {
		return true, 0
	}
	if idle < patience {
		return false, min(patience-idle, lookAgain)
	}
	s.abandoned = open
	return true, 0
}

const (
	// maxDepth bounds how deep events nest: a stage in a request in a scheduler's phase is three.
	maxDepth = 8
	// maxSiblings bounds how many events are looked through for a request's other stages.
	maxSiblings = 20_000
)

// enclosers returns the open events that cannot end before e, which is about to be held, has happened. last is the number
// of the latest event that has begun.
func enclosers(e *trace.Event, find finder, last uint64) []uint64 {
	var list []uint64
	seq, link, inner := e.Cause, e.CauseLink, e.Kind
	for range maxDepth {
		if seq == 0 || link != trace.Exact {
			break
		}
		outer, ok := find(seq)
		if !ok || !outer.Open || !within(inner, outer.Kind) {
			break
		}
		if counted(&outer) {
			list = append(list, seq)
		}
		seq, link, inner = outer.Cause, outer.CauseLink, outer.Kind
	}
	if e.Kind != trace.APIStage || len(list) == 0 {
		return list
	}
	// The stages of a request follow one another, unless one is inside another: an update is admitted inside its storage
	// stage. All of them have the request for a cause.
	for s, n := last, 0; s > e.Cause && n < maxSiblings; s, n = s-1, n+1 {
		if other, ok := find(s); ok && other.Kind == trace.APIStage && other.Open && other.Cause == e.Cause && counted(&other) {
			list = append(list, s)
		}
	}
	return list
}

// enclosing counts the open events that wait for something held.
func enclosing(held []held) int {
	seen := map[uint64]bool{}
	for i := range held {
		for _, seq := range held[i].inside {
			seen[seq] = true
		}
	}
	return len(seen)
}

// within reports whether an event of one kind can be a part of one of the other, which ends no earlier then.
func within(inner, outer trace.Kind) bool {
	switch outer {
	case trace.APIRequest:
		return inner == trace.APIStage
	case trace.APIStage, trace.SchedPhase:
		return inner == trace.APIRequest || inner == outer
	}
	return false
}

// counted reports whether [trace.Tap.Activity] counts e while it is open.
func counted(e *trace.Event) bool {
	return !e.Background && e.Kind != trace.NetHop && e.Kind != trace.DNSQuery && e.Verb != "connect" && e.Subresource != "log"
}
