// Package packetview answers: which way did it go, and what changed at each hop? It lists the flows, and each flow's hops
// in their order; the inspector has the headers and the bytes.
//
// The lab screen imports it.
package packetview

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view/groupview"
)

// New returns the view; c, which must be fed before it, knows whose an address is.
func New(events describe.Getter, c *cluster.Cluster) *groupview.View {
	return groupview.New(events, groupview.Spec{
		Key: flow, Label: func(e *trace.Event) string { return ends(e, c) }, Group: flowRow, Head: flowHead, Row: hopRow, Tells: dropped,
		Empty: text.NoPackets, Groups: text.FlowCount, Events: text.HopCount,
	})
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

// ends returns between whom a flow is, by name where the cluster knows one: "tcp client > svc/web:80".
func ends(e *trace.Event, c *cluster.Cluster) string {
	d, ok := e.Detail.(*trace.HopDetail)
	if !ok {
		return ""
	}
	then := cmp.Or(e.Seq, ^uint64(0)) // what waits has no number yet: it is now
	name := func(a netip.AddrPort) string {
		host := cmp.Or(c.NameOf(a.Addr(), then), a.Addr().String())
		if a.Port() == 0 {
			return host
		}
		return fmt.Sprintf("%s:%d", host, a.Port())
	}
	t, ok := describe.Tuple(d.Data.Headers())
	if !ok {
		return describe.Event(e).Object
	}
	// The client's port says nothing that the packets do not.
	return t.Protocol + " " + name(netip.AddrPortFrom(t.Src.Addr(), 0)) + " > " + name(t.Dst)
}

func flowRow(p text.Printer, g *groupview.Group, w int) []list.Cell {
	role, outcome := theme.Good, ""
	if d, ok := g.Last.Detail.(*trace.HopDetail); ok {
		switch {
		case g.Held > 0:
			role, outcome = theme.Warn, "■ "+p.T(text.HeldShort)
		case d.Verdict == "dropped":
			role, outcome = theme.Bad, "✗ "+cmp.Or(d.Reason, d.Verdict)
		case d.Verdict == "delivered":
			outcome = "✓ " + d.Verdict
		default:
			role, outcome = theme.Dim, cmp.Or(d.Verdict, "forwarded")
		}
	}
	number := ""
	if g.First.Seq != 0 {
		number = fmt.Sprintf("#%d", g.First.Seq)
	}
	row := []list.Cell{{Role: theme.Dim, Text: number, Width: 8}, {Role: theme.Object, Text: g.Label},
		{Role: theme.Dim, Text: p.T(text.Hops, g.N), Width: 10}, {Role: role, Text: outcome, Width: min(max(layout.Width(outcome)+1, 13), w/3)}}
	if w < wider {
		return row
	}
	return append(row[:2:2], append([]list.Cell{{Role: theme.Dim, Text: describe.Event(&g.First).Object, Width: 50}}, row[2:]...)...)
}

// flowHead says between whom the flow is, and what it was translated to.
func flowHead(p text.Printer, g *groupview.Group) []richtext.Line {
	packets, translated := map[uint64]bool{}, ""
	for e := range g.Each {
		d, ok := e.Detail.(*trace.HopDetail)
		if !ok {
			continue
		}
		packets[d.Packet] = true
		if d.NAT != nil && translated == "" && !d.Reply {
			translated = "  " + d.NAT.Kind + " → " + d.NAT.After.Dst.String()
			if d.NAT.After.Dst == d.NAT.Before.Dst {
				translated = "  " + d.NAT.Kind + " ← " + d.NAT.After.Src.String()
			}
		}
	}
	return []richtext.Line{{Hang: 2, Spans: []richtext.Span{{Role: theme.Heading, Text: g.Label}, {Role: theme.Warn, Text: translated},
		{Role: theme.Dim, Text: "  " + p.T(text.PacketCount, len(packets))}}}}
}
