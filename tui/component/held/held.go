// Package held is the queue at the gate: who waits, to do what, since when.
//
// Screens import it; it imports layout and theme and knows nothing of a lab.
package held

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/theme"
)

// Row is one that waits.
type Row struct {
	Actor, Verb, Object, Note string
	Short                     string // the actor's name for a narrow queue
	Since                     string
	Because, Cause            string // "because of #38", and what that is
}

// narrow is the width, in cells, below which actors have their short names.
const narrow = 72

// View returns h lines of w cells. The first row is released next; selected is an index, -1 for none.
func View(t theme.Theme, rows []Row, selected int, focused bool, w, h int) []string {
	each, offset := place(len(rows), selected, h)
	var out []string
	for i := offset; i < len(rows) && len(out) < h; i++ {
		r := rows[i]
		mark := " "
		if i == selected {
			mark = "▸"
		}
		paint := t.Paint
		if i == selected && focused {
			paint = theme.Theme{}.Paint
		}
		actor := r.Actor
		if w < narrow {
			actor = r.Short
		}
		line := paint(theme.Warn, fmt.Sprintf("%s%d ", mark, i+1)) + paint(theme.Actor, actor) + "  " + paint(theme.Verb, r.Verb) + " "
		note := ""
		if r.Note != "" {
			note = " " + r.Note
		}
		room := w - ansi.StringWidth(line) - ansi.StringWidth(note)
		line += paint(theme.Object, layout.Middle(r.Object, room)) + paint(theme.Strong, note)
		line = withRight(line, paint(theme.Dim, r.Since), w)
		if i == selected && focused {
			line = t.Paint(theme.Selected, line)
		}
		out = append(out, line)
		if each == 2 {
			out = append(out, t.Paint(theme.Dim, because(r, w)))
		}
	}
	return layout.FitLines(out, w, h)
}

// because returns the second line of a row; its number stays, the name of the object gives way.
func because(r Row, w int) string {
	head := "   " + r.Because + "  "
	return head + layout.Middle(r.Cause, max(w-layout.Width(head), 0))
}

// withRight puts right at the end of a line of w cells when there is room.
func withRight(line, right string, w int) string {
	gap := w - ansi.StringWidth(line) - ansi.StringWidth(right)
	if gap < 1 {
		return layout.Fit(line, w)
	}
	return line + strings.Repeat(" ", gap) + right
}

// place returns how many lines each of n rows has, a second one when there is room, and which row is the first in sight.
func place(n, selected, h int) (each, offset int) {
	each = 1
	if 2*n <= h {
		each = 2
	}
	return each, layout.Scroll(0, max(selected, 0), n, max(h/each, 1))
}

// At returns the index of the row that is on a line of the view, -1 when there is none.
func At(n, selected, h, line int) int {
	each, offset := place(n, selected, h)
	if i := offset + line/each; i < n {
		return i
	}
	return -1
}
