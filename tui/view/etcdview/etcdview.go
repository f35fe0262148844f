// Package etcdview answers: what is stored, at which revision? It lists the keys, the revisions of one key, and what
// differs between two of them.
//
// The lab screen imports it.
package etcdview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
)

// Etcd is the view: the list of keys, or, when open is set, the revisions of one.
type Etcd struct {
	events  describe.Getter
	cluster *cluster.Cluster
	theme   theme.Theme
	say     text.Printer
	moment  view.Moment
	words   []string

	dirty   bool
	version int
	keys    []*cluster.Key
	bytes   int
	newest  bool   // sorted by revision, the latest first
	at      string // the selected key
	list    list.List

	open      bool
	revisions []cluster.Revision // of the open key, the latest first
	rev       uint64             // the selected revision's event; 0 for the latest
	mark      uint64             // the revision to compare with; 0 for the one before
	revList   list.List
	diff      pager.Pager
	shown     shownKey
}

// shownKey says what the diff was made from.
type shownKey struct {
	from, to uint64
	version  int
	w, h     int
}

// New returns the view; c must be fed before it.
func New(events describe.Getter, c *cluster.Cluster) *Etcd {
	return &Etcd{events: events, cluster: c, newest: true}
}

// Dress gives the view its looks and its language.
func (v *Etcd) Dress(t theme.Theme, p text.Printer) {
	v.theme, v.say = t, p
	v.version++
}

// Take notes that there are commits; the cluster has them.
func (v *Etcd) Take(events []trace.Event) {
	for i := range events {
		if events[i].Kind == trace.EtcdCommit {
			v.dirty = true
			v.version++
			return
		}
	}
}

// Show moves the view to a moment.
func (v *Etcd) Show(m view.Moment) {
	v.dirty = v.dirty || m.Seq != v.moment.Seq
	v.moment = m
}

// Filter leaves only keys with all the words.
func (v *Etcd) Filter(words []string) { v.words, v.dirty = words, true }

func (v *Etcd) refresh() {
	if !v.dirty {
		return
	}
	v.dirty = false
	v.keys, v.bytes = v.keys[:0], 0
	for _, k := range v.cluster.Keys("", v.moment.Seq) {
		if r, ok := k.At(v.moment.Seq); ok {
			v.bytes += r.Bytes
		}
		if view.Matches(strings.ToLower(k.Name), v.words) {
			v.keys = append(v.keys, k)
		}
	}
	if v.newest {
		slices.SortStableFunc(v.keys, func(a, b *cluster.Key) int {
			ra, _ := a.At(v.moment.Seq)
			rb, _ := b.At(v.moment.Seq)
			return cmp.Compare(rb.Revision, ra.Revision)
		})
	}
	if at := slices.IndexFunc(v.keys, func(k *cluster.Key) bool { return k.Name == v.at }); at >= 0 {
		v.list.At = at
	} else if v.list.At = min(v.list.At, max(len(v.keys)-1, 0)); len(v.keys) > 0 && v.at == "" {
		v.list.At = 0
	}
	v.revisions = v.revisions[:0]
	if k := v.cluster.Key(v.at); k != nil {
		for i := len(k.Revisions) - 1; i >= 0; i-- {
			if k.Revisions[i].Seq <= v.moment.Seq {
				v.revisions = append(v.revisions, k.Revisions[i])
			}
		}
	}
	v.revList.At = max(slices.IndexFunc(v.revisions, func(r cluster.Revision) bool { return r.Seq == v.rev }), 0)
}

func (v *Etcd) key() *cluster.Key {
	if len(v.keys) == 0 {
		return nil
	}
	return v.keys[min(v.list.At, len(v.keys)-1)]
}

// Move moves the selection.
func (v *Etcd) Move(n int) {
	v.refresh()
	if v.open {
		v.revList.Move(n, len(v.revisions))
		v.pickRevision()
		return
	}
	v.list.Move(n, len(v.keys))
	v.pickKey()
}

// pickKey remembers the selected key, so that it stays selected while others come; at the top the selection stays with
// what is newest.
func (v *Etcd) pickKey() {
	if v.at = ""; v.list.At > 0 && v.key() != nil {
		v.at = v.key().Name
	}
}

func (v *Etcd) pickRevision() {
	if v.rev = 0; v.revList.At > 0 {
		v.rev = v.revisions[v.revList.At].Seq
	}
}

// Do carries out an action.
func (v *Etcd) Do(a keymap.Action) {
	v.refresh()
	switch a {
	case keymap.Open:
		if k := v.key(); k != nil {
			v.at, v.open, v.rev, v.mark = k.Name, true, 0, 0
		}
	case keymap.Back:
		v.open = false
	case keymap.Mark:
		seq := v.revisions[v.revList.At].Seq
		if v.mark == seq {
			seq = 0
		}
		v.mark = seq
	case keymap.Sort:
		v.newest = !v.newest
	case keymap.ScrollDown:
		v.diff.Move(max(v.shown.h-1, 1))
	case keymap.ScrollUp:
		v.diff.Move(-max(v.shown.h-1, 1))
	}
	v.dirty = true
}

// Works reports whether an action does something now.
func (v *Etcd) Works(a keymap.Action) bool {
	v.refresh()
	switch a {
	case keymap.Open:
		return !v.open && len(v.keys) > 0
	case keymap.Back:
		return v.open
	case keymap.Mark:
		return v.open && len(v.revisions) > 1
	case keymap.Sort:
		return !v.open
	case keymap.ScrollDown, keymap.ScrollUp:
		return v.open && v.diff.Note() != ""
	}
	return false
}

// Click selects the row at y.
func (v *Etcd) Click(_, y int) {
	v.refresh()
	if v.open {
		v.revList.Click(y-2, len(v.revisions))
		v.pickRevision()
		return
	}
	v.list.Click(y-1, len(v.keys))
	v.pickKey()
}

// Selected returns the commit of the selected revision.
func (v *Etcd) Selected() view.Selection {
	v.refresh()
	if v.open && len(v.revisions) > 0 {
		return view.Selection{Seq: v.revisions[v.revList.At].Seq}
	}
	if k := v.key(); k != nil {
		if r, ok := k.At(v.moment.Seq); ok {
			return view.Selection{Seq: r.Seq}
		}
	}
	return view.Selection{}
}

// Page returns nil: the commit says it all.
func (v *Etcd) Page(describe.Page) []richtext.Line { return nil }

// Note says how much is stored.
func (v *Etcd) Note() string {
	v.refresh()
	if v.open {
		return v.say.T(text.RevisionCount, len(v.revisions))
	}
	return v.say.T(text.KeyCount, len(v.keys), size(v.bytes))
}

func size(n int) string {
	if n >= 10_000 {
		return fmt.Sprintf("%.0f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%d B", n)
}

// View returns h lines of w cells.
func (v *Etcd) View(w, h int, focused bool) []string {
	v.refresh()
	if v.open && len(v.revisions) > 0 {
		return v.viewRevisions(w, h, focused)
	}
	if len(v.keys) == 0 {
		why := text.NoKeys
		if len(v.words) > 0 {
			why = text.NoMatch
		}
		return layout.FitLines(richtext.Render(v.theme, []richtext.Line{richtext.Text(theme.Dim, v.say.T(why))}, w), w, h)
	}
	revision, key := v.say.T(text.Revision), v.say.T(text.EtcdKey)
	if v.newest {
		revision += "↓"
	} else {
		key += "↑"
	}
	head := v.head(w, []list.Cell{{Text: key}, {Text: revision, Width: -13}, {Text: v.say.T(text.WritesShort), Width: -8}, {Text: v.say.T(text.Size), Width: -10}})
	return append(head, v.list.View(v.theme, len(v.keys), func(i int) []list.Cell {
		k := v.keys[i]
		r, ok := k.At(v.moment.Seq)
		if !ok {
			return []list.Cell{{Role: theme.Object, Text: k.Name}}
		}
		return []list.Cell{{Role: theme.Object, Text: strings.TrimPrefix(k.Name, "/registry/")}, {Role: theme.Plain, Text: fmt.Sprint(r.Revision), Width: -13},
			{Role: theme.Dim, Text: fmt.Sprint(r.Version), Width: -8}, {Role: theme.Dim, Text: size(r.Bytes), Width: -10}}
	}, w, h-len(head), focused)...)
}

// head returns the line with the columns' names.
func (v *Etcd) head(w int, cells []list.Cell) []string {
	for i := range cells {
		cells[i].Role = theme.Dim
	}
	none := list.List{At: -1}
	line := none.View(v.theme, 1, func(int) []list.Cell { return cells }, w, 1, false)
	line[0] = strings.Replace(line[0], "▸", " ", 1)
	return line
}

func (v *Etcd) viewRevisions(w, h int, focused bool) []string {
	out := []string{layout.Fit(v.theme.Paint(theme.Heading, layout.Middle(v.at, w)), w)}
	out = append(out, v.head(w, []list.Cell{{Text: "", Width: 2}, {Text: v.say.T(text.Revision), Width: -11}, {Text: v.say.T(text.WritesShort), Width: -8},
		{Text: v.say.T(text.Size), Width: -10}, {Text: v.say.T(text.WrittenBy)}})...)
	lh := min(len(v.revisions), max((h-3)/2, 2))
	out = append(out, v.revList.View(v.theme, len(v.revisions), func(i int) []list.Cell { return v.revisionRow(&v.revisions[i]) }, w, lh, focused)...)
	from, to := v.compared()
	title := v.say.T(text.ComparedWith, revisionName(v.say, to), revisionName(v.say, from))
	out = append(out, layout.Fit(v.theme.Paint(theme.Heading, title), w))
	dh := h - len(out)
	k := shownKey{to: to.Seq, version: v.version, w: w, h: dh}
	if from != nil {
		k.from = from.Seq
	}
	if k != v.shown {
		if k.from != v.shown.from || k.to != v.shown.to {
			v.diff.Top()
		}
		v.shown = k
		v.diff.Set(v.theme, v.difference(from, to), w, dh)
	}
	return append(out, v.diff.View(w, dh)...)
}

// compared returns the revisions to compare; from is nil for the key's first one.
func (v *Etcd) compared() (from, to *cluster.Revision) {
	at := v.revList.At
	to = &v.revisions[at]
	other := slices.IndexFunc(v.revisions, func(r cluster.Revision) bool { return r.Seq == v.mark })
	if other < 0 || other == at {
		other = at + 1
	}
	if other < len(v.revisions) {
		from = &v.revisions[other]
	}
	if from != nil && from.Seq > to.Seq {
		from, to = to, from // what changed is told forwards
	}
	return from, to
}

func revisionName(say text.Printer, r *cluster.Revision) string {
	if r == nil {
		return say.T(text.NothingBefore)
	}
	return fmt.Sprint(r.Revision)
}

func (v *Etcd) difference(from, to *cluster.Revision) []richtext.Line {
	var before, after *trace.Body
	if from != nil && !from.Deleted {
		before = v.cluster.Body(from)
	}
	if !to.Deleted {
		after = v.cluster.Body(to)
	}
	gone := from != nil && !from.Deleted && before == nil || !to.Deleted && after == nil
	if gone {
		return []richtext.Line{richtext.Text(theme.Dim, v.say.T(text.BodyGone))}
	}
	return describe.Difference(v.say, before, after)
}

func (v *Etcd) revisionRow(r *cluster.Revision) []list.Cell {
	mark := " "
	if r.Seq == v.mark {
		mark = "◆"
	}
	stored := size(r.Bytes)
	if r.Deleted {
		stored = v.say.T(text.DeletedShort)
	}
	return []list.Cell{{Role: theme.Warn, Text: mark, Width: 2}, {Role: theme.Plain, Text: fmt.Sprint(r.Revision), Width: -11},
		{Role: theme.Dim, Text: fmt.Sprint(r.Version), Width: -8}, {Role: theme.Dim, Text: stored, Width: -10}, {Role: theme.Actor, Text: v.writer(r)}}
}

// writer says who asked for a write.
func (v *Etcd) writer(r *cluster.Revision) string {
	e, ok := v.events.Get(r.Seq)
	if !ok {
		return ""
	}
	cause, ok := v.events.Get(e.Cause)
	if !ok {
		return fmt.Sprintf("#%d", r.Seq)
	}
	w := describe.Event(&cause)
	line := w.Actor + " " + w.Verb
	if cause.Subresource != "" {
		line += " " + cause.Subresource
	}
	return line + fmt.Sprintf(" #%d", cause.Seq)
}
