// Package eventlist is a list of what happened, one line each. It asks for the lines in sight only, so its cost does not
// grow with the list.
//
// Screens import it; it imports layout and theme and knows nothing of a lab.
package eventlist

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/theme"
)

// Row is one line.
type Row struct {
	Seq                       uint64
	Time                      string // "+12.345"
	Cause                     string // "◀38"
	Actor, Verb, Object, Note string
	Short                     string // the actor's name for a narrow list
	Chain                     bool   // on the way from the selected one to its root
	Failed, Open              bool
}

// List is what is in sight of a list.
type List struct {
	// Len is how many rows there are, Row returns one of them.
	Len int
	Row func(i int) Row
	// Selected is a row's index, -1 for none.
	Selected int
	Focused  bool
}

// Widths of the list, in cells, from which columns are added.
const (
	withCause = 72
	withVerb  = 84
	withTime  = 96
	shortName = 84 // below it
)

// Columns of fixed width.
const (
	seqWidth   = 5
	causeWidth = 7
	timeWidth  = 8
	actorWidth = 22
	shortWidth = 15
	verbWidth  = 15
)

// View returns h lines of w cells, the first of them row offset.
func (l List) View(t theme.Theme, w, h, offset int) []string {
	out := make([]string, 0, h)
	for i := offset; i < min(offset+h, l.Len); i++ {
		out = append(out, l.line(t, l.Row(i), w, i == l.Selected))
	}
	return layout.FitLines(out, w, h)
}

func (l List) line(t theme.Theme, r Row, w int, selected bool) string {
	gutter := " "
	switch {
	case selected:
		gutter = "▸"
	case r.Chain:
		gutter = "┃"
	}
	paint := t.Paint
	if selected && l.Focused {
		paint = theme.Theme{}.Paint // the whole line is painted at once, below
	}
	var b strings.Builder
	b.WriteString(paint(theme.Chain, gutter))
	b.WriteString(paint(theme.Dim, fmt.Sprintf("%*d ", seqWidth, r.Seq)))
	if w >= withCause {
		b.WriteString(paint(theme.Dim, layout.Fit(r.Cause, causeWidth)))
	}
	if w >= withTime {
		b.WriteString(paint(theme.Dim, layout.Fit(r.Time, timeWidth)+" "))
	}
	actor, width := r.Actor, actorWidth
	if w < shortName {
		actor, width = r.Short, shortWidth
	}
	b.WriteString(paint(theme.Actor, layout.Fit(actor, width)) + " ")
	verb := r.Verb
	if w >= withVerb {
		verb = layout.Fit(verb, verbWidth)
	}
	b.WriteString(paint(theme.Verb, verb) + " ")
	note, role := r.Note, theme.Dim
	switch {
	case r.Failed:
		note, role = "✗ "+note, theme.Bad
	case r.Open:
		note = "… " + note
	}
	// When not both fit, the outcome gets up to half of the room.
	room := w - ansi.StringWidth(b.String()) - 1
	object := r.Object
	if ansi.StringWidth(object)+ansi.StringWidth(note) > room {
		note = layout.Middle(note, max(room/2, room-ansi.StringWidth(object)))
		object = layout.Middle(object, room-ansi.StringWidth(note))
	}
	b.WriteString(paint(theme.Object, object) + " " + paint(role, note))
	if selected && l.Focused {
		return t.Paint(theme.Selected, layout.Fit(b.String(), w))
	}
	return layout.Fit(b.String(), w)
}
