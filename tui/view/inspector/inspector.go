// Package inspector is the inside of whatever is selected: why, diff, source and YAML.
//
// The lab screen imports it.
package inspector

import (
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
)

// key says what the text was made from, so that it is made again only when that changes.
type key struct {
	view      string
	selection view.Selection
	page      describe.Page
	event     int
	dress     int
	w, h      int
}

// Subject is what to look into.
type Subject struct {
	// View names the view that selected it.
	View      string
	Selection view.Selection
	Waiting   []trace.Held
	Events    describe.Getter
	// Version is the cluster's, for links into the source.
	Version string
	// Page is asked first; what it returns stands before or instead of the event's own page.
	Page func(p describe.Page) []richtext.Line
}

// Inspector is the pane's content.
type Inspector struct {
	Page    describe.Page
	pager   pager.Pager
	theme   theme.Theme
	say     text.Printer
	shown   key
	lines   []richtext.Line
	changes int // of the selected event
	dress   int
	exists  bool
}

// Dress gives the inspector its looks and its language.
func (x *Inspector) Dress(t theme.Theme, p text.Printer) {
	x.theme, x.say = t, p
	x.dress++
}

// Changed says that an event has changed.
func (x *Inspector) Changed(seq uint64) {
	if seq == x.shown.selection.Seq {
		x.changes++
	}
}

// Look fills the inspector, w by h cells, with a page about s.
func (x *Inspector) Look(s Subject, w, h int) {
	k := key{s.View, s.Selection, x.Page, x.changes, x.dress, w, h}
	if k == x.shown {
		return
	}
	other := k.view != x.shown.view || k.selection.Seq != x.shown.selection.Seq || k.selection.Held != x.shown.selection.Held || k.page != x.shown.page
	x.shown = k
	x.lines = x.page(s)
	if other {
		x.pager.Top()
	}
	x.pager.Set(x.theme, x.lines, max(w, 1), h)
}

func (x *Inspector) page(s Subject) []richtext.Line {
	x.exists = true
	subject := describe.Subject{Version: s.Version}
	found := false
	for i := range s.Waiting {
		if s.Selection.Held != 0 && s.Waiting[i].ID == s.Selection.Held {
			subject.Event, subject.Held, found = s.Waiting[i].Event, true, true
		}
	}
	if !found {
		subject.Event, found = s.Events.Get(s.Selection.Seq)
	}
	var own []richtext.Line
	if s.Page != nil {
		own = s.Page(x.Page)
	}
	switch {
	case own != nil && (!found || x.Page != describe.Why):
		return own
	case own != nil:
		return append(append(own, richtext.Line{}), describe.Lines(x.say, x.Page, subject, s.Events)...)
	case found:
		return describe.Lines(x.say, x.Page, subject, s.Events)
	}
	x.exists = false
	return []richtext.Line{richtext.Text(theme.Dim, x.say.T(text.NothingSelected))}
}

// Exists reports whether there is something to look into.
func (x *Inspector) Exists() bool { return x.exists }

// Move scrolls.
func (x *Inspector) Move(n int) { x.pager.Move(n) }

// Title names the pages, the one in front in brackets.
func (x *Inspector) Title() string {
	title := x.say.T(text.PaneInspector)
	for _, p := range []struct {
		page describe.Page
		name text.ID
	}{{describe.Why, text.PageWhy}, {describe.Diff, text.PageDiff}, {describe.Source, text.PageSource}, {describe.Object, text.PageObject}} {
		name := x.say.T(p.name)
		if p.page == x.Page {
			name = "[" + name + "]"
		}
		title += " " + name
	}
	return title
}

// Note says which lines are in sight.
func (x *Inspector) Note() string { return x.pager.Note() }

// Plain returns the whole page without styles, for copying.
func (x *Inspector) Plain() string {
	s := ""
	for _, l := range x.lines {
		s += l.Plain() + "\n"
	}
	return s
}

// View returns h lines of w cells.
func (x *Inspector) View(w, h int) []string { return x.pager.View(w, h) }
