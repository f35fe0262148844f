package view

import (
	"slices"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Base is what views have in common: looks, language, moment and filter, and when to read again what they list. A view
// has it in it and asks Stale before it shows anything.
type Base struct {
	Theme  theme.Theme
	Say    text.Printer
	Moment Moment
	Words  []string
	// Version grows whenever what is listed may have changed, at any moment, or is to be said otherwise.
	Version int
	read    bool
}

// Dress gives the view its looks and its language.
func (b *Base) Dress(t theme.Theme, p text.Printer) {
	b.Theme, b.Say = t, p
	b.Touch()
}

// Show moves the view to a moment.
func (b *Base) Show(m Moment) {
	if m.Seq != b.Moment.Seq || m.Past != b.Moment.Past || m.Level != b.Moment.Level {
		b.read = false
	}
	b.Moment = m
}

// Filter leaves only what has all the words.
func (b *Base) Filter(words []string) {
	if !slices.Equal(words, b.Words) {
		b.Words, b.read = words, false
	}
}

// Touch says that what is listed has changed.
func (b *Base) Touch() {
	b.read = false
	b.Version++
}

// Stale reports whether what is listed has to be read again; the next call says no until something changes.
func (b *Base) Stale() bool {
	was := b.read
	b.read = true
	return !was
}

// Take notes commits: for views of what is stored.
func (b *Base) Take(events []trace.Event) {
	if slices.ContainsFunc(events, func(e trace.Event) bool { return e.Kind == trace.EtcdCommit }) {
		b.Touch()
	}
}

// Page returns nil: for views whose selected event says it all.
func (b *Base) Page(describe.Page) []richtext.Line { return nil }

// Nothing returns h lines of w cells that say why nothing is listed: the filter, or else what the view says.
func (b *Base) Nothing(why text.ID, w, h int) []string {
	if len(b.Words) > 0 {
		why = text.NoMatch
	}
	return layout.FitLines(richtext.Render(b.Theme, []richtext.Line{richtext.Text(theme.Dim, b.Say.T(why))}, w), w, h)
}
