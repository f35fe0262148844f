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

// View returns one line of w cells: the bindings by their rank, as many as fit. Help and the way out are always on it.
func View(t theme.Theme, p text.Printer, bindings []keymap.Binding, w int) string {
	line := " "
	for _, b := range fitting(p, bindings, w) {
		line += item(t, p, b)
	}
	return layout.Fit(line, w)
}

// At returns the action at cell x of that line, [keymap.None] when there is none.
func At(p text.Printer, bindings []keymap.Binding, w, x int) keymap.Action {
	at := 1
	for _, b := range fitting(p, bindings, w) {
		n := width(p, b)
		if x >= at && x < at+n-2 { // not the gap behind it
			return b.Action
		}
		at += n
	}
	return keymap.None
}

// fitting returns the bindings that the line has room for, in their order.
func fitting(p text.Printer, bindings []keymap.Binding, w int) []keymap.Binding {
	shown := slices.DeleteFunc(slices.Clone(bindings), func(b keymap.Binding) bool { return b.Off || b.Label == 0 })
	slices.SortStableFunc(shown, func(a, b keymap.Binding) int { return a.Rank - b.Rank })
	room := w - 1
	for _, b := range shown {
		if always(b) {
			room -= width(p, b)
		}
	}
	full := false
	return slices.DeleteFunc(shown, func(b keymap.Binding) bool {
		if !always(b) {
			n := width(p, b)
			if full = full || n > room; full {
				return true
			}
			room -= n
		}
		return false
	})
}

func always(b keymap.Binding) bool {
	return b.Action == keymap.Help || b.Action == keymap.Quit || b.Action == keymap.Leave
}

func item(t theme.Theme, p text.Printer, b keymap.Binding) string {
	return t.Paint(theme.Key, b.Show) + " " + t.Paint(theme.Dim, p.T(b.Label)) + "  "
}

func width(p text.Printer, b keymap.Binding) int {
	return ansi.StringWidth(b.Show) + 1 + ansi.StringWidth(p.T(b.Label)) + 2
}
