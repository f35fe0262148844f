package network

import (
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// FiveTuple tells connections apart.
type FiveTuple = trace.FiveTuple

// Flow is a connection, or an exchange of datagrams, as a learner sees it: request and reply, on whatever side of a
// translation. Its tuples are those of the opening direction.
type Flow struct {
	ID uint64
	// Tuples are the flow's addresses at each side of NAT, first as the client sees it.
	Tuples []FiveTuple
	// Client and Server are the Pods that opened it and that answer, "default/client"; empty for what is no Pod or not
	// known yet.
	Client, Server string
	// LastEvent is the latest event of the flow, for causes.
	LastEvent uint64

	seen time.Duration
}

// Flows finds the flow of a packet. It is not safe for concurrent use. Times are the network's own.
type Flows struct {
	limit  int
	last   uint64
	byKey  map[FiveTuple]flowRef
	recent []*Flow // by when they were opened, for dropping the oldest
}

type flowRef struct {
	flow  *Flow
	reply bool
}

// flowIdle is how long a flow is remembered without packets.
const flowIdle = 5 * time.Minute

// NewFlows returns a table of at most limit flows.
func NewFlows(limit int) *Flows { return &Flows{limit: limit, byKey: map[FiveTuple]flowRef{}} }

// Find returns the flow of a packet, and whether the packet is a reply. A packet that opens a connection (a SYN) begins a
// new flow when the one with the same addresses is not the one it repeats.
func (f *Flows) Find(t FiveTuple, opens bool, now time.Duration) (flow *Flow, reply bool) {
	if r, ok := f.byKey[t]; ok && !(opens && (r.reply || now-r.flow.seen > time.Minute)) {
		r.flow.seen = now
		return r.flow, r.reply
	}
	f.last++
	flow = &Flow{ID: f.last, seen: now}
	f.Alias(flow, t)
	f.recent = append(f.recent, flow)
	f.trim(now)
	return flow, false
}

// Alias makes packets with the tuple t, in the opening direction, and its reverse belong to flow.
func (f *Flows) Alias(flow *Flow, t FiveTuple) {
	if r, ok := f.byKey[t]; ok && r.flow == flow {
		return
	}
	flow.Tuples = append(flow.Tuples, t)
	f.byKey[t] = flowRef{flow, false}
	f.byKey[t.Reverse()] = flowRef{flow, true}
}

// trim drops the oldest flows beyond the limit, and idle ones among the oldest.
func (f *Flows) trim(now time.Duration) {
	for len(f.recent) > 0 && (len(f.recent) > f.limit || now-f.recent[0].seen > flowIdle) {
		old := f.recent[0]
		f.recent = f.recent[1:]
		for _, t := range old.Tuples {
			for _, key := range []FiveTuple{t, t.Reverse()} {
				if f.byKey[key].flow == old {
					delete(f.byKey, key)
				}
			}
		}
	}
}
