// Package help is the overlay that lists every key.
//
// The root model imports it; it imports keymap, text, theme, layout and other components.
package help

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Help is the overlay.
type Help struct {
	bindings []keymap.Binding
	theme    theme.Theme
	say      text.Printer
	box      layout.Rect
	pager    pager.Pager
}

// New returns the overlay for the bindings as they are now.
func New(bindings []keymap.Binding) *Help { return &Help{bindings: bindings} }

// widest is as wide as the help gets, in cells.
const widest = 84

// Arrange gives the overlay the looks, the language and the terminal's size.
func (h *Help) Arrange(t theme.Theme, p text.Printer, w, height int) {
	h.theme, h.say = t, p
	h.box = layout.Rect{W: min(w-2, widest), H: height - 2}
	lines := h.lines()
	inW, inH := frame.Inner(h.box)
	h.pager.Set(t, lines, inW, inH)
	if n := h.pager.Len(); n < inH {
		h.box.H -= inH - n
		h.pager.Set(t, lines, inW, n)
	}
	h.box.X, h.box.Y = (w-h.box.W)/2, (height-h.box.H)/2
}

func (h *Help) lines() []richtext.Line {
	keys := 0
	for _, b := range h.bindings {
		keys = max(keys, ansi.StringWidth(b.Show)+2)
	}
	var out []richtext.Line
	var group, said text.ID
	for _, b := range h.bindings {
		if b.Group == group && b.Help == said {
			continue // the first of a row of keys has shown them all, as 1-9
		}
		said = b.Help
		if b.Group != group {
			group = b.Group
			out = append(out, richtext.Text(theme.Heading, h.say.T(group)))
		}
		show, role, words := " "+b.Show, theme.Key, theme.Plain
		if b.Off {
			show, role, words = "("+b.Show+")", theme.Dim, theme.Dim
		}
		out = append(out, richtext.Line{Hang: keys + 2, Spans: []richtext.Span{
			{Role: role, Text: layout.Fit(show, keys) + "  "}, {Role: words, Text: h.say.T(b.Help)}}})
	}
	return append(out, richtext.Line{}, richtext.Text(theme.Dim, h.say.T(text.HelpNow)),
		richtext.Text(theme.Dim, h.say.T(text.HelpMouse)))
}

// Capturing reports that keys are commands.
func (h *Help) Capturing() bool { return false }

// Key takes a key press and reports whether the overlay goes away. It chooses nothing.
func (h *Help) Key(k tea.KeyPressMsg) (closed bool, chosen keymap.Action) {
	_, page := frame.Inner(h.box)
	switch keymap.Find(keymap.Begin(), k.String()) {
	case keymap.Up:
		h.pager.Move(-1)
	case keymap.Down:
		h.pager.Move(1)
	case keymap.PageUp:
		h.pager.Move(-page)
	case keymap.PageDown:
		h.pager.Move(page)
	case keymap.Top:
		h.pager.Top()
	case keymap.Bottom:
		h.pager.Bottom()
	case keymap.Help, keymap.Back, keymap.Quit, keymap.Open:
		return true, keymap.None
	}
	return false, keymap.None
}

// Wheel scrolls n lines.
func (h *Help) Wheel(n int) { h.pager.Move(n) }

// Over lays the overlay over base, whose lines are w cells wide.
func (h *Help) Over(base []string, w int) []string {
	f := frame.Frame{Title: h.say.T(text.HelpTitle), Note: h.pager.Note(), Focused: true}
	inW, inH := frame.Inner(h.box)
	return layout.Overlay(base, f.View(h.theme, h.box, h.pager.View(inW, inH)), h.box.X, h.box.Y, w)
}
