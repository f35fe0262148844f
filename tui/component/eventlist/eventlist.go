// Package eventlist is a list of what happened, one line each. It asks for the lines in sight only, so its cost does not
// grow with the list.
//
// Screens import it; it imports layout and theme and knows nothing of a lab.
package eventlist

import (
	"fmt"
	"strings"

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
	Tree                      string // stands before the actor, whose column then gives way
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
	// NoCause leaves out the column of the causes.
	NoCause bool
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
	treeName   = 17 // of an actor's name beside a tree
)

// View returns h lines of w cells, the first of them row offset.
func (l List) View(t theme.Theme, w, h, offset int) []string {
	out := make([]string, 0, h)
	for i := offset; i < min(offset+h, l.Len); i++ {
		out = append(out, l.line(t, l.Row(i), w, i == l.Selected))
	}
	return layout.Fill(out, w, h)
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
	room := w
	put := func(role theme.Role, s string, width int) {
		b.WriteString(paint(role, s))
		room -= width
	}
	put(theme.Chain, gutter, 1)
	put(theme.Dim, fmt.Sprintf("%*d ", seqWidth, r.Seq), seqWidth+1)
	if w >= withCause && !l.NoCause {
		put(theme.Dim, layout.Fit(r.Cause, causeWidth), causeWidth)
	}
	if w >= withTime {
		put(theme.Dim, layout.Fit(r.Time, timeWidth)+" ", timeWidth+1)
	}
	actor, width := r.Actor, actorWidth
	if w < shortName {
		actor, width = r.Short, shortWidth
	}
	if r.Tree != "" {
		put(theme.Dim, r.Tree, layout.Width(r.Tree))
		if layout.Width(actor) > width-layout.Width(r.Tree) {
			actor = r.Short
		}
		width = max(width-layout.Width(r.Tree), min(layout.Width(actor), treeName))
	}
	put(theme.Actor, layout.Fit(actor, width)+" ", width+1)
	verb := r.Verb
	if w >= withVerb {
		verb = layout.Fit(verb, verbWidth)
	}
	put(theme.Verb, verb+" ", layout.Width(verb)+1)
	note, role := r.Note, theme.Dim
	switch {
	case r.Failed:
		note, role = "✗ "+note, theme.Bad
	case r.Open:
		note = "… " + note
	}
	// When not both fit, the outcome gets up to half of the room.
	object := r.Object
	if fits := room - 1; layout.Width(object)+layout.Width(note) > fits {
		note = layout.Middle(note, max(fits/2, fits-layout.Width(object)))
		object = layout.Middle(object, fits-layout.Width(note))
	}
	put(theme.Object, object+" ", layout.Width(object)+1)
	put(role, note, layout.Width(note))
	line := b.String() + strings.Repeat(" ", max(room, 0))
	if room < 0 || r.Seq > 99_999 {
		line = layout.Fit(line, w) // a number that is wider than its column
	}
	if selected && l.Focused {
		return t.Paint(theme.Selected, line)
	}
	return line
}
