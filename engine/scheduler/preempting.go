package scheduler

import (
	"strings"
	"sync/atomic"

	"github.com/kubestep/kubestep/engine/trace"
)

// preempting knows which attempt makes others leave. Upstream deletes victims in the background, with a context of its own
// (pkg/scheduler/framework/preemption/executor.go, prepareCandidateAsync; KEP-4832), so that the phase that decided on it
// cannot be carried along.
type preempting struct{ phase atomic.Uint64 }

// began takes in the PostFilter phase that is about to look for victims.
func (p *preempting) began(phase uint64) { p.phase.Store(phase) }

// cause returns the PostFilter phase that a request of the preemption follows from, 0 for other requests. It is a guess
// when attempts preempt at the same time: the latest phase is taken.
func (p *preempting) cause(e *trace.Event) uint64 {
	if !e.Writes() {
		return 0
	}
	for _, f := range e.Frames {
		if strings.HasPrefix(f.File, "pkg/scheduler/framework/preemption/") {
			return p.phase.Load()
		}
	}
	return 0
}
