// Package rolloutview answers: what is old, new, available, allowed? It shows a Deployment's ReplicaSets with their Pods
// and how far its strategy lets them go.
//
// The lab screen imports it.
package rolloutview

import (
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

// Rollout is the view.
type Rollout struct {
	cluster *cluster.Cluster
	theme   theme.Theme
	say     text.Printer
	moment  view.Moment
	words   []string

	dirty   bool
	version int
	keys    []*cluster.Key // of the Deployments
	at      string         // the selected one
	list    list.List
	listH   int
	pager   pager.Pager
	shown   shownKey
}

// shownKey says what the lower part was made from.
type shownKey struct {
	key     string
	seq     uint64
	version int
	w, h    int
}

// New returns the view; c must be fed before it.
func New(c *cluster.Cluster) *Rollout { return &Rollout{cluster: c} }

// Dress gives the view its looks and its language.
func (v *Rollout) Dress(t theme.Theme, p text.Printer) {
	v.theme, v.say = t, p
	v.version++
}

// Take notes that there are commits; the cluster has them.
func (v *Rollout) Take(events []trace.Event) {
	for i := range events {
		if events[i].Kind == trace.EtcdCommit {
			v.dirty = true
			v.version++
			return
		}
	}
}

// Show moves the view to a moment.
func (v *Rollout) Show(m view.Moment) {
	v.dirty = v.dirty || m.Seq != v.moment.Seq
	v.moment = m
}

// Filter leaves only Deployments with all the words.
func (v *Rollout) Filter(words []string) { v.words, v.dirty = words, true }

func (v *Rollout) refresh() {
	if !v.dirty {
		return
	}
	v.dirty = false
	v.keys = v.keys[:0]
	for _, k := range v.cluster.Keys("/registry/deployments/", v.moment.Seq) {
		if view.Matches(strings.ToLower(k.Object.Namespace+"/"+k.Object.Name), v.words) {
			v.keys = append(v.keys, k)
		}
	}
	for i, k := range v.keys {
		if k.Name == v.at {
			v.list.At = i
		}
	}
	v.list.At = max(min(v.list.At, len(v.keys)-1), 0)
}

// Move moves the selection; with one Deployment it scrolls.
func (v *Rollout) Move(n int) {
	if v.refresh(); len(v.keys) < 2 {
		v.pager.Move(max(min(n, v.pager.Len()), -v.pager.Len()))
		return
	}
	v.list.Move(n, len(v.keys))
	v.at = v.keys[v.list.At].Name
}

// Do scrolls the lower part.
func (v *Rollout) Do(a keymap.Action) {
	switch a {
	case keymap.ScrollDown:
		v.pager.Move(max(v.shown.h-1, 1))
	case keymap.ScrollUp:
		v.pager.Move(-max(v.shown.h-1, 1))
	}
}

// Works reports whether the lower part has more than is in sight.
func (v *Rollout) Works(a keymap.Action) bool {
	return (a == keymap.ScrollDown || a == keymap.ScrollUp) && v.pager.Note() != ""
}

// Click selects the Deployment at y.
func (v *Rollout) Click(_, y int) {
	if v.refresh(); y < v.listH && len(v.keys) > 0 {
		v.list.Click(y, len(v.keys))
		v.at = v.keys[v.list.At].Name
	}
}

// Selected returns the last write to the selected Deployment.
func (v *Rollout) Selected() view.Selection {
	if v.refresh(); len(v.keys) > 0 {
		if r, ok := v.keys[v.list.At].At(v.moment.Seq); ok {
			return view.Selection{Seq: r.Seq}
		}
	}
	return view.Selection{}
}

// Page returns nil: the event says it all.
func (v *Rollout) Page(describe.Page) []richtext.Line { return nil }

// Note says which lines are in sight.
func (v *Rollout) Note() string { return v.pager.Note() }

// View returns h lines of w cells.
func (v *Rollout) View(w, h int, focused bool) []string {
	v.refresh()
	if len(v.keys) == 0 {
		why := text.NoDeployments
		if len(v.words) > 0 {
			why = text.NoMatch
		}
		return layout.FitLines(richtext.Render(v.theme, []richtext.Line{richtext.Text(theme.Dim, v.say.T(why))}, w), w, h)
	}
	v.listH = min(len(v.keys), max(h/5, 1))
	out := v.list.View(v.theme, len(v.keys), func(i int) []list.Cell { return v.row(v.keys[i]) }, w, v.listH, focused)
	out = append(out, v.theme.Paint(theme.Border, strings.Repeat("─", w)))
	k := shownKey{v.keys[v.list.At].Name, v.moment.Seq, v.version, w, h - len(out)}
	if k != v.shown {
		if k.key != v.shown.key {
			v.pager.Top()
		}
		v.shown = k
		v.pager.Set(v.theme, v.lines(v.keys[v.list.At], w), w, k.h)
	}
	return append(out, v.pager.View(w, k.h)...)
}

func (v *Rollout) row(k *cluster.Key) []list.Cell {
	r := v.read(k, v.moment.Seq)
	name := k.Object.Name
	if k.Object.Namespace != "default" {
		name = k.Object.Namespace + "/" + name
	}
	state, role := v.say.T(text.RolloutUnderWay), theme.Warn
	if r.done() {
		state, role = v.say.T(text.RolloutDone), theme.Good
	}
	return []list.Cell{{Role: theme.Object, Text: name}, {Role: theme.Plain, Text: v.say.T(text.ReadyOf, r.available, r.desired), Width: 16}, {Role: role, Text: state, Width: 14}}
}
