// Package frame draws the border of a pane with its title.
//
// Screens import it; it imports theme and layout.
package frame

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/theme"
)

// Frame is a pane's border.
type Frame struct {
	Title string
	// Note stands at the right of the title, when there is room.
	Note string
	// Focused panes have a double line at the top and a mark before their title, so that no colour is needed to see it.
	Focused bool
}

// Inner returns the cells inside a frame of the given size.
func Inner(r layout.Rect) (w, h int) { return max(r.W-4, 0), max(r.H-2, 0) }

// View returns r.H lines of r.W cells with the content inside, whose lines must be as wide as [Inner] says.
func (f Frame) View(t theme.Theme, r layout.Rect, content []string) []string {
	if r.Empty() {
		return nil
	}
	role, mark, rule, left, right := theme.Border, " ", "─", "┌", "┐"
	if f.Focused {
		role, mark, rule, left, right = theme.Focus, "▸", "═", "╒", "╕"
	}
	w, h := Inner(r)
	title := mark + f.Title + " "
	note := ""
	if f.Note != "" {
		note = " " + f.Note + " "
	}
	room := r.W - 2
	if ansi.StringWidth(title) > room {
		title = ansi.Truncate(title, room, "…")
	}
	if ansi.StringWidth(title)+ansi.StringWidth(note) > room {
		note = ""
	}
	fill := room - ansi.StringWidth(title) - ansi.StringWidth(note)
	titleRole := theme.Plain
	if f.Focused {
		titleRole = theme.Strong
	}
	out := make([]string, 0, r.H)
	out = append(out, t.Paint(role, left)+t.Paint(titleRole, title)+t.Paint(role, strings.Repeat(rule, max(fill, 0)))+
		t.Paint(theme.Dim, note)+t.Paint(role, right))
	bar := t.Paint(role, "│")
	for _, line := range layout.Fill(content, w, h) {
		out = append(out, bar+" "+line+" "+bar)
	}
	return append(out, t.Paint(role, "└"+strings.Repeat("─", room)+"┘"))
}
