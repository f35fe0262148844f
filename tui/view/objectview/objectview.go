// Package objectview answers: who owns whom? It shows the objects as a tree of owners with their state at the moment.
//
// The lab screen imports it.
package objectview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
)

// line is one object in the tree.
type line struct {
	key    *cluster.Key
	rev    *cluster.Revision
	prefix string
	owned  int
	folded bool
}

// Objects is the view.
type Objects struct {
	view.Base
	cluster *cluster.Cluster

	all       bool // what every cluster has as well
	collapsed map[string]bool
	lines     list.Keyed[line]
}

// New returns the view; c must be fed before it.
func New(c *cluster.Cluster) *Objects {
	return &Objects{cluster: c, collapsed: map[string]bool{}, lines: list.Keyed[line]{Key: func(l line) string { return l.key.Name }}}
}

// furniture are the kinds that every cluster has many of and that say nothing about what the reader did.
var furniture = [...]string{"Event", "Lease", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "FlowSchema",
	"PriorityLevelConfiguration", "APIService", "PriorityClass", "ServiceCIDR", "IPAddress", "ServiceAccount", "RangeAllocation",
	"ControllerRevision", "CSINode", "Masterlease", ""}

func (v *Objects) wanted(k *cluster.Key) bool {
	if v.all {
		return true
	}
	o := k.Object
	if o.Name == "" || slices.Contains(furniture[:], o.Kind) || o.Kind == "ConfigMap" && o.Name == "kube-root-ca.crt" {
		return false
	}
	return o.Namespace != "kube-system" || o.Kind != "ConfigMap"
}

func (v *Objects) refresh() {
	if !v.Stale() {
		return
	}
	below := map[*cluster.Key][]*cluster.Key{}
	var roots []*cluster.Key
	for _, k := range v.cluster.Keys("/registry/", v.Moment.Seq) {
		if !v.wanted(k) {
			continue
		}
		if o := v.owner(k); o != nil {
			below[o] = append(below[o], k)
		} else {
			roots = append(roots, k)
		}
	}
	slices.SortStableFunc(roots, func(a, b *cluster.Key) int { return rank(a) - rank(b) })
	tree := forest{v: v, below: below, seen: map[*cluster.Key]bool{}}
	for _, k := range roots {
		tree.grow(k, "", "")
	}
	v.lines.Set(tree.lines)
}

// rank puts what the reader made before what the cluster is made of.
func rank(k *cluster.Key) int {
	switch {
	case k.Object.Kind == "Node":
		return 2
	case k.Object.Kind == "Namespace":
		return 3
	case k.Object.Namespace == "kube-system" || k.Object.Name == "kubernetes":
		return 1
	}
	return 0
}

// owner returns the first of k's owners that exists at the moment; nil for none.
func (v *Objects) owner(k *cluster.Key) *cluster.Key {
	r, ok := k.At(v.Moment.Seq)
	if !ok {
		return nil
	}
	for _, ref := range v.cluster.Facts(r).Metadata.OwnerReferences {
		if o := v.cluster.ByUID(ref.UID); o != nil && o != k && v.wanted(o) {
			if _, exists := o.At(v.Moment.Seq); exists {
				return o
			}
		}
	}
	return nil
}

// forest is the tree of owners while it grows.
type forest struct {
	v     *Objects
	below map[*cluster.Key][]*cluster.Key
	seen  map[*cluster.Key]bool // ends circles of owners
	lines []line
}

// grow adds k and what it owns, and reports whether anything of it is shown.
func (t *forest) grow(k *cluster.Key, first, rest string) bool {
	v := t.v
	r, ok := k.At(v.Moment.Seq)
	if !ok || t.seen[k] {
		return false
	}
	t.seen[k] = true
	at, owned := len(t.lines), t.below[k]
	folded := v.collapsed[k.Name] && len(owned) > 0
	t.lines = append(t.lines, line{key: k, rev: r, prefix: first, owned: len(owned), folded: folded})
	shown := true
	if len(v.Words) > 0 {
		status, _ := v.status(k, r)
		shown = view.Matches(strings.ToLower(k.Object.Kind+" "+k.Object.Namespace+"/"+k.Object.Name+" "+status), v.Words)
	}
	if !folded {
		for i, child := range owned {
			mark, more := "├─", "│ "
			if i == len(owned)-1 {
				mark, more = "└─", "  "
			}
			shown = t.grow(child, rest+mark, rest+more) || shown
		}
	}
	if !shown {
		t.lines = t.lines[:at]
	}
	return shown
}

// status returns an object's state in a few words.
func (v *Objects) status(k *cluster.Key, r *cluster.Revision) (string, theme.Role) {
	f := v.cluster.Facts(r)
	if f.Metadata.DeletionTimestamp != "" && k.Object.Kind != "Pod" {
		return v.Say.T(text.Terminating), theme.Warn
	}
	switch k.Object.Kind {
	case "Pod":
		ready, all := f.Ready()
		state := f.PodState()
		role := theme.Warn
		if all > 0 && ready == all {
			role = theme.Good
		}
		if all > 0 {
			state = fmt.Sprintf("%d/%d %s", ready, all, state)
		}
		if f.Spec.NodeName != "" {
			state += " · " + f.Spec.NodeName
		}
		return state, role
	case "Deployment", "ReplicaSet", "StatefulSet":
		want := 1
		if f.Spec.Replicas != nil {
			want = *f.Spec.Replicas
		}
		role := theme.Good
		if f.Status.ReadyReplicas < want {
			role = theme.Warn
		}
		state := v.Say.T(text.ReadyOf, f.Status.ReadyReplicas, want)
		if k.Object.Kind == "Deployment" {
			state += " · " + v.Say.T(text.UpdatedOf, f.Status.UpdatedReplicas, f.Status.AvailableReplicas)
		}
		return state, role
	case "Node":
		if !f.Is("Ready") {
			return v.Say.T(text.NotReady), theme.Bad
		}
		if f.Spec.Unschedulable {
			return "Ready,SchedulingDisabled", theme.Warn
		}
		return "Ready", theme.Good
	case "Service":
		return strings.TrimSpace(f.Spec.Type + " " + f.Spec.ClusterIP), theme.Dim
	}
	return f.Status.Phase, theme.Dim
}

// Move moves the selection.
func (v *Objects) Move(n int) {
	v.refresh()
	v.lines.Move(n)
}

// Do carries out an action.
func (v *Objects) Do(a keymap.Action) {
	v.refresh()
	v.lines.Pin()
	switch l, ok := v.lines.Selected(); {
	case a == keymap.Background:
		v.all = !v.all
	case a != keymap.Fold || !ok:
	case v.collapsed[l.key.Name]:
		delete(v.collapsed, l.key.Name)
	default:
		v.collapsed[l.key.Name] = true
	}
	v.Touch()
}

// Works reports whether an action does something now.
func (v *Objects) Works(a keymap.Action) bool {
	v.refresh()
	switch a {
	case keymap.Background:
		return true
	case keymap.Fold:
		l, ok := v.lines.Selected()
		return ok && l.owned > 0
	}
	return false
}

// Click selects the object at y.
func (v *Objects) Click(_, y int) {
	v.refresh()
	v.lines.Click(y)
}

// Selected returns the last write to the selected object.
func (v *Objects) Selected() view.Selection {
	v.refresh()
	l, ok := v.lines.Selected()
	if !ok {
		return view.Selection{}
	}
	return view.Selection{Seq: l.rev.Seq, Version: v.Version}
}

// Note says how many objects there are.
func (v *Objects) Note() string {
	v.refresh()
	note := v.Say.T(text.ObjectCount, v.lines.Len())
	if v.all {
		note += " · " + v.Say.T(text.AllKinds)
	}
	return note
}

// View returns h lines of w cells.
func (v *Objects) View(w, h int, focused bool) []string {
	v.refresh()
	if v.lines.Len() == 0 {
		return v.Nothing(text.NoObjects, w, h)
	}
	return v.lines.View(v.Theme, func(l line) []list.Cell { return v.row(&l, w) }, w, h, focused)
}

func (v *Objects) row(l *line, w int) []list.Cell {
	prefix := l.prefix
	if l.folded {
		prefix += fmt.Sprintf("▸(%d) ", l.owned)
	}
	name := l.key.Object.Name
	if ns := l.key.Object.Namespace; ns != "" && ns != "default" {
		name = ns + "/" + name
	}
	status, role := v.status(l.key, l.rev)
	head := prefix + l.key.Object.Kind + " "
	headWidth := layout.Width(head) + 1
	// The state takes what the name leaves; in a list of states they stand below each other.
	statusWidth := min(max(w*2/5, layout.Width(status)+1), max(w-headWidth-24, 16))
	return []list.Cell{{Role: theme.Dim, Text: head, Width: headWidth}, {Role: theme.Object, Text: name}, {Role: role, Text: status, Width: statusWidth}}
}
