// Package groupview is a view of events that belong together in groups: a list of the groups, and, when one is open, its
// events. The view of packets and that of DNS are made of it.
//
// Views import it.
package groupview

import (
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
)

// Spec says what the groups are made of.
type Spec struct {
	// Key returns the group of an event, "" when the view does not show it.
	Key func(e *trace.Event) string
	// Group returns the row of a group of n events, from its first and the one that tells its outcome; Row that of one
	// event in a list of w cells.
	Group func(p text.Printer, first, last *trace.Event, n int) []list.Cell
	Row   func(p text.Printer, e *trace.Event, w int) []list.Cell
	// Tells reports whether an event tells its group's outcome. The latest that does counts, or else the last one.
	Tells func(e *trace.Event) bool
	// Empty is said while there are none; Groups and Events count them.
	Empty, Groups, Events text.ID
}

type group struct {
	key  string
	hay  string // what the filter looks at: the first event's line
	seqs []uint64
}

// View is the view.
type View struct {
	spec   Spec
	events describe.Getter
	theme  theme.Theme
	say    text.Printer
	moment view.Moment
	words  []string

	groups  []*group // by their first event
	byKey   map[string]*group
	visible []*group
	chosen  *group
	follow  bool
	list    list.List
	open    bool
	row     list.List
	seqs    []uint64 // of the open group, up to the moment
}

// Bounds on what is kept.
const (
	mostGroups = 4000
	mostEvents = 4000 // of one group
)

// New returns the view.
func New(events describe.Getter, spec Spec) *View {
	return &View{spec: spec, events: events, byKey: map[string]*group{}, follow: true}
}

// Dress gives the view its looks and its language.
func (v *View) Dress(t theme.Theme, p text.Printer) { v.theme, v.say = t, p }

// Take takes events that are new or have changed.
func (v *View) Take(events []trace.Event) {
	for i := range events {
		e := &events[i]
		key := v.spec.Key(e)
		if key == "" {
			continue
		}
		g := v.byKey[key]
		if g == nil {
			g = &group{key: key, hay: strings.ToLower(describe.Event(e).String())}
			v.byKey[key] = g
			v.groups = append(v.groups, g)
		}
		if at, has := slices.BinarySearch(g.seqs, e.Seq); !has && len(g.seqs) < mostEvents {
			g.seqs = slices.Insert(g.seqs, at, e.Seq)
		}
	}
	if n := len(v.groups); n > mostGroups {
		for _, g := range v.groups[:n/4] {
			delete(v.byKey, g.key)
		}
		v.groups = slices.Clone(v.groups[n/4:])
	}
}

// Show moves the view to a moment.
func (v *View) Show(m view.Moment) { v.moment = m }

// Filter leaves only groups with all the words in their first event's line.
func (v *View) Filter(words []string) { v.words = words }

func (v *View) refresh() {
	v.visible = v.visible[:0]
	for _, g := range v.groups {
		if g.seqs[0] <= v.moment.Seq && view.Matches(g.hay, v.words) {
			v.visible = append(v.visible, g)
		}
	}
	at := slices.Index(v.visible, v.chosen)
	if n := len(v.visible); n > 0 && (v.follow && !v.open || at < 0) {
		at = n - 1
	}
	if v.chosen = nil; at >= 0 {
		v.chosen, v.list.At = v.visible[at], at
	}
	if v.seqs = v.seqs[:0]; v.chosen == nil {
		v.open = false
		return
	}
	n, has := slices.BinarySearch(v.chosen.seqs, v.moment.Seq)
	if has {
		n++
	}
	v.seqs = append(v.seqs, v.chosen.seqs[:n]...)
	v.row.At = max(min(v.row.At, n-1), 0)
}

// Move moves the selection.
func (v *View) Move(n int) {
	if v.refresh(); v.open {
		v.row.Move(n, len(v.seqs))
		return
	}
	v.list.Move(n, len(v.visible))
	v.choose()
}

func (v *View) choose() {
	if len(v.visible) > 0 {
		v.chosen = v.visible[v.list.At]
		v.follow = v.list.At == len(v.visible)-1
	}
}

// Do opens a group and goes back.
func (v *View) Do(a keymap.Action) {
	switch a {
	case keymap.Open:
		v.open, v.row = true, list.List{}
	case keymap.Back:
		v.open = false
	}
}

// Works reports whether an action does something now.
func (v *View) Works(a keymap.Action) bool {
	v.refresh()
	return a == keymap.Open && !v.open && v.chosen != nil || a == keymap.Back && v.open
}

// Click selects the row at y.
func (v *View) Click(_, y int) {
	if v.refresh(); v.open {
		v.row.Click(y, len(v.seqs))
		return
	}
	v.list.Click(y, len(v.visible))
	v.choose()
}

// Selected returns the selected event: of a closed group, its last one.
func (v *View) Selected() view.Selection {
	v.refresh()
	switch {
	case len(v.seqs) == 0:
		return view.Selection{}
	case v.open:
		return view.Selection{Seq: v.seqs[v.row.At]}
	}
	return view.Selection{Seq: v.seqs[len(v.seqs)-1]}
}

// Page returns nil: the event says it all.
func (v *View) Page(describe.Page) []richtext.Line { return nil }

// Note counts.
func (v *View) Note() string {
	if v.refresh(); v.open {
		return v.say.T(v.spec.Events, v.row.At+1, len(v.seqs))
	}
	return v.say.T(v.spec.Groups, len(v.visible))
}

// View returns h lines of w cells.
func (v *View) View(w, h int, focused bool) []string {
	v.refresh()
	if len(v.visible) == 0 {
		why := v.spec.Empty
		if len(v.words) > 0 {
			why = text.NoMatch
		}
		return layout.FitLines(richtext.Render(v.theme, []richtext.Line{richtext.Text(theme.Dim, v.say.T(why))}, w), w, h)
	}
	if !v.open {
		return v.list.View(v.theme, len(v.visible), func(i int) []list.Cell { return v.groupRow(v.visible[i]) }, w, h, focused)
	}
	return v.row.View(v.theme, len(v.seqs), func(i int) []list.Cell {
		e, ok := v.events.Get(v.seqs[i])
		if !ok {
			return nil
		}
		return v.spec.Row(v.say, &e, w)
	}, w, h, focused)
}

func (v *View) groupRow(g *group) []list.Cell {
	n, has := slices.BinarySearch(g.seqs, v.moment.Seq)
	if has {
		n++
	}
	first, ok := v.events.Get(g.seqs[0])
	last, ok2 := v.outcome(g.seqs[:max(n, 1)])
	if !ok || !ok2 {
		return []list.Cell{{Role: theme.Dim, Text: v.say.T(text.BodyGone)}}
	}
	return v.spec.Group(v.say, &first, &last, n)
}

// outcome returns the event that tells what became of a group. It looks at the latest few only.
func (v *View) outcome(seqs []uint64) (e trace.Event, ok bool) {
	for i := len(seqs) - 1; i >= max(len(seqs)-8, 0); i-- {
		if e, ok = v.events.Get(seqs[i]); ok && v.spec.Tells(&e) {
			return e, true
		}
	}
	return v.events.Get(seqs[len(seqs)-1])
}
