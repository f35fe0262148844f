package describe

import (
	"slices"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Levels returns the gate's levels from coarse to fine.
func Levels() []engine.Level {
	return []engine.Level{engine.Requests, engine.Calls, engine.Hops, engine.Deliveries, engine.Stages}
}

// Places of the levels in [Levels].
const (
	Requests = iota
	Calls
	Hops
	Deliveries
	Stages
)

// Fineness returns a level's place in [Levels], -1 for what is none.
func Fineness(l engine.Level) int { return slices.Index(Levels(), l) }

// Needs returns how fine a list must be to show events like e: a coarse one shows hand-overs and decisions, a fine one
// everything.
func Needs(e *trace.Event) int {
	switch e.Kind {
	case trace.APIRequest:
		if e.Writes() && e.Object.Kind != "Event" {
			return Requests
		}
	case trace.NetFault:
		return Requests
	case trace.CRICall:
		return Calls
	case trace.NetHop, trace.DNSQuery:
		return Hops
	case trace.SchedPhase:
		if d, ok := e.Detail.(*trace.SchedDetail); ok && (len(d.Filter) > 0 || len(d.Score) > 0) {
			return Calls
		}
	case trace.APIStage:
		return Stages
	}
	return Deliveries
}
