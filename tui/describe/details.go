package describe

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// pair is a name and what it has.
type pair struct{ name, value string }

// pairs shows those that have a value, with the values aligned.
func (b *builder) pairs(list []pair) {
	w := 0
	for _, p := range list {
		if p.value != "" {
			w = max(w, ansi.StringWidth(p.name))
		}
	}
	for _, p := range list {
		if p.value != "" {
			b.lines = append(b.lines, richtext.Line{Hang: w + 2, Spans: []richtext.Span{
				{Role: theme.Dim, Text: layout.Fit(p.name, w)}, {Text: "  "}, {Text: p.value}}})
		}
	}
}

// details shows what the event's kind has beyond the common fields.
func (b *builder) details(e *trace.Event) {
	switch d := e.Detail.(type) {
	case *trace.RequestDetail:
		b.say(theme.Plain, strings.TrimSpace(d.Method+" "+d.URI))
	case *trace.StageDetail:
		b.blank()
		b.pairs([]pair{{b.T(text.Plugin), d.Plugin}, {b.T(text.Decision), d.Decision}, {b.T(text.Reason), d.Reason},
			{b.T(text.User), d.User}, {b.T(text.Groups), strings.Join(d.Groups, ", ")},
			{b.T(text.FlowSchema), d.FlowSchema}, {b.T(text.PriorityLevel), d.PriorityLevel}, {b.T(text.EtcdKey), d.Key}})
	case *trace.CommitDetail:
		b.blank()
		size := fmt.Sprintf("%d B", d.Bytes)
		if d.PrevBytes > 0 {
			size = fmt.Sprintf("%d → %d B", d.PrevBytes, d.Bytes)
		}
		b.pairs([]pair{{b.T(text.EtcdKey), d.Key}, {b.T(text.Revision), nonZero(e.EtcdRevision)},
			{b.T(text.Writes), nonZero(d.Version)}, {b.T(text.Size), size}})
	case *trace.DeliverDetail:
		b.blank()
		b.pairs([]pair{{b.T(text.Watch), d.URI}, {b.T(text.Client), d.Client}, {b.T(text.Revision), nonZero(e.EtcdRevision)}})
	case *trace.CRIDetail:
		b.blank()
		exit := ""
		if d.ExitCode != nil {
			exit = fmt.Sprint(*d.ExitCode)
		}
		b.pairs([]pair{{b.T(text.Node), d.Node}, {b.T(text.Container), d.Name}, {b.T(text.Image), d.Image},
			{b.T(text.ContainerID), d.Container}, {b.T(text.SandboxID), d.Sandbox}, {b.T(text.Signal), d.Signal},
			{b.T(text.ExitCode), exit}})
	case *trace.SchedDetail:
		b.sched(d)
	case *trace.HopDetail:
		b.hop(d)
	case *trace.DNSDetail:
		b.query(d)
	}
}

func nonZero(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// sched shows what the scheduler's plugins said: a table of nodes and plugins for Filter and Score, else a list.
func (b *builder) sched(d *trace.SchedDetail) {
	b.blank()
	attempt := ""
	if d.Attempt > 0 {
		attempt = fmt.Sprint(d.Attempt)
	}
	b.pairs([]pair{{b.T(text.Profile), d.Profile}, {b.T(text.Attempt), attempt}, {b.T(text.Node), d.Node}})
	switch {
	case len(d.Filter) > 0:
		b.heading(text.HeadFilter)
		b.filterTable(d)
		b.filteredOut(d)
	case len(d.Score) > 0:
		b.heading(text.HeadScore)
		b.scoreTable(d, d.Node)
	case len(d.Plugins) > 0:
		b.heading(text.HeadPlugins)
		for _, p := range d.Plugins {
			status := p.Status
			if p.Skipped {
				status = "skip"
			}
			b.add(0, richtext.Span{Role: theme.Object, Text: p.Name}, richtext.Span{Text: "  " + status},
				richtext.Span{Role: theme.Dim, Text: "  " + p.Reason})
		}
	}
}

// cell is one cell of a table.
type cell struct {
	role theme.Role
	text string
}

// table shows rows with the columns aligned; the first column is the row's name and to the left, the others are right.
func (b *builder) table(rows [][]cell) {
	var width []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], ansi.StringWidth(c.text))
		}
	}
	for _, row := range rows {
		line := richtext.Line{Fixed: true}
		for i, c := range row {
			blank := strings.Repeat(" ", width[i]-ansi.StringWidth(c.text))
			if i == 0 {
				line.Spans = append(line.Spans, richtext.Span{Role: c.role, Text: c.text}, richtext.Span{Text: blank})
			} else {
				line.Spans = append(line.Spans, richtext.Span{Text: "  " + blank}, richtext.Span{Role: c.role, Text: c.text})
			}
		}
		b.lines = append(b.lines, line)
	}
}

// filterTable has a row for each plugin and a column for each node: there are more plugins than fit side by side.
func (b *builder) filterTable(d *trace.SchedDetail) {
	rows := [][]cell{{{theme.Dim, b.T(text.Plugin)}}}
	for _, r := range d.Filter {
		rows[0] = append(rows[0], cell{theme.Strong, r.Node})
	}
	for i, p := range d.Plugins {
		row := []cell{{theme.Object, p.Name}}
		for _, r := range d.Filter {
			result := ""
			if i < len(r.Results) {
				result = r.Results[i]
			}
			role := theme.Dim
			switch result {
			case "pass":
				role, result = theme.Good, "✓"
			case "fail":
				role, result = theme.Bad, "✗"
			case "skip":
				result = "skip"
			default:
				result = "·"
			}
			row = append(row, cell{role, result})
		}
		rows = append(rows, row)
	}
	b.table(rows)
	b.say(theme.Dim, b.T(text.FilterLegend))
}

// scoreTable has a row for each plugin with its weight and a column for each node, raw/normalised/weighted. The chosen node
// is marked; while it is not known, "", all that share the highest total are.
func (b *builder) scoreTable(d *trace.SchedDetail, chosen string) {
	rows := [][]cell{{{theme.Dim, b.T(text.Plugin)}, {theme.Dim, b.T(text.Weight)}}}
	for _, r := range d.Score {
		rows[0] = append(rows[0], cell{theme.Strong, r.Node})
	}
	for i, p := range d.Plugins {
		if p.Skipped {
			continue
		}
		row := []cell{{theme.Object, p.Name}, {theme.Dim, fmt.Sprintf("×%d", p.Weight)}}
		for _, r := range d.Score {
			if i < len(r.Cells) {
				c := r.Cells[i]
				row = append(row, cell{theme.Plain, fmt.Sprintf("%d/%d/%d", c.Raw, c.Normalized, c.Weighted)})
			} else {
				row = append(row, cell{theme.Dim, "·"})
			}
		}
		rows = append(rows, row)
	}
	total := []cell{{theme.Strong, b.T(text.Total)}, {}}
	for i, r := range d.Score {
		role, mark := theme.Plain, ""
		if chosen == r.Node || chosen == "" && i < best(d) {
			role, mark = theme.Good, "▸"
		}
		total = append(total, cell{role, fmt.Sprintf("%s%d", mark, r.Total)})
	}
	b.table(append(rows, total))
	b.say(theme.Dim, b.T(text.ScoreLegend))
	if best(d) > 1 {
		b.say(theme.Dim, b.T(text.ScoreTie))
	}
}

// decision shows, for a binding, the scores that chose its node.
func (b *builder) decision(e *trace.Event, chain []trace.Event) {
	if e.Subresource != "binding" {
		return
	}
	for i := range chain {
		if d, ok := chain[i].Detail.(*trace.SchedDetail); ok && len(d.Score) > 0 {
			b.heading(text.HeadScore)
			b.scoreTable(d, bound(e))
			return
		}
	}
}

// bound returns the node that a binding request asks for.
func bound(e *trace.Event) string {
	if d, ok := e.Detail.(*trace.RequestDetail); ok {
		return BindingTarget(d.Body)
	}
	return ""
}
