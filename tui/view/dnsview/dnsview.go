// Package dnsview answers: which names were tried? It lists what programs looked for, and for each the names that their
// resolver tried, whom it asked, and what it was told.
//
// The lab screen imports it.
package dnsview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view/groupview"
)

// New returns the view.
func New(events describe.Getter) *groupview.View {
	return groupview.New(events, groupview.Spec{Key: lookup, Group: lookupRow, Row: tryRow, Tells: answered, Empty: text.NoLookups, Groups: text.LookupCount, Events: text.TryCount})
}

// lookup groups the questions of a resolver by what set them off; the server's side of them is left to the trace.
func lookup(e *trace.Event) string {
	d, ok := e.Detail.(*trace.DNSDetail)
	if !ok || e.Verb != "ask" {
		return ""
	}
	return fmt.Sprintf("%d %s %s", e.Cause, e.Actor, d.Host)
}

func answered(e *trace.Event) bool {
	d, ok := e.Detail.(*trace.DNSDetail)
	return ok && len(d.Answers) > 0
}

func lookupRow(p text.Printer, first, last *trace.Event, n int) []list.Cell {
	d, ok := first.Detail.(*trace.DNSDetail)
	if !ok {
		return nil
	}
	outcome, role := answer(last)
	return []list.Cell{{Role: theme.Dim, Text: fmt.Sprintf("#%d", first.Seq), Width: 8}, {Role: theme.Actor, Text: first.Actor}, {Role: theme.Strong, Text: d.Host, Width: 24},
		{Role: theme.Dim, Text: p.T(text.Tries, n), Width: 10}, {Role: role, Text: outcome, Width: 22}}
}

// wide is the width, in cells, from which the server has a column.
const wide = 90

func tryRow(_ text.Printer, e *trace.Event, w int) []list.Cell {
	d, ok := e.Detail.(*trace.DNSDetail)
	if !ok {
		return nil
	}
	outcome, role := answer(e)
	cost := ""
	if d.RTTMs > 0 {
		cost = fmt.Sprintf("%.1f ms", d.RTTMs)
	}
	row := []list.Cell{{Role: theme.Verb, Text: d.Type, Width: 5}, {Role: theme.Object, Text: d.Name}, {Role: role, Text: outcome, Width: 22}, {Role: theme.Dim, Text: cost, Width: -9}}
	if w < wide {
		return row
	}
	return slices.Insert(row, 2, list.Cell{Role: theme.Dim, Text: d.Server.Addr().String(), Width: 13})
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
