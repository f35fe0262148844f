// Package keybar is the last line of the screen: the keys that work now.
//
// Screens import it; it imports keymap, text, theme and layout.
package keybar

import (
	"slices"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// View returns one line of w cells: the bindings by their rank, as many as fit. Help and quit are always on it.
func View(t theme.Theme, p text.Printer, bindings []keymap.Binding, w int) string {
	shown := slices.DeleteFunc(slices.Clone(bindings), func(b keymap.Binding) bool { return b.Off || b.Label == 0 })
	slices.SortStableFunc(shown, func(a, b keymap.Binding) int { return a.Rank - b.Rank })
	room := w - 1
	for _, b := range shown {
		if always(b) {
			room -= width(p, b)
		}
	}
	line, full := " ", false
	for _, b := range shown {
		if !always(b) {
			n := width(p, b)
			if full = full || n > room; full {
				continue
			}
			room -= n
		}
		line += item(t, p, b)
	}
	return layout.Fit(line, w)
}

func always(b keymap.Binding) bool { return b.Action == keymap.Help || b.Action == keymap.Quit }

func item(t theme.Theme, p text.Printer, b keymap.Binding) string {
	return t.Paint(theme.Key, b.Show) + " " + t.Paint(theme.Dim, p.T(b.Label)) + "  "
}

func width(p text.Printer, b keymap.Binding) int {
	return ansi.StringWidth(b.Show) + 1 + ansi.StringWidth(p.T(b.Label)) + 2
}
