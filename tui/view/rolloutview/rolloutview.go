// Package rolloutview answers: what is old, new, available, allowed? It shows a Deployment's ReplicaSets with their Pods
// and how far its strategy lets them go.
//
// The lab screen imports it.
package rolloutview

import (
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
)

// Rollout is the view.
type Rollout struct {
	view.Base
	cluster *cluster.Cluster
	events  describe.Getter

	deployments list.Keyed[*cluster.Key]
	listH       int
	sheet       pager.Sheet
	loops       []*loop // of requests, by their first report
}

// New returns the view; c must be fed before it.
func New(events describe.Getter, c *cluster.Cluster) *Rollout {
	return &Rollout{events: events, cluster: c, deployments: list.Keyed[*cluster.Key]{Key: func(k *cluster.Key) string { return k.Name }}}
}

// Take takes what programs say of their requests, and notes that there are commits, which the cluster has.
func (v *Rollout) Take(events []trace.Event) {
	v.Base.Take(events)
	for i := range events {
		if events[i].Kind == trace.ProgramRequests && v.count(&events[i]) {
			v.Touch()
		}
	}
}

func (v *Rollout) refresh() {
	if !v.Stale() {
		return
	}
	var keys []*cluster.Key
	for _, k := range v.cluster.Keys("/registry/deployments/", v.Moment.Seq) {
		if view.Matches(strings.ToLower(k.Object.Namespace+"/"+k.Object.Name), v.Words) {
			keys = append(keys, k)
		}
	}
	// What the reader made stands before what the cluster is made of.
	slices.SortStableFunc(keys, func(a, b *cluster.Key) int { return system(a) - system(b) })
	v.deployments.Set(keys)
}

func system(k *cluster.Key) int {
	if k.Object.Namespace == "kube-system" {
		return 1
	}
	return 0
}

// Move moves the selection; with one Deployment it scrolls.
func (v *Rollout) Move(n int) {
	if v.refresh(); v.deployments.Len() < 2 {
		v.sheet.Move(max(min(n, v.sheet.Len()), -v.sheet.Len()))
		return
	}
	v.deployments.Move(n)
}

// Do scrolls the lower part.
func (v *Rollout) Do(a keymap.Action) {
	switch a {
	case keymap.ScrollDown:
		v.sheet.Page(1)
	case keymap.ScrollUp:
		v.sheet.Page(-1)
	}
}

// Works reports whether the lower part has more than is in sight.
func (v *Rollout) Works(a keymap.Action) bool {
	return (a == keymap.ScrollDown || a == keymap.ScrollUp) && v.sheet.Overflows()
}

// Click selects the Deployment at y.
func (v *Rollout) Click(_, y int) {
	if v.refresh(); y < v.listH {
		v.deployments.Click(y)
	}
}

// Selected returns the last write to the selected Deployment.
func (v *Rollout) Selected() view.Selection {
	v.refresh()
	if k, ok := v.deployments.Selected(); ok {
		if r, ok := k.At(v.Moment.Seq); ok {
			return view.Selection{Seq: r.Seq}
		}
	}
	return view.Selection{}
}

// Note says which lines are in sight.
func (v *Rollout) Note() string { return v.sheet.Note() }

// View returns h lines of w cells.
func (v *Rollout) View(w, h int, focused bool) []string {
	v.refresh()
	chosen, ok := v.deployments.Selected()
	if !ok {
		return v.Nothing(text.NoDeployments, w, h)
	}
	v.listH = min(v.deployments.Len(), max(h/5, 1))
	out := v.deployments.View(v.Theme, v.row, w, v.listH, focused)
	out = append(out, v.Theme.Paint(theme.Border, strings.Repeat("─", w)))
	lh := h - len(out)
	v.sheet.Show(v.Theme, chosen, [2]uint64{uint64(v.Version), v.Moment.Seq}, w, lh, func() []richtext.Line { return v.lines(chosen, w) })
	return append(out, v.sheet.View(w, lh)...)
}

func (v *Rollout) row(k *cluster.Key) []list.Cell {
	r := v.read(k, v.Moment.Seq)
	name := k.Object.Name
	if k.Object.Namespace != "default" {
		name = k.Object.Namespace + "/" + name
	}
	state, role := v.Say.T(text.RolloutUnderWay), theme.Warn
	if r.done() {
		state, role = v.Say.T(text.RolloutDone), theme.Good
	}
	return []list.Cell{{Role: theme.Object, Text: name}, {Role: theme.Plain, Text: v.Say.T(text.ReadyOf, r.available, r.desired), Width: 16}, {Role: role, Text: state, Width: 14}}
}
