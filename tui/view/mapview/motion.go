package mapview

import (
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// A message moves along an edge because a request was made, something was delivered or stored: for as many steps as the
// edge has cells before its end, then the edge is heavy for a moment and at rest. Motion only stands for what happens while
// somebody looks: not for what a recording holds, nor for the past.

// Moving reports whether a message is on its way. As long as it is, Tick is to be called.
func (v *Map) Moving() bool { return len(v.moving) > 0 }

// Tick moves each message on by one cell.
func (v *Map) Tick() {
	for actor, at := range v.moving {
		if at++; at >= edgeWidth-1 {
			delete(v.moving, actor)
		} else {
			v.moving[actor] = at
		}
	}
}

// Rest lets every message arrive.
func (v *Map) Rest() { clear(v.moving) }

// setOff sets off a message on the edge of e's actor. One that is on its way goes on: where there are many, the edge is busy.
func (v *Map) setOff(e *trace.Event) {
	switch e.Kind {
	case trace.APIRequest, trace.WatchDeliver, trace.EtcdCommit:
	default:
		return
	}
	if v.moment.Seq == 0 || v.moment.Past {
		return
	}
	if _, under := v.moving[e.Actor]; !under {
		v.moving[e.Actor] = 0
	}
}

// message puts the message that is on an actor's way, if there is one, on its edge.
func (v *Map) message(actor, edge string) string {
	at, under := v.moving[actor]
	if !under || !strings.ContainsAny(edge, "▶◀") {
		return edge
	}
	cells := []rune(edge)
	if cells[0] == '◀' {
		at = len(cells) - 1 - at
	}
	cells[at] = '●'
	return string(cells)
}
