// Package objectview answers: who owns whom? It shows the objects as a tree of owners with their state at the moment.
//
// The lab screen imports it.
package objectview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/richtext"
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
	cluster *cluster.Cluster
	theme   theme.Theme
	say     text.Printer
	moment  view.Moment
	words   []string

	dirty     bool
	version   int
	all       bool // what every cluster has as well
	collapsed map[string]bool
	lines     []line
	at        string // the selected key
	list      list.List
}

// New returns the view; c must be fed before it.
func New(c *cluster.Cluster) *Objects {
	return &Objects{cluster: c, collapsed: map[string]bool{}}
}

// Dress gives the view its looks and its language.
func (v *Objects) Dress(t theme.Theme, p text.Printer) { v.theme, v.say = t, p }

// Take notes that there are commits; the cluster has them.
func (v *Objects) Take(events []trace.Event) {
	for i := range events {
		if events[i].Kind == trace.EtcdCommit {
			v.dirty = true
			v.version++
			return
		}
	}
}

// Show moves the view to a moment.
func (v *Objects) Show(m view.Moment) {
	v.dirty = v.dirty || m.Seq != v.moment.Seq
	v.moment = m
}

// Filter leaves only objects with all the words, and their owners.
func (v *Objects) Filter(words []string) { v.words, v.dirty = words, true }

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
	if !v.dirty {
		return
	}
	v.dirty = false
	below := map[*cluster.Key][]*cluster.Key{}
	var roots []*cluster.Key
	for _, k := range v.cluster.Keys("/registry/", v.moment.Seq) {
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
	v.lines = v.lines[:0]
	for _, k := range roots {
		v.grow(k, below, "", "", map[*cluster.Key]bool{})
	}
	if at := slices.IndexFunc(v.lines, func(l line) bool { return l.key.Name == v.at }); at >= 0 {
		v.list.At = at
	}
	v.list.At = max(min(v.list.At, len(v.lines)-1), 0)
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
	r, ok := k.At(v.moment.Seq)
	if !ok {
		return nil
	}
	for _, ref := range v.cluster.Facts(r).Metadata.OwnerReferences {
		if o := v.cluster.ByUID(ref.UID); o != nil && o != k && v.wanted(o) {
			if _, exists := o.At(v.moment.Seq); exists {
				return o
			}
		}
	}
	return nil
}

// grow adds k and what it owns, and reports whether anything of it is shown. seen ends circles of owners.
func (v *Objects) grow(k *cluster.Key, below map[*cluster.Key][]*cluster.Key, first, rest string, seen map[*cluster.Key]bool) bool {
	r, ok := k.At(v.moment.Seq)
	if !ok || seen[k] {
		return false
	}
	seen[k] = true
	at := len(v.lines)
	v.lines = append(v.lines, line{key: k, rev: r, prefix: first, owned: len(below[k]), folded: v.collapsed[k.Name] && len(below[k]) > 0})
	status, _ := v.status(k, r)
	shown := view.Matches(strings.ToLower(k.Object.Kind+" "+k.Object.Namespace+"/"+k.Object.Name+" "+status), v.words)
	if !v.lines[at].folded {
		for i, child := range below[k] {
			mark, more := "├─", "│ "
			if i == len(below[k])-1 {
				mark, more = "└─", "  "
			}
			shown = v.grow(child, below, rest+mark, rest+more, seen) || shown
		}
	}
	if !shown {
		v.lines = v.lines[:at]
	}
	return shown
}

// status returns an object's state in a few words.
func (v *Objects) status(k *cluster.Key, r *cluster.Revision) (string, theme.Role) {
	f := v.cluster.Facts(r)
	if f.Metadata.DeletionTimestamp != "" && k.Object.Kind != "Pod" {
		return v.say.T(text.Terminating), theme.Warn
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
		state := v.say.T(text.ReadyOf, f.Status.ReadyReplicas, want)
		if k.Object.Kind == "Deployment" {
			state += " · " + v.say.T(text.UpdatedOf, f.Status.UpdatedReplicas, f.Status.AvailableReplicas)
		}
		return state, role
	case "Node":
		if !f.Is("Ready") {
			return v.say.T(text.NotReady), theme.Bad
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
	v.list.Move(n, len(v.lines))
	v.pick()
}

func (v *Objects) pick() {
	if len(v.lines) > 0 {
		v.at = v.lines[v.list.At].key.Name
	}
}

// Do carries out an action.
func (v *Objects) Do(a keymap.Action) {
	v.refresh()
	switch a {
	case keymap.Background:
		v.all = !v.all
	case keymap.Fold:
		if v.pick(); v.collapsed[v.at] {
			delete(v.collapsed, v.at)
		} else {
			v.collapsed[v.at] = true
		}
	}
	v.dirty = true
}

// Works reports whether an action does something now.
func (v *Objects) Works(a keymap.Action) bool {
	v.refresh()
	switch a {
	case keymap.Background:
		return true
	case keymap.Fold:
		return len(v.lines) > 0 && v.lines[v.list.At].owned > 0
	}
	return false
}

// Click selects the object at y.
func (v *Objects) Click(_, y int) {
	v.list.Click(y, len(v.lines))
	v.pick()
}

// Selected returns the last write to the selected object.
func (v *Objects) Selected() view.Selection {
	v.refresh()
	if len(v.lines) == 0 {
		return view.Selection{}
	}
	return view.Selection{Seq: v.lines[v.list.At].rev.Seq, Version: v.version}
}

// Note says how many objects there are.
func (v *Objects) Note() string {
	v.refresh()
	note := v.say.T(text.ObjectCount, len(v.lines))
	if v.all {
		note += " · " + v.say.T(text.AllKinds)
	}
	return note
}

// View returns h lines of w cells.
func (v *Objects) View(w, h int, focused bool) []string {
	v.refresh()
	if len(v.lines) == 0 {
		why := text.NoObjects
		if len(v.words) > 0 {
			why = text.NoMatch
		}
		return layout.FitLines(richtext.Render(v.theme, []richtext.Line{richtext.Text(theme.Dim, v.say.T(why))}, w), w, h)
	}
	return v.list.View(v.theme, len(v.lines), func(i int) []list.Cell {
		l := &v.lines[i]
		prefix := l.prefix
		if l.folded {
			prefix += fmt.Sprintf("▸(%d) ", l.owned)
		}
		name := l.key.Object.Name
		if ns := l.key.Object.Namespace; ns != "" && ns != "default" {
			name = ns + "/" + name
		}
		status, role := v.status(l.key, l.rev)
		statusWidth := min(max(w*2/5, 16), 36)
		head := prefix + l.key.Object.Kind + " "
		return []list.Cell{{Role: theme.Dim, Text: head, Width: layout.Width(head) + 1}, {Role: theme.Object, Text: name}, {Role: role, Text: status, Width: statusWidth}}
	}, w, h, focused)
}
