// Package mapview answers: who talks to whom? It shows the components around the API server with what each did or learnt
// last, the nodes with their Pods, and, at its place, what waits at the gate.
//
// An edge is heavy because something has just gone along it. What moves is a message: see motion.go.
//
// The lab screen imports it.
package mapview

import (
	"slices"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
	"github.com/kubestep/kubestep/tui/view/rows"
)

// justNow is how long before the last event something counts as just now: about what one step sets off.
const justNow = 200 * time.Millisecond

// past is what one component did, by event number.
type past struct {
	name  string
	node  string // of what runs on a node
	did   []uint64
	times []time.Time
}

// last returns the latest thing up to seq, 0 for none.
func (p *past) last(seq uint64) (uint64, time.Time) {
	at, has := slices.BinarySearch(p.did, seq)
	if !has {
		at--
	}
	if at < 0 {
		return 0, time.Time{}
	}
	return p.did[at], p.times[at]
}

// item is one thing that can be selected.
type item struct {
	key  string // stays the same while the item moves
	seq  uint64
	held uint64
}

// Map is the view.
type Map struct {
	events  describe.Getter
	cluster *cluster.Cluster
	theme   theme.Theme
	say     text.Printer
	moment  view.Moment
	words   []string

	actors map[string]*past
	moving map[string]int // actors with a message on its way, and how far it is

	selected string // the key of an item; "" goes to where something happens
	items    []item
	now      time.Time // of the latest event at the moment
	marked   string    // the selected item while it is drawn
	places   []place   // of the items in the last View
	offset   int
}

// place is where an item was drawn.
type place struct {
	y, x, w int
	key     string
}

// New returns the view; c must be fed before it.
func New(events describe.Getter, c *cluster.Cluster) *Map {
	return &Map{events: events, cluster: c, actors: map[string]*past{}, moving: map[string]int{}}
}

// Names of the two that everything goes through.
const (
	apiServer = "kube-apiserver"
	etcd      = "etcd"
)

func componentKey(name string) string { return "component " + name }

// Dress gives the view its looks and its language.
func (v *Map) Dress(t theme.Theme, p text.Printer) { v.theme, v.say = t, p }

// Take takes events that are new or have changed.
func (v *Map) Take(events []trace.Event) {
	for i := range events {
		e := &events[i]
		if e.Seq == 0 || e.Background || e.Actor == "" {
			continue
		}
		if seq, _ := v.actor(e.Actor).last(e.Seq); seq != e.Seq { // not one that has changed
			v.setOff(e)
		}
		v.actor(e.Actor).take(e)
	}
}

func (v *Map) actor(name string) *past {
	p := v.actors[name]
	if p == nil {
		p = &past{name: name}
		_, p.node, _ = strings.Cut(name, "@")
		v.actors[name] = p
	}
	return p
}

// mostKept bounds what is kept of one component.
const mostKept = 20_000

func (p *past) take(e *trace.Event) {
	n := len(p.did)
	if n > 0 && p.did[n-1] >= e.Seq {
		if at, has := slices.BinarySearch(p.did, e.Seq); !has {
			p.did, p.times = slices.Insert(p.did, at, e.Seq), slices.Insert(p.times, at, e.Time)
		}
		return
	}
	if n >= mostKept {
		half := n / 2
		p.did, p.times = slices.Clone(p.did[half:]), slices.Clone(p.times[half:])
	}
	p.did, p.times = append(p.did, e.Seq), append(p.times, e.Time)
}

// Show moves the view to a moment.
func (v *Map) Show(m view.Moment) { v.moment = m }

// Filter leaves only components and Pods with all the words.
func (v *Map) Filter(words []string) { v.words = words }

// Move moves the selection.
func (v *Map) Move(n int) {
	if len(v.items) == 0 {
		return
	}
	v.selected = v.items[max(min(v.at()+n, len(v.items)-1), 0)].key
}

// at returns the selected item. As long as the reader has selected none, it is the one that waits first, or else the one
// that acted last.
func (v *Map) at() int {
	if v.selected != "" {
		return max(slices.IndexFunc(v.items, func(it item) bool { return it.key == v.selected }), 0)
	}
	at, latest := 0, uint64(0)
	for i, it := range v.items {
		if len(v.moment.Held) > 0 && it.held == v.moment.Held[0].ID {
			return i
		}
		if i > 1 && it.seq > latest { // after the API server and etcd, which are in everything
			at, latest = i, it.seq
		}
	}
	return at
}

// Do takes the selection away.
func (v *Map) Do(a keymap.Action) {
	if a == keymap.Back {
		v.selected = ""
	}
}

// Works reports whether there is a selection to take away.
func (v *Map) Works(a keymap.Action) bool { return a == keymap.Back && v.selected != "" }

// Click selects what is at a cell.
func (v *Map) Click(x, y int) {
	for _, p := range v.places {
		if p.y == y && x >= p.x && x < p.x+p.w {
			v.selected = p.key
			return
		}
	}
}

// Selected returns what the selected thing waits to do, or did last.
func (v *Map) Selected() view.Selection {
	v.collect()
	if len(v.items) == 0 {
		return view.Selection{}
	}
	it := v.items[v.at()]
	return view.Selection{Held: it.held, Seq: it.seq}
}

// Page returns nil: the event says it all.
func (v *Map) Page(describe.Page) []richtext.Line { return nil }

// Note says how many Pods there are.
func (v *Map) Note() string {
	pods := v.cluster.Keys("/registry/pods/", v.moment.Seq)
	return v.say.T(text.MapNote, len(v.cluster.Keys("/registry/minions/", v.moment.Seq)), len(pods))
}

// usual are the components that a rollout goes through; they have their rows from the beginning, so that nothing jumps.
var usual = [...]string{"kubectl", "deployment-controller", "replicaset-controller", "kube-scheduler"}

// components returns the rows in their order, without what runs on nodes.
func (v *Map) components() []*past {
	var out []*past
	for _, name := range usual {
		out = append(out, v.actor(name))
	}
	var others []*past
	for name, p := range v.actors {
		if p.node == "" && !strings.HasPrefix(name, podActor) && name != apiServer && name != etcd && !slices.Contains(usual[:], name) {
			if seq, _ := p.last(v.moment.Seq); seq != 0 || v.holds(name) {
				others = append(others, p)
			}
		}
	}
	slices.SortFunc(others, func(a, b *past) int { return strings.Compare(a.name, b.name) })
	return append(out, others...)
}

// podActor is what the actors that are programs of Pods begin with: "pod default/client".
const podActor = "pod "

// heldOn returns what waits on a node and is the business of none of its Pods, the oldest first; nil for nothing.
func (v *Map) heldOn(node string) *trace.Held {
	return v.firstHeld(func(e *trace.Event) bool {
		d, ok := e.Detail.(*trace.HopDetail)
		return strings.HasSuffix(e.Actor, "@"+node) && (!ok || d.Namespace == "")
	})
}

// heldIn returns what waits in a Pod: a packet at its interface, or a question of its resolver; nil for nothing.
func (v *Map) heldIn(o trace.Object) *trace.Held {
	name := o.Namespace + "/" + o.Name
	return v.firstHeld(func(e *trace.Event) bool {
		d, ok := e.Detail.(*trace.HopDetail)
		return e.Actor == podActor+name || ok && d.Namespace == name
	})
}

func (v *Map) firstHeld(is func(e *trace.Event) bool) *trace.Held {
	for i := range v.moment.Held {
		if is(&v.moment.Held[i].Event) {
			return &v.moment.Held[i]
		}
	}
	return nil
}

func (v *Map) holds(actor string) bool { return v.heldBy(actor) != nil }

// heldBy returns what the component waits to do, the oldest first; nil for nothing.
func (v *Map) heldBy(actor string) *trace.Held {
	return v.firstHeld(func(e *trace.Event) bool { return e.Actor == actor })
}

// pod is a Pod at the moment.
type pod struct {
	key   *cluster.Key
	seq   uint64 // of its last commit
	node  string
	mark  string
	role  theme.Role
	state string
	held  *trace.Held // what waits in it
}

func (v *Map) pods() []pod {
	keys := v.cluster.Keys("/registry/pods/", v.moment.Seq)
	out := make([]pod, 0, len(keys))
	for _, k := range keys {
		r, ok := k.At(v.moment.Seq)
		if !ok {
			continue
		}
		f := v.cluster.Facts(r)
		p := pod{key: k, seq: r.Seq, node: f.Spec.NodeName, state: f.PodState()}
		p.mark, p.role = rows.Pod(f)
		p.held = v.heldIn(k.Object)
		out = append(out, p)
	}
	return out
}
