// Package groupview is a view of events that belong together in groups: a list of the groups, and, when one is open, its
// events. The view of packets and that of DNS are made of it.
//
// Views import it.
package groupview

import (
	"fmt"
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

// Group is one group at the moment.
type Group struct {
	// Label is what the spec's Label says of the first event.
	Label string
	// First is the first event and Last the one that tells the outcome.
	First, Last trace.Event
	// N counts the events, Held those that wait at the gate besides.
	N, Held int
	// Each returns the events in their order, the latest few hundred at most.
	Each func(yield func(e *trace.Event) bool)
}

// Spec says what the groups are made of.
type Spec struct {
	// Key returns the group of an event, "" when the view does not show it.
	Key func(e *trace.Event) string
	// Label is asked once for each group, with its first event; it is part of what the filter looks at.
	Label func(e *trace.Event) string
	// Group returns the row of a group in a list of w cells, Head what stands above the events of an open one.
	Group func(p text.Printer, g *Group, w int) []list.Cell
	Head  func(p text.Printer, g *Group) []richtext.Line
	// Row returns the row of one event in a list of w cells; before is the one above it, nil for the first. held is set
	// while e waits at the gate.
	Row func(p text.Printer, before, e *trace.Event, held bool, w int) []list.Cell
	// Tells reports whether an event tells its group's outcome. The latest that does counts, or else the last one.
	Tells func(e *trace.Event) bool
	// Empty is said while there are none; Groups and Events count them.
	Empty, Groups, Events text.ID
}

// group is what is kept of a group.
type group struct {
	key   string
	label string
	hay   string // what the filter looks at: the first event's line, and the label
	seqs  []uint64
}

// row is one event of the open group: one that has happened, or one that waits at the gate.
type row struct {
	seq, before uint64
	held        *trace.Held
}

func (r row) key() string {
	if r.held != nil {
		return fmt.Sprint("held ", r.held.ID)
	}
	return fmt.Sprint(r.seq)
}

// View is the view.
type View struct {
	view.Base
	spec   Spec
	events describe.Getter

	groups []*group // by their first event
	byKey  map[string]*group
	list   list.Keyed[*group]
	open   bool
	rows   list.Keyed[row] // of the open group, up to the moment
	head   int             // lines above the rows in the last View
}

// Bounds on what is kept.
const (
	mostGroups = 4000
	mostEvents = 4000 // of one group
)

// New returns the view.
func New(events describe.Getter, spec Spec) *View {
	return &View{events: events, spec: spec, byKey: map[string]*group{},
		list: list.Keyed[*group]{Key: func(g *group) string { return g.key }, End: list.Last}, rows: list.Keyed[row]{Key: row.key}}
}

// Take takes events that are new or have changed.
func (v *View) Take(events []trace.Event) {
	for i := range events {
		e := &events[i]
		key := v.spec.Key(e)
		if key == "" {
			continue
		}
		v.Touch()
		g := v.byKey[key]
		if g == nil {
			g = v.made(key, e)
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

func (v *View) made(key string, first *trace.Event) *group {
	label := v.spec.Label(first)
	return &group{key: key, label: label, hay: strings.ToLower(label + " " + describe.Event(first).String())}
}

// Show moves the view to a moment.
func (v *View) Show(m view.Moment) {
	if len(m.Held) > 0 || len(v.Moment.Held) > 0 {
		v.Touch() // what waits is listed with its group
	}
	v.Base.Show(m)
}

func (v *View) refresh() {
	if !v.Stale() {
		return
	}
	var visible []*group
	for _, g := range v.groups {
		if g.seqs[0] <= v.Moment.Seq && view.Matches(g.hay, v.Words) {
			visible = append(visible, g)
		}
	}
	for i := range v.Moment.Held { // the first of a group may wait before there is a group
		e := &v.Moment.Held[i].Event
		if key := v.spec.Key(e); key != "" && !slices.ContainsFunc(visible, func(g *group) bool { return g.key == key }) {
			if g := v.made(key, e); v.byKey[key] == nil && view.Matches(g.hay, v.Words) {
				visible = append(visible, g)
			}
		}
	}
	v.list.Set(visible)
	chosen, ok := v.list.Selected()
	if !ok {
		v.open = false
		v.rows.Set(nil)
		return
	}
	var rows []row
	before := uint64(0)
	for _, seq := range v.upTo(chosen) {
		rows = append(rows, row{seq: seq, before: before})
		before = seq
	}
	for _, h := range v.heldIn(chosen) {
		rows = append(rows, row{before: before, held: h})
	}
	v.rows.Set(rows)
}

// upTo returns the events of a group up to the moment.
func (v *View) upTo(g *group) []uint64 {
	n, has := slices.BinarySearch(g.seqs, v.Moment.Seq)
	if has {
		n++
	}
	return g.seqs[:n]
}

// heldIn returns what waits at the gate of a group.
func (v *View) heldIn(g *group) (out []*trace.Held) {
	for i := range v.Moment.Held {
		if h := &v.Moment.Held[i]; v.spec.Key(&h.Event) == g.key {
			out = append(out, h)
		}
	}
	return out
}

// Move moves the selection.
func (v *View) Move(n int) {
	if v.refresh(); v.open {
		v.rows.Move(n)
		return
	}
	v.list.Move(n)
	v.Touch()
}

// Do opens a group and goes back.
func (v *View) Do(a keymap.Action) {
	v.refresh()
	switch a {
	case keymap.Open:
		v.open = true
		v.list.Pin() // others may come
		v.rows.Reset()
	case keymap.Back:
		v.open = false
	}
	v.Touch()
}

// Works reports whether an action does something now.
func (v *View) Works(a keymap.Action) bool {
	v.refresh()
	return a == keymap.Open && !v.open && v.list.Len() > 0 || a == keymap.Back && v.open
}

// Click selects the row at y.
func (v *View) Click(_, y int) {
	if v.refresh(); v.open {
		v.rows.Click(y - v.head)
		return
	}
	v.list.Click(y)
	v.Touch()
}

// Selected returns the selected event: of a closed group, the one that waits, or else its last one.
func (v *View) Selected() view.Selection {
	v.refresh()
	r, ok := v.rows.Selected()
	if rows := v.rows.Rows(); ok && !v.open {
		r = rows[len(rows)-1]
	}
	if r.held != nil {
		return view.Selection{Held: r.held.ID}
	}
	return view.Selection{Seq: r.seq}
}

// Note counts.
func (v *View) Note() string {
	if v.refresh(); v.open {
		return v.Say.T(v.spec.Events, v.rows.At()+1, v.rows.Len())
	}
	return v.Say.T(v.spec.Groups, v.list.Len())
}

// View returns h lines of w cells.
func (v *View) View(w, h int, focused bool) []string {
	v.refresh()
	chosen, ok := v.list.Selected()
	if !ok {
		return v.Nothing(v.spec.Empty, w, h)
	}
	if !v.open {
		return v.list.View(v.Theme, func(g *group) []list.Cell {
			now, ok := v.now(g)
			if !ok {
				return []list.Cell{{Role: theme.Dim, Text: v.Say.T(text.BodyGone)}}
			}
			return v.spec.Group(v.Say, &now, w)
		}, w, h, focused)
	}
	var out []string
	if now, ok := v.now(chosen); ok && v.spec.Head != nil {
		head := richtext.Render(v.Theme, v.spec.Head(v.Say, &now), w)
		out = layout.FitLines(head, w, min(len(head), h/3))
	}
	v.head = len(out)
	return append(out, v.rows.View(v.Theme, func(r row) []list.Cell { return v.row(r, w) }, w, h-len(out), focused)...)
}

func (v *View) row(r row, w int) []list.Cell {
	var before *trace.Event
	if e, ok := v.events.Get(r.before); ok {
		before = &e
	}
	if r.held != nil {
		return v.spec.Row(v.Say, before, &r.held.Event, true, w)
	}
	e, ok := v.events.Get(r.seq)
	if !ok {
		return []list.Cell{{Role: theme.Dim, Text: v.Say.T(text.BodyGone)}}
	}
	return v.spec.Row(v.Say, before, &e, false, w)
}

// now returns a group at the moment; ok is false when its events are no longer kept.
func (v *View) now(g *group) (now Group, ok bool) {
	seqs, held := v.upTo(g), v.heldIn(g)
	now = Group{Label: g.label, N: len(seqs), Held: len(held), Each: func(yield func(e *trace.Event) bool) {
		for _, seq := range seqs[max(len(seqs)-mostLookedAt, 0):] {
			if e, ok := v.events.Get(seq); ok && !yield(&e) {
				return
			}
		}
	}}
	if len(seqs) == 0 {
		if len(held) == 0 {
			return now, false
		}
		now.First, now.Last = held[0].Event, held[0].Event
		return now, true
	}
	if now.First, ok = v.events.Get(seqs[0]); !ok {
		return now, false
	}
	now.Last, ok = v.outcome(seqs)
	return now, ok
}

// mostLookedAt bounds how many events of a group are looked at to say something of the whole.
const mostLookedAt = 400

// outcome returns the event that tells what became of a group. It looks at the latest few only.
func (v *View) outcome(seqs []uint64) (e trace.Event, ok bool) {
	for i := len(seqs) - 1; i >= max(len(seqs)-8, 0); i-- {
		if e, ok = v.events.Get(seqs[i]); ok && v.spec.Tells(&e) {
			return e, true
		}
	}
	return v.events.Get(seqs[len(seqs)-1])
}
