package packetview

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Widths, in cells, from which the device has a column, and from which every rung shows its packet.
const (
	wide  = 90
	wider = 130
)

// hopRow is one rung of the ladder: where, and what happened to the packet there. Which packet it is stands where it
// enters and where it changes, so that the changes are what is seen.
func hopRow(p text.Printer, before, e *trace.Event, held bool, w int) []list.Cell {
	d, ok := e.Detail.(*trace.HopDetail)
	if !ok {
		return nil
	}
	above := &trace.HopDetail{}
	if before != nil {
		if a, ok := before.Detail.(*trace.HopDetail); ok {
			above = a
		}
	}
	entered := d.Packet != above.Packet
	number, node := "", ""
	if entered {
		number = fmt.Sprint(d.Packet)
	}
	if at := cmp.Or(d.Node, e.Actor); entered || at != cmp.Or(above.Node, cmp.Or(before, e).Actor) {
		node = at
	}
	way := "→ "
	if d.Reply {
		way = "← "
	}
	row := []list.Cell{{Role: theme.Dim, Text: number, Width: 6}, {Role: theme.Actor, Text: way + node, Width: 10}, {Role: theme.Verb, Text: d.Point, Width: 12}}
	if w >= wide {
		row = append(row, list.Cell{Role: theme.Dim, Text: strings.TrimSpace(d.Device + " " + d.Direction), Width: 19})
	}
	packet := describe.Packet(d.Data.Headers())
	what, role := happened(d, w)
	switch {
	case held:
		role, what = theme.Warn, strings.TrimSpace("■ "+p.T(text.HeldShort)+"  "+packet)
	case w >= wider:
		return append(row, list.Cell{Role: theme.Plain, Text: packet, Width: 52}, list.Cell{Role: role, Text: what})
	case what == "" || entered && d.NAT == nil && d.Verdict == "forwarded":
		role, what = theme.Plain, packet
		if d.Point == above.Point && !entered || !entered && above.Data != nil && packet == describe.Packet(above.Data.Headers()) {
			role, what = theme.Dim, fmt.Sprintf("ttl %d", d.TTL)
		}
	}
	return append(row, list.Cell{Role: role, Text: what})
}

// happened says what a hop did to a packet, "" when it only passed.
func happened(d *trace.HopDetail, w int) (what string, role theme.Role) {
	h := d.Data.Headers()
	switch {
	case d.Verdict == "dropped":
		return "✗ " + cmp.Or(d.Reason, d.Verdict), theme.Bad
	case d.NAT != nil:
		from, to := d.NAT.Before.Dst, d.NAT.After.Dst
		if from == to {
			from, to = d.NAT.Before.Src, d.NAT.After.Src
		}
		what = fmt.Sprintf("%s %s → %s", d.NAT.Kind, from, to)
		if rule, _, _ := strings.Cut(d.Rule, " -> "); rule != "" && w >= wide {
			what += "  " + rule
		}
		return what, theme.Warn
	case d.Verdict == "delivered":
		return strings.TrimSpace("✓ " + d.Verdict + "  " + d.Namespace), theme.Good
	case h != nil && h.VXLAN != nil && h.IPv4 != nil:
		return fmt.Sprintf("vxlan %s > %s  VNI %d", h.IPv4.Src, h.IPv4.Dst, h.VXLAN.VNI), theme.Warn
	}
	return strings.TrimPrefix(d.Rule, "route "), theme.Dim
}
