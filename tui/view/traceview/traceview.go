// Package traceview answers: in what order, and why? It shows the events as a timeline or as a tree of causes.
//
// The lab screen imports it.
package traceview

import (
	"slices"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/eventlist"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
	"github.com/kubestep/kubestep/tui/view/rows"
)

// Store has the events; [trace.Store] is one.
type Store interface {
	Get(seq uint64) (trace.Event, bool)
	Len() (first, last uint64)
}

// entry is what the list keeps of an event; the store has the rest.
type entry struct {
	seq, cause uint64
	hay        string // its line, in lower case, for the filter
	needs      int8   // the level that shows it
	background bool
}

// Trace is the view.
type Trace struct {
	events Store
	theme  theme.Theme
	say    text.Printer

	entries    []entry // by seq
	moment     view.Moment
	words      []string
	tree       bool
	background bool
	collapsed  map[uint64]bool

	dirty bool
	lines []line
	soil  soil

	seq    uint64
	follow bool
	offset int
	height int
	began  time.Time
}

// New returns the view.
func New(events Store) *Trace {
	return &Trace{events: events, collapsed: map[uint64]bool{}, tree: true, follow: true, dirty: true}
}

// Dress gives the view its looks and its language.
func (v *Trace) Dress(t theme.Theme, p text.Printer) { v.theme, v.say = t, p }

// Take takes events that are new or have changed.
func (v *Trace) Take(events []trace.Event) {
	first, _ := v.events.Len()
	if n := len(v.entries); n > 0 && v.entries[0].seq+uint64(n)/8 < first {
		at, _ := v.search(first)
		v.entries = slices.Clone(v.entries[at:])
	}
	v.entries = slices.Grow(v.entries, len(events))
	for i := range events {
		e := &events[i]
		if e.Seq == 0 {
			continue
		}
		if v.began.IsZero() && !e.Background {
			v.began = e.Time
		}
		x := entry{e.Seq, e.Cause, haystack(e), int8(describe.Needs(e)), e.Background}
		if n := len(v.entries); n == 0 || v.entries[n-1].seq < e.Seq {
			v.entries = append(v.entries, x)
		} else if at, has := v.search(e.Seq); has {
			v.entries[at] = x
		} else {
			v.entries = slices.Insert(v.entries, at, x)
		}
	}
	v.dirty = true
}

func haystack(e *trace.Event) string {
	w := describe.Event(e)
	return strings.ToLower(w.Actor + " " + w.Verb + " " + w.Object + " " + w.Note + " " + string(e.Kind))
}

// search returns the place of seq among the entries. They are nearly always dense, so it looks where seq should be first.
func (v *Trace) search(seq uint64) (at int, has bool) {
	if len(v.entries) == 0 || seq < v.entries[0].seq {
		return 0, false
	}
	if at := seq - v.entries[0].seq; at < uint64(len(v.entries)) && v.entries[at].seq == seq {
		return int(at), true
	}
	return slices.BinarySearchFunc(v.entries, seq, func(e entry, seq uint64) int {
		switch {
		case e.seq < seq:
			return -1
		case e.seq > seq:
			return 1
		}
		return 0
	})
}

// Show moves the view to a moment.
func (v *Trace) Show(m view.Moment) {
	moved := m.Seq != v.moment.Seq || m.Level != v.moment.Level
	back := m.Past && (!v.moment.Past || m.Seq != v.moment.Seq)
	v.moment = m
	if moved {
		v.dirty = true
	}
	if back {
		v.seq, v.follow = m.Seq, true // what is looked at is the moment
	}
}

// Select selects an event, as far as the list has it, with what follows from it below, and follows what comes no longer.
func (v *Trace) Select(seq uint64) {
	if seq == 0 {
		return
	}
	v.seq, v.follow, v.dirty = seq, false, true
	v.refresh()
	v.offset = max(v.at(), 0)
}

// Follow goes to the latest event, and to what comes.
func (v *Trace) Follow() { v.follow, v.dirty = true, true }

// Filter leaves only events with all the words, in a tree with their causes.
func (v *Trace) Filter(words []string) {
	v.dirty = v.dirty || !slices.Equal(words, v.words)
	v.words = words
}

// shown reports whether the list has x at all.
func (v *Trace) shown(x *entry) bool {
	if x.seq > v.moment.Seq {
		return false
	}
	if x.background {
		return v.background
	}
	return int(x.needs) <= v.moment.Level
}

func (v *Trace) refresh() {
	if !v.dirty {
		return
	}
	v.dirty = false
	if v.tree {
		v.plant()
	} else {
		v.lines = v.lines[:0]
		for i := range v.entries {
			if x := &v.entries[i]; v.shown(x) && view.Matches(x.hay, v.words) {
				v.lines = append(v.lines, line{seq: x.seq})
			}
		}
	}
	v.keep()
}

// keep moves the selection to an event that is in the list.
func (v *Trace) keep() {
	n := len(v.lines)
	switch {
	case n == 0:
		v.seq = 0
	case v.follow:
		// In a tree the latest event is not the last line.
		v.seq = v.latest()
	case v.at() < 0:
		v.seq = v.nearest(v.seq)
	}
}

func (v *Trace) latest() uint64 {
	latest := uint64(0)
	for i := range v.lines {
		latest = max(latest, v.lines[i].seq)
	}
	return latest
}

// nearest returns the listed event that comes next to seq.
func (v *Trace) nearest(seq uint64) uint64 {
	best := v.lines[0].seq
	for i := range v.lines {
		if s := v.lines[i].seq; s <= seq && (best > seq || s > best) {
			best = s
		}
	}
	return best
}

// at returns the selected line, -1 for none.
func (v *Trace) at() int {
	return slices.IndexFunc(v.lines, func(l line) bool { return l.seq == v.seq })
}

// Move moves the selection.
func (v *Trace) Move(n int) {
	v.refresh()
	if len(v.lines) == 0 {
		return
	}
	at := max(min(max(v.at(), 0)+n, len(v.lines)-1), 0)
	v.seq = v.lines[at].seq
	v.follow = v.seq == v.latest()
}

// Do carries out an action.
func (v *Trace) Do(a keymap.Action) {
	switch a {
	case keymap.ToggleTree:
		v.tree = !v.tree
	case keymap.Background:
		v.background = !v.background
	case keymap.Fold:
		v.refresh()
		if at := v.at(); at >= 0 && v.tree {
			if v.collapsed[v.seq] {
				delete(v.collapsed, v.seq)
			} else if v.lines[at].effects > 0 {
				v.collapsed[v.seq] = true
			}
			v.follow = false
		}
	}
	v.dirty = true
}

// Works reports whether an action does something now.
func (v *Trace) Works(a keymap.Action) bool {
	switch a {
	case keymap.ToggleTree, keymap.Background:
		return true
	case keymap.Fold:
		v.refresh()
		at := v.at()
		return v.tree && at >= 0 && v.lines[at].effects > 0
	}
	return false
}

// Click selects the line at y.
func (v *Trace) Click(_, y int) {
	if at := v.offset + y; at < len(v.lines) {
		v.seq = v.lines[at].seq
		v.follow = v.seq == v.latest()
	}
}

// Selected returns the selected event.
func (v *Trace) Selected() view.Selection {
	v.refresh()
	return view.Selection{Seq: v.seq}
}

// Page returns nil: the event says it all.
func (v *Trace) Page(describe.Page) []richtext.Line { return nil }

// Note says how the list is made.
func (v *Trace) Note() string {
	v.refresh()
	kind := v.say.T(text.TraceTimeline)
	if v.tree {
		kind = v.say.T(text.TraceTree)
	}
	note := kind + " · " + v.say.T(text.EventCount, v.at()+1, len(v.lines))
	if v.background {
		note += " · " + v.say.T(text.WithBackground)
	}
	if v.follow && !v.moment.Past {
		note += " · " + v.say.T(text.Following)
	}
	return note
}

// View returns h lines of w cells.
func (v *Trace) View(w, h int, focused bool) []string {
	v.refresh()
	if len(v.lines) == 0 {
		why := text.NoEvents
		if len(v.words) > 0 {
			why = text.NoMatch
		}
		return layout.FitLines(richtext.Render(v.theme, []richtext.Line{richtext.Text(theme.Dim, v.say.T(why))}, w), w, h)
	}
	at := v.at()
	v.height = h
	v.offset = layout.Scroll(v.offset, max(at, 0), len(v.lines), h)
	chain := map[uint64]bool{}
	if e, ok := v.events.Get(v.seq); ok && !v.tree {
		causes, _ := describe.Chain(&e, v.events)
		for i := range causes {
			chain[causes[i].Seq] = true
		}
	}
	list := eventlist.List{Len: len(v.lines), Selected: at, Focused: focused, NoCause: v.tree && w < narrow, Row: func(i int) eventlist.Row {
		e, ok := v.events.Get(v.lines[i].seq)
		if !ok {
			return eventlist.Row{Seq: v.lines[i].seq}
		}
		r := rows.Event(&e, v.began)
		r.Chain = chain[e.Seq]
		if v.tree {
			r.Tree = v.lines[i].prefix(w, e.CauseLink == trace.Inferred)
		}
		return r
	}}
	return list.View(v.theme, w, h, v.offset)
}
