// Package dnsview answers: which names were tried? It lists what programs looked for, and for each the names that their
// resolver tried, whom it asked, what it was told, and what that cost.
//
// The lab screen imports it.
package dnsview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view/groupview"
)

// New returns the view.
func New(events describe.Getter) *groupview.View {
	return groupview.New(events, groupview.Spec{Key: lookup, Label: sought, Group: lookupRow, Head: lookupHead, Row: tryRow, Tells: answered,
		Empty: text.NoLookups, Groups: text.LookupCount, Events: text.TryCount})
}

// lookup groups the questions of one look-up of a resolver; the server's side of them is left to the trace.
func lookup(e *trace.Event) string {
	d, ok := e.Detail.(*trace.DNSDetail)
	if !ok || e.Verb != "ask" {
		return ""
	}
	return fmt.Sprintf("%d %d %s %s", d.Lookup, e.Cause, e.Actor, d.Host)
}

func sought(e *trace.Event) string {
	if d, ok := e.Detail.(*trace.DNSDetail); ok {
		return d.Host
	}
	return ""
}

func answered(e *trace.Event) bool {
	d, ok := e.Detail.(*trace.DNSDetail)
	return ok && len(d.Answers) > 0
}

// cost is what a look-up took.
type cost struct {
	ms     float64
	wasted int // questions that brought no address
}

func costOf(g *groupview.Group) (c cost) {
	for e := range g.Each {
		if d, ok := e.Detail.(*trace.DNSDetail); ok {
			c.ms += d.RTTMs
			if len(d.Answers) == 0 && !e.Open {
				c.wasted++
			}
		}
	}
	return c
}

func lookupRow(p text.Printer, g *groupview.Group, w int) []list.Cell {
	outcome, role := answer(&g.Last)
	number := ""
	if g.First.Seq != 0 {
		number = fmt.Sprintf("#%d", g.First.Seq)
	}
	if g.Held > 0 {
		outcome, role = "■ "+p.T(text.HeldShort), theme.Warn
	}
	c := costOf(g)
	actor := strings.TrimPrefix(strings.TrimPrefix(g.First.Actor, "pod "), "default/")
	row := []list.Cell{{Role: theme.Dim, Text: number, Width: 8}, {Role: theme.Actor, Text: actor, Width: max(w/6, 12)}, {Role: theme.Strong, Text: g.Label},
		{Role: theme.Dim, Text: p.T(text.Tries, g.N), Width: 9}, {Role: theme.Dim, Text: fmt.Sprintf("%.1f ms", c.ms), Width: -10}, {Role: role, Text: outcome, Width: 20}}
	if w >= wide {
		row = slices.Insert(row, 4, list.Cell{Role: theme.Dim, Text: p.T(text.TriesWasted, c.wasted), Width: 20})
	}
	return row
}

// lookupHead says what was looked for, and by which rules.
func lookupHead(p text.Printer, g *groupview.Group) []richtext.Line {
	d, ok := g.First.Detail.(*trace.DNSDetail)
	if !ok {
		return nil
	}
	c := costOf(g)
	rules := fmt.Sprintf("  ndots %d · search %s", d.Ndots, strings.Join(d.Search, " "))
	return []richtext.Line{
		{Hang: 2, Spans: []richtext.Span{{Role: theme.Heading, Text: d.Host}, {Role: theme.Dim, Text: rules}}},
		{Hang: 2, Spans: []richtext.Span{{Role: theme.Dim, Text: p.T(text.Server) + " " + d.Server.String() + " " + d.Transport + "  "},
			{Text: p.T(text.LookupCost, g.N, c.wasted, fmt.Sprintf("%.1f", c.ms))}}},
	}
}

// wide is the width, in cells, from which there are more columns.
const wide = 90

func tryRow(p text.Printer, _, e *trace.Event, held bool, w int) []list.Cell {
	d, ok := e.Detail.(*trace.DNSDetail)
	if !ok {
		return nil
	}
	outcome, role := answer(e)
	if held {
		outcome, role = "■ "+p.T(text.HeldShort), theme.Warn
	}
	took := ""
	if d.RTTMs > 0 {
		took = fmt.Sprintf("%.1f ms", d.RTTMs)
	}
	row := []list.Cell{{Role: theme.Verb, Text: d.Type, Width: 5}, {Role: theme.Object, Text: d.Name}, {Role: role, Text: outcome, Width: 20}, {Role: theme.Dim, Text: took, Width: -9}}
	if w < wide {
		return row
	}
	return slices.Insert(row, 2, list.Cell{Role: theme.Dim, Text: d.Server.String() + " " + d.Transport, Width: 20})
}

// answer returns what came back, in a word.
func answer(e *trace.Event) (string, theme.Role) {
	d, ok := e.Detail.(*trace.DNSDetail)
	switch {
	case !ok || e.Open:
		return "…", theme.Warn
	case len(d.Answers) > 0:
		last := strings.Fields(d.Answers[len(d.Answers)-1])
		return "✓ " + last[max(len(last)-1, 0)], theme.Good
	case d.Rcode == "":
		return "✗ " + e.Error, theme.Bad
	case d.Rcode == "NOERROR":
		return "○ " + d.Rcode, theme.Dim // the name exists, but not with this type
	}
	return "✗ " + d.Rcode, theme.Bad
}
