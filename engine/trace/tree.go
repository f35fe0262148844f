package trace

import (
	"cmp"
	"slices"
)

// Node is an event with what it led to.
type Node struct {
	Event   Event
	Effects []*Node // by Seq
}

// Caused returns those of events that root picks, and all that they led to, by Seq. events must be in order of Seq, as a
// [Batch] is; since a cause has a smaller Seq than its effect, one pass finds all.
func Caused(events []Event, root func(e *Event) bool) []Event {
	in := make(map[uint64]bool)
	var out []Event
	for i := range events {
		e := &events[i]
		if root(e) || e.Cause != 0 && in[e.Cause] {
			in[e.Seq] = true
			out = append(out, *e)
		}
	}
	return out
}

// Tree arranges events by their causes and returns those whose cause is not among them, by Seq. events may come in any
// order; each Seq must be there once.
func Tree(events []Event) []*Node {
	nodes := make([]Node, len(events))
	bySeq := make(map[uint64]*Node, len(events))
	order := make([]*Node, len(events))
	for i := range events {
		nodes[i].Event = events[i]
		bySeq[events[i].Seq] = &nodes[i]
		order[i] = &nodes[i]
	}
	slices.SortFunc(order, func(a, b *Node) int { return cmp.Compare(a.Event.Seq, b.Event.Seq) })
	var roots []*Node
	for _, n := range order {
		// A damaged recording may name an effect as its own cause; a tree needs the order.
		if cause := bySeq[n.Event.Cause]; cause != nil && n.Event.Cause < n.Event.Seq {
			cause.Effects = append(cause.Effects, n)
			continue
		}
		roots = append(roots, n)
	}
	return roots
}

// Why returns the chain of causes from the event with the given number back to one that nothing known caused, that one
// last. get finds an event, as [Store.Get] does.
func Why(seq uint64, get func(seq uint64) (Event, bool)) []Event {
	var chain []Event
	for seq != 0 {
		e, ok := get(seq)
		if !ok {
			break
		}
		chain = append(chain, e)
		if e.Cause >= seq {
			break
		}
		seq = e.Cause
	}
	return chain
}
