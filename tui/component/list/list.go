// Package list is a list of lines with one selected. It asks for the lines in sight only.
//
// Views import it; it imports layout and theme and knows nothing of a lab.
package list

import (
	"strings"

	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/theme"
)

// Cell is one cell of a row.
type Cell struct {
	Role theme.Role
	Text string
	// Width is the column's in cells; 0 takes what is left. A negative width aligns to the right.
	Width int
}

// List is a place in a list. The zero List is at the first row.
type List struct {
	At     int // the selected row
	offset int
}

// Move moves the selection by n among rows.
func (l *List) Move(n, rows int) { l.At = max(min(l.At+n, rows-1), 0) }

// Click selects the row on line y of the last View.
func (l *List) Click(y, rows int) {
	if at := l.offset + y; y >= 0 && at < rows {
		l.At = at
	}
}

// View returns h lines of w cells.
func (l *List) View(t theme.Theme, rows int, row func(i int) []Cell, w, h int, focused bool) []string {
	l.At = max(min(l.At, rows-1), 0)
	l.offset = layout.Scroll(l.offset, l.At, rows, h)
	out := make([]string, 0, h)
	for i := l.offset; i < min(l.offset+h, rows); i++ {
		out = append(out, line(t, row(i), w, i == l.At, focused))
	}
	return layout.Fill(out, w, h)
}

// Head returns the line with the columns' names, above rows of the same widths.
func Head(t theme.Theme, cells []Cell, w int) []string {
	for i := range cells {
		cells[i].Role = theme.Dim
	}
	return []string{line(t, cells, w, false, false)}
}

func line(t theme.Theme, cells []Cell, w int, selected, focused bool) string {
	gutter, paint := " ", t.Paint
	if selected {
		if gutter = "▸"; focused {
			paint = theme.Theme{}.Paint // the whole line is painted at once, below
		}
	}
	rest := w - 1
	for _, c := range cells {
		rest -= max(c.Width, -c.Width)
	}
	var b strings.Builder
	b.WriteString(paint(theme.Chain, gutter))
	for _, c := range cells {
		width, text := c.Width, c.Text
		switch {
		case width == 0:
			width = max(rest, 0)
			text = layout.Fit(layout.Middle(text, width-1), width)
		case width < 0:
			width = -width
			text = layout.Middle(text, width-1)
			text = strings.Repeat(" ", max(width-1-layout.Width(text), 0)) + text + " "
		default:
			text = layout.Fit(layout.Middle(text, width-1), width)
		}
		b.WriteString(paint(c.Role, text))
	}
	s := layout.Fit(b.String(), w)
	if selected && focused {
		return t.Paint(theme.Selected, s)
	}
	return s
}
