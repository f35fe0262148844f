// Package pager shows text that may be longer than its place. It wraps and paints when the text or the place changes,
// and not for each frame.
//
// Screens and overlays import it; it imports richtext, layout and theme.
package pager

import (
	"fmt"

	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/theme"
)

// Pager is a text and a place in it. The zero Pager is empty.
type Pager struct {
	rows   []string
	offset int
	height int
}

// Set replaces the text, wrapped to w cells, and keeps the place as far as it exists.
func (p *Pager) Set(t theme.Theme, lines []richtext.Line, w, h int) {
	rows := richtext.Render(t, lines, w)
	p.rows, p.height = layout.FitLines(rows, w, len(rows)), h
	p.Move(0)
}

// Top goes to the beginning.
func (p *Pager) Top() { p.offset = 0 }

// Bottom goes to the end.
func (p *Pager) Bottom() { p.Move(len(p.rows)) }

// Move goes n lines down, up when n is negative.
func (p *Pager) Move(n int) { p.offset = max(min(p.offset+n, len(p.rows)-p.height), 0) }

// Show moves as little as needed to bring a line, counted from 0, in sight.
func (p *Pager) Show(line int) {
	p.offset = layout.Scroll(p.offset, line, len(p.rows), max(p.height, 1))
}

// Len returns how many lines there are after wrapping.
func (p *Pager) Len() int { return len(p.rows) }

// Note says which lines are in sight, "" when all are.
func (p *Pager) Note() string {
	if len(p.rows) <= p.height {
		return ""
	}
	return fmt.Sprintf("%d-%d/%d", p.offset+1, min(p.offset+p.height, len(p.rows)), len(p.rows))
}

// View returns h lines of w cells, which must be the width of the last Set.
func (p *Pager) View(w, h int) []string {
	rows := p.rows[min(p.offset, len(p.rows)):]
	return layout.Fill(rows[:min(h, len(rows))], w, h)
}
