package describe

import (
	"cmp"
	"fmt"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Scheduling shows how a node was chosen: what the filters said, what the scores were, on lines of w cells. filter and
// score may be nil; chosen is "" while that is not known.
func Scheduling(p text.Printer, filter, score *trace.SchedDetail, chosen string, w int) []richtext.Line {
	b := &builder{Printer: p}
	filtered := filter != nil && len(filter.Filter) > 0
	if filtered {
		b.filteredOut(filter) // the answer first
		if fit := fits(filter); fit == 1 && score == nil && chosen != "" {
			b.add(0, richtext.Span{Role: theme.Good, Text: "▸ "}, richtext.Span{Role: theme.Strong, Text: chosen}, richtext.Span{Text: "  " + b.T(text.OnlyNode)})
		}
	}
	if score != nil && len(score.Score) > 0 {
		b.heading(text.HeadScore)
		at := len(b.lines)
		if b.scoreTable(score, cmp.Or(chosen, score.Node)); tooWide(b.lines[at:], w) {
			b.lines = b.lines[:at]
			b.scoreRows(score, cmp.Or(chosen, score.Node))
		}
	}
	if filtered {
		b.heading(text.HeadFilter)
		at := len(b.lines)
		if b.filterTable(filter); tooWide(b.lines[at:], w) {
			b.lines = b.lines[:at]
			b.filterRows(filter)
		}
	}
	return b.lines
}

// filteredOut says of each node that cannot run the Pod which plugin said so, and why.
func (b *builder) filteredOut(d *trace.SchedDetail) {
	for _, r := range d.Filter {
		if r.Status == "" && r.Reason == "" {
			continue
		}
		b.add(0, richtext.Span{Role: theme.Bad, Text: "✗ "}, richtext.Span{Role: theme.Strong, Text: r.Node},
			richtext.Span{Role: theme.Object, Text: "  " + refusedBy(d, r)}, richtext.Span{Text: "  " + r.Reason},
			richtext.Span{Role: theme.Dim, Text: "  " + r.Status})
	}
}

// fits counts the nodes that can run the Pod.
func fits(d *trace.SchedDetail) (n int) {
	for _, r := range d.Filter {
		if r.Status == "" && r.Reason == "" {
			n++
		}
	}
	return n
}

// refusedBy names the plugin that filtered a node out.
func refusedBy(d *trace.SchedDetail, r trace.FilterRow) string {
	for i, result := range r.Results {
		if result == "fail" && i < len(d.Plugins) {
			return d.Plugins[i].Name
		}
	}
	return ""
}

// tooWide reports whether a table would be cut.
func tooWide(lines []richtext.Line, w int) bool {
	for _, l := range lines {
		if l.Fixed && ansi.StringWidth(l.Plain()) > w {
			return true
		}
	}
	return false
}

// filterRows has a line for each node, for where the table has more columns than fit.
func (b *builder) filterRows(d *trace.SchedDetail) {
	for _, r := range d.Filter {
		if r.Status == "" && r.Reason == "" {
			b.add(0, richtext.Span{Role: theme.Good, Text: "✓ "}, richtext.Span{Role: theme.Strong, Text: r.Node})
		} else {
			b.add(0, richtext.Span{Role: theme.Bad, Text: "✗ "}, richtext.Span{Role: theme.Strong, Text: r.Node}, richtext.Span{Role: theme.Object, Text: "  " + refusedBy(d, r)})
		}
	}
}

// scoreRows has a line for each node with its total first.
func (b *builder) scoreRows(d *trace.SchedDetail, chosen string) {
	for i, r := range d.Score {
		role, mark := theme.Plain, "  "
		if chosen == r.Node || chosen == "" && i < best(d) {
			role, mark = theme.Good, "▸ "
		}
		spans := []richtext.Span{{Role: role, Text: mark}, {Role: theme.Strong, Text: r.Node}, {Role: role, Text: fmt.Sprintf("  %d ", r.Total)}}
		for j, c := range r.Cells {
			if j < len(d.Plugins) && !d.Plugins[j].Skipped {
				spans = append(spans, richtext.Span{Role: theme.Object, Text: "  " + d.Plugins[j].Name + " "},
					richtext.Span{Text: fmt.Sprintf("%d/%d/%d", c.Raw, c.Normalized, c.Weighted)})
			}
		}
		b.add(0, spans...)
	}
	b.say(theme.Dim, b.T(text.ScoreLegend))
	if best(d) > 1 {
		b.say(theme.Dim, b.T(text.ScoreTie))
	}
}
