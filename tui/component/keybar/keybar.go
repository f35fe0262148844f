// Package keybar is the last line of the screen: the keys that work now.
//
// Screens import it; it imports keymap, text, theme and layout.
package keybar

import (
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// View returns one line of w cells. Help and quit are always on it; of the others, in their order, as many as fit.
func View(t theme.Theme, p text.Printer, bindings []keymap.Binding, w int) string {
	var always, others []keymap.Binding
	for _, b := range bindings {
		switch {
		case b.Off || b.Label == 0:
		case b.Action == keymap.Help || b.Action == keymap.Quit:
			always = append(always, b)
		default:
			others = append(others, b)
		}
	}
	room := w - 1
	for _, b := range always {
		room -= width(p, b)
	}
	line := " "
	for _, b := range others {
		if n := width(p, b); n <= room {
			line += item(t, p, b)
			room -= n
		}
	}
	for _, b := range always {
		line += item(t, p, b)
	}
	return layout.Fit(line, w)
}

func item(t theme.Theme, p text.Printer, b keymap.Binding) string {
	return t.Paint(theme.Key, b.Show) + " " + t.Paint(theme.Dim, p.T(b.Label)) + "  "
}

func width(p text.Printer, b keymap.Binding) int {
	return ansi.StringWidth(b.Show) + 1 + ansi.StringWidth(p.T(b.Label)) + 2
}
