// Package palette is the overlay that finds a command by its words.
//
// The root model imports it; it imports keymap, text, theme, layout and other components.
package palette

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/input"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Palette is the overlay.
type Palette struct {
	bindings []keymap.Binding
	found    []keymap.Binding
	theme    theme.Theme
	say      text.Printer
	line     input.Line
	list     list.List
	box      layout.Rect
}

// New returns the overlay for the bindings as they are now.
func New(bindings []keymap.Binding) *Palette { return &Palette{bindings: bindings} }

// widest is as wide as the palette gets, in cells.
const widest = 84

// Arrange gives the overlay the looks, the language and the terminal's size.
func (p *Palette) Arrange(t theme.Theme, say text.Printer, w, h int) {
	p.theme, p.say = t, say
	p.box = layout.Rect{W: min(w-2, widest), H: min(h-2, 20)}
	p.box.X, p.box.Y = (w-p.box.W)/2, (h-p.box.H)/3
	p.find()
}

// find lists the commands that have all the words, those that work first.
func (p *Palette) find() {
	words := strings.Fields(strings.ToLower(p.line.Value()))
	p.found = p.found[:0]
	for _, off := range []bool{false, true} {
		for _, b := range p.bindings {
			line := strings.ToLower(b.Show + " " + p.say.T(b.Label) + " " + p.say.T(b.Help) + " " + p.say.T(b.Group))
			fits := b.Off == off && b.Action != keymap.Palette
			for _, w := range words {
				fits = fits && strings.Contains(line, w)
			}
			if fits {
				p.found = append(p.found, b)
			}
		}
	}
	p.list.At = max(min(p.list.At, len(p.found)-1), 0)
}

// Capturing reports that keys are text.
func (p *Palette) Capturing() bool { return true }

// Key takes a key press and reports whether the overlay goes away, and which command was chosen.
func (p *Palette) Key(k tea.KeyPressMsg) (closed bool, chosen keymap.Action) {
	switch k.String() {
	case "esc":
		return true, keymap.None
	case "up":
		p.list.Move(-1, len(p.found))
	case "down", "tab":
		p.list.Move(1, len(p.found))
	case "pgup":
		p.list.Move(-10, len(p.found))
	case "pgdown":
		p.list.Move(10, len(p.found))
	case "enter":
		if len(p.found) > 0 && !p.found[p.list.At].Off {
			return true, p.found[p.list.At].Action
		}
	default:
		if p.line.Key(k) {
			p.list.At = 0
			p.find()
		}
	}
	return false, keymap.None
}

// Wheel moves the selection.
func (p *Palette) Wheel(n int) { p.list.Move(n, len(p.found)) }

// Over lays the overlay over base, whose lines are w cells wide.
func (p *Palette) Over(base []string, w int) []string {
	inW, inH := frame.Inner(p.box)
	content := []string{p.theme.Paint(theme.Key, ":") + " " + p.line.View(p.theme, inW-2)}
	if len(p.found) == 0 {
		content = append(content, layout.Fit(p.theme.Paint(theme.Dim, p.say.T(text.PaletteNone)), inW))
	}
	content = append(content, p.list.View(p.theme, len(p.found), func(i int) []list.Cell {
		b := p.found[i]
		row := []list.Cell{{Role: theme.Key, Text: b.Show, Width: 12}, {Role: theme.Plain, Text: p.say.T(b.Help)}}
		if b.Off {
			row[1].Role = theme.Dim
			row = append(row, list.Cell{Role: theme.Dim, Text: p.say.T(text.PaletteOff), Width: layout.Width(p.say.T(text.PaletteOff)) + 1})
		}
		return row
	}, inW, inH-len(content), true)...)
	f := frame.Frame{Title: p.say.T(text.PaletteTitle), Focused: true}
	return layout.Overlay(base, f.View(p.theme, p.box, content[:inH]), p.box.X, p.box.Y, w)
}
