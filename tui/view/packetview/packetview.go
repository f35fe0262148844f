// Package packetview answers: which way did it go, and what changed at each hop? It lists the flows, and each flow's hops
// in their order; the inspector has the headers and the bytes.
//
// The lab screen imports it.
package packetview

import (
	"cmp"
	"fmt"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view/groupview"
)

// New returns the view.
func New(events describe.Getter) *groupview.View {
	return groupview.New(events, groupview.Spec{Key: flow, Group: flowRow, Row: hopRow, Tells: dropped, Empty: text.NoPackets, Groups: text.FlowCount, Events: text.HopCount})
}

// flow groups hops by their flow; what belongs to none, such as ARP, by its packet.
func flow(e *trace.Event) string {
	d, ok := e.Detail.(*trace.HopDetail)
	switch {
	case !ok:
		return ""
	case d.Flow != 0:
		return fmt.Sprintf("flow %d", d.Flow)
	}
	return fmt.Sprintf("packet %d", d.Packet)
}

func dropped(e *trace.Event) bool {
	d, ok := e.Detail.(*trace.HopDetail)
	return ok && d.Verdict == "dropped"
}

func flowRow(p text.Printer, first, last *trace.Event, n int) []list.Cell {
	role, outcome := theme.Good, ""
	if d, ok := last.Detail.(*trace.HopDetail); ok {
		if outcome = cmp.Or(d.Verdict, "forwarded"); d.Verdict == "dropped" {
			role, outcome = theme.Bad, "✗ "+cmp.Or(d.Reason, d.Verdict)
		}
	}
	return []list.Cell{{Role: theme.Dim, Text: fmt.Sprintf("#%d", first.Seq), Width: 8}, {Role: theme.Object, Text: describe.Event(first).Object},
		{Role: theme.Dim, Text: p.T(text.Hops, n), Width: 10}, {Role: role, Text: outcome, Width: 26}}
}

// wide is the width, in cells, from which the packet's number and the device have a column.
const wide = 90

// hopRow is one rung of the ladder: where, which packet there, and what was done with it.
func hopRow(_ text.Printer, e *trace.Event, w int) []list.Cell {
	d, ok := e.Detail.(*trace.HopDetail)
	if !ok {
		return nil
	}
	way, role := "→ ", theme.Plain
	if d.Reply {
		way, role = "← ", theme.Dim
	}
	what := d.Rule
	if d.NAT != nil {
		to := "→ " + d.NAT.After.Dst.String()
		if d.NAT.After.Src != d.NAT.Before.Src {
			to = "← " + d.NAT.After.Src.String()
		}
		what = d.NAT.Kind + " " + to
	}
	done := theme.Warn
	if d.Verdict == "dropped" {
		what, done = "✗ "+d.Reason, theme.Bad
	} else if what == "" && d.Verdict == "delivered" {
		what, done = "✓ "+d.Verdict, theme.Good
	}
	if w < wide {
		return []list.Cell{{Role: theme.Actor, Text: way + cmp.Or(d.Node, e.Actor), Width: 10}, {Role: theme.Verb, Text: d.Point, Width: 12},
			{Role: role, Text: describe.Event(e).Object}, {Role: done, Text: what, Width: min(layout.Width(what)+1, 24)}}
	}
	return []list.Cell{{Role: theme.Dim, Text: fmt.Sprint(d.Packet), Width: 5}, {Role: theme.Actor, Text: way + cmp.Or(d.Node, e.Actor), Width: 10}, {Role: theme.Verb, Text: d.Point, Width: 13},
		{Role: theme.Dim, Text: d.Device, Width: 11}, {Role: role, Text: describe.Event(e).Object}, {Role: done, Text: what, Width: 24}}
}
