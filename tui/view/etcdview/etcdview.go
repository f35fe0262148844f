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
	view.Base
	events  describe.Getter
	cluster *cluster.Cluster

	bytes int
	byKey bool // sorted by key, and not the newest first
	keys  list.Keyed[*cluster.Key]

	open      string                        // the key whose revisions are listed
	revisions list.Keyed[*cluster.Revision] // of the open key, the latest first
	mark      uint64                        // the revision to compare with, by its event; 0 for the one before
	diff      pager.Sheet
}

// New returns the view; c must be fed before it.
func New(events describe.Getter, c *cluster.Cluster) *Etcd {
	v := &Etcd{events: events, cluster: c}
	v.keys = list.Keyed[*cluster.Key]{Key: func(k *cluster.Key) string { return k.Name }, End: list.First}
	v.revisions = list.Keyed[*cluster.Revision]{Key: func(r *cluster.Revision) string { return fmt.Sprint(r.Seq) }, End: list.First}
	return v
}

func (v *Etcd) refresh() {
	if !v.Stale() {
		return
	}
	var keys []*cluster.Key
	v.bytes = 0
	for _, k := range v.cluster.Keys("", v.Moment.Seq) {
		if r, ok := k.At(v.Moment.Seq); ok {
			v.bytes += r.Bytes
		}
		if view.Matches(strings.ToLower(k.Name), v.Words) {
			keys = append(keys, k)
		}
	}
	if !v.byKey {
		slices.SortStableFunc(keys, func(a, b *cluster.Key) int {
			ra, _ := a.At(v.Moment.Seq)
			rb, _ := b.At(v.Moment.Seq)
			return cmp.Compare(rb.Revision, ra.Revision)
		})
	}
	v.keys.Set(keys)
	var revisions []*cluster.Revision
	if k := v.cluster.Key(v.open); k != nil {
		for i := range slices.Backward(k.Revisions) {
			if k.Revisions[i].Seq <= v.Moment.Seq {
				revisions = append(revisions, &k.Revisions[i])
			}
		}
	}
	v.revisions.Set(revisions)
}

// inside reports whether the revisions of one key are listed.
func (v *Etcd) inside() bool { return v.open != "" && v.revisions.Len() > 0 }

// Move moves the selection.
func (v *Etcd) Move(n int) {
	if v.refresh(); v.inside() {
		v.revisions.Move(n)
		return
	}
	v.keys.Move(n)
}

// Do carries out an action.
func (v *Etcd) Do(a keymap.Action) {
	v.refresh()
	switch a {
	case keymap.Open:
		if k, ok := v.keys.Selected(); ok {
			v.keys.Pin()
			v.open, v.mark = k.Name, 0
			v.revisions.Reset()
		}
	case keymap.Back:
		v.open = ""
	case keymap.Mark:
		r, _ := v.revisions.Selected()
		if v.mark == r.Seq {
			v.mark = 0
		} else {
			v.mark = r.Seq
		}
	case keymap.Sort:
		v.byKey = !v.byKey
	case keymap.ScrollDown:
		v.diff.Page(1)
	case keymap.ScrollUp:
		v.diff.Page(-1)
	}
	v.Touch()
}

// Works reports whether an action does something now.
func (v *Etcd) Works(a keymap.Action) bool {
	v.refresh()
	switch a {
	case keymap.Open:
		return !v.inside() && v.keys.Len() > 0
	case keymap.Back:
		return v.open != ""
	case keymap.Mark:
		return v.inside() && v.revisions.Len() > 1
	case keymap.Sort:
		return !v.inside()
	case keymap.ScrollDown, keymap.ScrollUp:
		return v.inside() && v.diff.Overflows()
	}
	return false
}

// Click selects the row at y.
func (v *Etcd) Click(_, y int) {
	if v.refresh(); v.inside() {
		v.revisions.Click(y - 2)
		return
	}
	v.keys.Click(y - 1)
}

// Selected returns the commit of the selected revision.
func (v *Etcd) Selected() view.Selection {
	if v.refresh(); v.inside() {
		r, _ := v.revisions.Selected()
		return view.Selection{Seq: r.Seq}
	}
	if k, ok := v.keys.Selected(); ok {
		if r, ok := k.At(v.Moment.Seq); ok {
			return view.Selection{Seq: r.Seq}
		}
	}
	return view.Selection{}
}

// Note says how much is stored.
func (v *Etcd) Note() string {
	if v.refresh(); v.inside() {
		return v.Say.T(text.RevisionCount, v.revisions.Len())
	}
	return v.Say.T(text.KeyCount, v.keys.Len(), size(v.bytes))
}

func size(n int) string {
	if n >= 10_000 {
		return fmt.Sprintf("%.0f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%d B", n)
}

// View returns h lines of w cells.
func (v *Etcd) View(w, h int, focused bool) []string {
	if v.refresh(); v.inside() {
		return v.viewRevisions(w, h, focused)
	}
	if v.keys.Len() == 0 {
		return v.Nothing(text.NoKeys, w, h)
	}
	revision, key := v.Say.T(text.Revision), v.Say.T(text.EtcdKey)
	if v.byKey {
		key += "↑"
	} else {
		revision += "↓"
	}
	head := list.Head(v.Theme, []list.Cell{{Text: key}, {Text: revision, Width: -13}, {Text: v.Say.T(text.WritesShort), Width: -8}, {Text: v.Say.T(text.Size), Width: -10}}, w)
	return append(head, v.keys.View(v.Theme, func(k *cluster.Key) []list.Cell {
		r, ok := k.At(v.Moment.Seq)
		if !ok {
			return []list.Cell{{Role: theme.Object, Text: k.Name}}
		}
		return []list.Cell{{Role: theme.Object, Text: strings.TrimPrefix(k.Name, "/registry/")}, {Role: theme.Plain, Text: fmt.Sprint(r.Revision), Width: -13},
			{Role: theme.Dim, Text: fmt.Sprint(r.Version), Width: -8}, {Role: theme.Dim, Text: size(r.Bytes), Width: -10}}
	}, w, h-len(head), focused)...)
}

func (v *Etcd) viewRevisions(w, h int, focused bool) []string {
	out := []string{layout.Fit(v.Theme.Paint(theme.Heading, layout.Middle(v.open, w)), w)}
	out = append(out, list.Head(v.Theme, []list.Cell{{Text: "", Width: 2}, {Text: v.Say.T(text.Revision), Width: -11}, {Text: v.Say.T(text.WritesShort), Width: -8},
		{Text: v.Say.T(text.Size), Width: -10}, {Text: v.Say.T(text.WrittenBy)}}, w)...)
	lh := min(v.revisions.Len(), max((h-3)/2, 2))
	out = append(out, v.revisions.View(v.Theme, v.revisionRow, w, lh, focused)...)
	from, to := v.compared()
	title := v.Say.T(text.ComparedWith, revisionName(v.Say, to), revisionName(v.Say, from))
	out = append(out, layout.Fit(v.Theme.Paint(theme.Heading, title), w))
	pair := [2]uint64{to.Seq}
	if from != nil {
		pair[1] = from.Seq
	}
	dh := h - len(out)
	v.diff.Show(v.Theme, pair, v.Version, w, dh, func() []richtext.Line { return v.difference(from, to) })
	return append(out, v.diff.View(w, dh)...)
}

// compared returns the revisions to compare; from is nil for the key's first one.
func (v *Etcd) compared() (from, to *cluster.Revision) {
	rows, at := v.revisions.Rows(), v.revisions.At()
	to = rows[at]
	other := slices.IndexFunc(rows, func(r *cluster.Revision) bool { return r.Seq == v.mark })
	if other < 0 || other == at {
		other = at + 1
	}
	if other < len(rows) {
		from = rows[other]
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
		return []richtext.Line{richtext.Text(theme.Dim, v.Say.T(text.BodyGone))}
	}
	return describe.Difference(v.Say, before, after)
}

func (v *Etcd) revisionRow(r *cluster.Revision) []list.Cell {
	mark := " "
	if r.Seq == v.mark {
		mark = "◆"
	}
	stored := size(r.Bytes)
	if r.Deleted {
		stored = v.Say.T(text.DeletedShort)
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
