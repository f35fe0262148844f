// Package checklist shows how far something is: what is done, what is under way, what is to come.
//
// Screens import it; it imports richtext and theme.
package checklist

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/theme"
)

// State is how far one item is.
type State int

// The states.
const (
	ToCome State = iota
	Now
	Done
)

// Item is one line of the list.
type Item struct {
	State State
	Name  string
	// Note stands after the name; the notes of all items are aligned.
	Note string
	// More is said below the item while it is the one under way.
	More string
}

// Lines returns the list.
func Lines(items []Item) []richtext.Line {
	w := 0
	for _, it := range items {
		w = max(w, ansi.StringWidth(it.Name))
	}
	var out []richtext.Line
	for _, it := range items {
		mark, role, name := "○ ", theme.Dim, theme.Dim
		switch it.State {
		case Now:
			mark, role, name = "▸ ", theme.Warn, theme.Strong
		case Done:
			mark, role, name = "✓ ", theme.Good, theme.Plain
		}
		spans := []richtext.Span{{Role: role, Text: mark}, {Role: name, Text: it.Name}}
		if it.Note != "" {
			blank := strings.Repeat(" ", w-ansi.StringWidth(it.Name)+2)
			spans = append(spans, richtext.Span{Text: blank}, richtext.Span{Role: theme.Dim, Text: it.Note})
		}
		out = append(out, richtext.Line{Hang: 2, Spans: spans})
		if it.More != "" && it.State == Now {
			out = append(out, richtext.Line{Indent: 2, Spans: []richtext.Span{{Text: it.More}}})
		}
	}
	return out
}

// Dots returns "●●○○": one mark for each item that is done or not.
func Dots(items []Item) string {
	var b strings.Builder
	for _, it := range items {
		if it.State == Done {
			b.WriteString("●")
		} else {
			b.WriteString("○")
		}
	}
	return b.String()
}
