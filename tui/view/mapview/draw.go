package mapview

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
)

// Edges between a component and the API server. The heavy ones have just been used.
const (
	edgeIdle    = "──────"
	edgeAsks    = "─────▶"
	edgeLearns  = "◀─────"
	edgeAsksNow = "━━━━━▶"
	edgeTellNow = "◀━━━━━"
	edgeHeld    = "───■  "
	edgeWidth   = 6
)

// drawing collects lines and remembers where the items are.
type drawing struct {
	lines  []string
	places []place
}

func (d *drawing) add(line string) { d.lines = append(d.lines, line) }

// collect works out what can be selected now: the components in the order of their rows, then each node with its Pods.
func (v *Map) collect() {
	v.items = v.items[:0]
	add := func(key, actor string) {
		it := item{key: key}
		if h := v.heldBy(actor); h != nil {
			it.held = h.ID
		}
		if p := v.actors[actor]; p != nil {
			it.seq, _ = p.last(v.moment.Seq)
		}
		v.items = append(v.items, it)
	}
	add(componentKey(apiServer), apiServer)
	add(componentKey(etcd), etcd)
	for _, p := range v.components() {
		if v.keeps(p.name) {
			add(componentKey(p.name), p.name)
		}
	}
	pods := v.pods()
	addPods := func(node string) {
		for _, p := range pods {
			if p.node == node && v.keeps(p.key.Object.Name+" "+p.state) {
				it := item{key: p.key.Name, seq: p.seq}
				if p.held != nil {
					it.held = p.held.ID
				}
				v.items = append(v.items, it)
			}
		}
	}
	addPods("")
	for _, n := range v.cluster.Keys("/registry/minions/", v.moment.Seq) {
		add(n.Name, "kubelet@"+n.Object.Name)
		if h := v.heldOn(n.Object.Name); h != nil {
			v.items[len(v.items)-1].held = h.ID
		}
		addPods(n.Object.Name)
	}
}

func (v *Map) keeps(line string) bool { return view.Matches(strings.ToLower(line), v.words) }

// View returns h lines of w cells.
func (v *Map) View(w, h int, focused bool) []string {
	v.collect()
	if v.marked = ""; len(v.items) > 0 {
		v.marked = v.items[v.at()].key
	}
	v.now = time.Time{}
	for _, p := range v.actors {
		if _, at := p.last(v.moment.Seq); at.After(v.now) {
			v.now = at
		}
	}
	d := &drawing{}
	v.drawTop(d, w, focused)
	nodes := v.nodeLines(w, focused)
	v.drawComponents(d, w, max(h-len(d.lines)-len(nodes.lines), 4), focused)
	for _, p := range nodes.places {
		p.y += len(d.lines)
		d.places = append(d.places, p)
	}
	d.lines = append(d.lines, nodes.lines...)
	v.scroll(d, h)
	return layout.FitLines(d.lines, w, h)
}

// scroll brings the selected item in sight when there are more lines than fit.
func (v *Map) scroll(d *drawing, h int) {
	y := 0
	for _, p := range d.places {
		if p.key == v.marked {
			y = p.y
			break
		}
	}
	v.offset = layout.Scroll(v.offset, y, len(d.lines), h)
	if y < h {
		v.offset = 0
	}
	d.lines = d.lines[min(v.offset, len(d.lines)):]
	v.places = d.places[:0]
	for _, p := range d.places {
		p.y -= v.offset
		v.places = append(v.places, p)
	}
}

// pick paints a text as selected when its item is, and marks it with an arrow so that no colour is needed.
func (v *Map) pick(key string, role theme.Role, s string, focused bool) string {
	switch {
	case key != v.marked:
		return " " + v.theme.Paint(role, s)
	case focused:
		return v.theme.Paint(theme.Selected, "▸"+s)
	}
	return "▸" + v.theme.Paint(role, s)
}

// nameWidth is the column of the components' names; longer ones are cut in their middle.
func nameWidth(w int) int {
	if w < 90 {
		return 19
	}
	return 26
}

// drawTop shows the API server with etcd behind it, which all others hang below.
func (v *Map) drawTop(d *drawing, w int, focused bool) {
	nw := nameWidth(w)
	api, store := componentKey(apiServer), componentKey(etcd)
	left := strings.Repeat(" ", nw+1+edgeWidth)
	edge, role := "══════", theme.Dim
	if seq, at := v.actor(etcd).last(v.moment.Seq); seq != 0 && v.recent(at) {
		edge, role = v.message(etcd, edgeAsksNow), theme.Warn
	}
	x := nw + 1 + edgeWidth
	line := left + v.pick(api, theme.Heading, "["+apiServer+"]", focused) + v.theme.Paint(role, edge)
	d.places = append(d.places, place{0, x, len(apiServer) + 3, api})
	x += len(apiServer) + 3 + edgeWidth
	line += v.pick(store, theme.Heading, "["+etcd+"]", focused)
	d.places = append(d.places, place{0, x, len(etcd) + 3, store})
	if rev := v.cluster.Latest(v.moment.Seq); rev != 0 {
		line += v.theme.Paint(theme.Dim, fmt.Sprintf("  rev %d", rev))
	}
	d.add(layout.Fit(line, w))
	if h := v.heldBy(apiServer); h != nil {
		d.add(layout.Fit(left+"  "+v.wants(h, w-len(left)-2), w))
	}
}

func (v *Map) recent(at time.Time) bool { return v.now.Sub(at) <= justNow }

// wants says what a held event would do.
func (v *Map) wants(h *trace.Held, room int) string {
	words := describe.Event(&h.Event)
	words.Actor = ""
	head := "■ " + v.say.T(text.Wants) + " "
	return v.theme.Paint(theme.Warn, head) + v.theme.Paint(theme.Strong, layout.Middle(words.String(), room-layout.Width(head)))
}

// waits says in few cells what waits at the gate.
func (v *Map) waits(h *trace.Held, room int) string {
	words := describe.Event(&h.Event)
	return v.theme.Paint(theme.Warn, "■ "+words.Verb+" ") + v.theme.Paint(theme.Strong, layout.Middle(words.Object, room-3-layout.Width(words.Verb)))
}

// drawComponents has a row for each component, on at most h lines; those that have not acted for longest give way.
func (v *Map) drawComponents(d *drawing, w, h int, focused bool) {
	var list []*past
	for _, p := range v.components() {
		if v.keeps(p.name) {
			list = append(list, p)
		}
	}
	hidden := 0
	for len(list) > max(h-1, 1) {
		list, hidden = v.withoutOldest(list), hidden+1
	}
	for _, p := range list {
		key := componentKey(p.name)
		d.places = append(d.places, place{len(d.lines), 0, w, key})
		d.add(v.row(p, key, w, focused))
	}
	if hidden > 0 {
		d.add(layout.Fit(" "+v.theme.Paint(theme.Dim, v.say.T(text.MoreComponents, hidden)), w))
	}
}

// withoutOldest takes away the component that was idle for longest; never what waits, nor what is selected.
func (v *Map) withoutOldest(list []*past) []*past {
	oldest, at := -1, ^uint64(0)
	for i, p := range list {
		seq, _ := p.last(v.moment.Seq)
		if slices.Contains(usual[:], p.name) {
			seq += 1 << 62 // the usual ones stay as long as there are others
		}
		if !v.holds(p.name) && componentKey(p.name) != v.marked && seq <= at {
			oldest, at = i, seq
		}
	}
	if oldest < 0 {
		return list[:len(list)-1]
	}
	return append(append([]*past(nil), list[:oldest]...), list[oldest+1:]...)
}

// row is one component: its name, its edge to the API server, and what it waits to do or did last.
func (v *Map) row(p *past, key string, w int, focused bool) string {
	nw := nameWidth(w)
	name := p.name
	if layout.Width(name) >= nw {
		name = describe.Short(name)
	}
	name = layout.Fit(layout.Middle(name, nw-1), nw)
	edge, role, what := v.edge(p, w-nw-edgeWidth-5)
	return layout.Fit(v.pick(key, theme.Actor, name, focused)+v.theme.Paint(role, edge)+" "+v.theme.Paint(theme.Border, "┃")+" "+what, w)
}

// edge returns a component's edge and words.
func (v *Map) edge(p *past, room int) (edge string, role theme.Role, what string) {
	if h := v.heldBy(p.name); h != nil {
		return edgeHeld, theme.Warn, v.wants(h, room)
	}
	seq, at := p.last(v.moment.Seq)
	e, ok := v.events.Get(seq)
	if !ok {
		return edgeIdle, theme.Border, ""
	}
	now := v.recent(at)
	role, wordRole := theme.Dim, theme.Dim
	if now {
		role, wordRole = theme.Warn, theme.Plain
	}
	switch {
	case e.Kind == trace.WatchDeliver && now:
		edge = edgeTellNow
	case e.Kind == trace.WatchDeliver:
		edge = edgeLearns
	case e.Kind != trace.APIRequest:
		edge = edgeIdle // it was busy with itself
	case now:
		edge = edgeAsksNow
	default:
		edge = edgeAsks
	}
	edge = v.message(p.name, edge)
	words := describe.Event(&e)
	words.Actor, words.Verb = "", strings.TrimPrefix(words.Verb, "◂ ") // both are said by the edge
	number := fmt.Sprintf("#%d ", seq)
	return edge, role, v.theme.Paint(theme.Dim, number) + v.theme.Paint(wordRole, layout.Middle(words.String(), room-len(number)))
}

// Boxes of nodes.
const (
	leastBox = 24 // cells, frame included
	mostBox  = 60
)

// nodeLines shows the Pods without a node and a box for each node.
func (v *Map) nodeLines(w int, focused bool) *drawing {
	d := &drawing{}
	pods := v.pods()
	for _, p := range pods {
		if p.node == "" && v.keeps(p.key.Object.Name+" "+p.state) {
			d.places = append(d.places, place{len(d.lines), 0, w, p.key.Name})
			d.add(v.podLine(&p, w, v.say.T(text.NoNode), focused))
		}
	}
	nodes := v.cluster.Keys("/registry/minions/", v.moment.Seq)
	if len(nodes) == 0 {
		return d
	}
	columns := max(min(w/leastBox, len(nodes)), 1)
	bw := min(w/columns, mostBox)
	for at := 0; at < len(nodes); at += columns {
		line := nodes[at:min(at+columns, len(nodes))]
		boxes, high := make([][]string, len(line)), 0
		y := len(d.lines)
		for i, n := range line {
			boxes[i] = v.box(d, n, pods, i*bw, y, bw, focused)
			high = max(high, len(boxes[i]))
		}
		for row := range high {
			s := ""
			for i := range boxes {
				switch {
				case row < len(boxes[i]):
					s += boxes[i][row]
				case row == len(boxes[i]):
					s += v.bottom(bw)
				default:
					s += strings.Repeat(" ", bw)
				}
			}
			d.add(layout.Fit(s, w))
		}
		s := ""
		for i := range boxes {
			if len(boxes[i]) == high {
				s += v.bottom(bw)
			} else {
				s += strings.Repeat(" ", bw)
			}
		}
		d.add(layout.Fit(s, w))
	}
	return d
}

func (v *Map) bottom(bw int) string {
	return v.theme.Paint(theme.Border, "└"+strings.Repeat("─", bw-2)+"┘")
}

// box draws a node without its bottom line: the kubelet and the Pods.
func (v *Map) box(d *drawing, n *cluster.Key, pods []pod, x, y, bw int, focused bool) []string {
	bar := v.theme.Paint(theme.Border, "│")
	inside := bw - 2
	title, role := n.Object.Name, theme.Strong
	if r, ok := n.At(v.moment.Seq); ok && !v.cluster.Facts(r).Is("Ready") {
		title, role = title+" "+v.say.T(text.NotReady), theme.Bad
	}
	title = layout.Middle(title, inside-3)
	head := v.theme.Paint(theme.Border, "┌") + v.pick(n.Name, role, title, focused) + " "
	head += v.theme.Paint(theme.Border, strings.Repeat("─", max(inside-layout.Width(title)-2, 0))+"┐")
	out := []string{head}
	d.places = append(d.places, place{y, x, bw, n.Name}, place{y + 1, x, bw, n.Name})

	kubelet := v.actor("kubelet@" + n.Object.Name)
	edge, edgeRole, what := v.edge(kubelet, inside-edgeWidth)
	out = append(out, bar+layout.Fit(v.theme.Paint(edgeRole, strings.TrimSpace(short(edge)))+" "+what, inside)+bar)
	waits := func(h *trace.Held, key string) {
		d.places = append(d.places, place{y + len(out), x, bw, key})
		out = append(out, bar+layout.Fit("  "+v.waits(h, inside-3), inside)+bar)
	}
	if h := v.heldOn(n.Object.Name); h != nil && h.Event.Actor != kubelet.name {
		waits(h, n.Name)
	}
	for i := range pods {
		if p := &pods[i]; p.node == n.Object.Name && v.keeps(p.key.Object.Name+" "+p.state) {
			d.places = append(d.places, place{y + len(out), x, bw, p.key.Name})
			out = append(out, bar+v.podLine(p, inside, "", focused)+bar)
			if p.held != nil {
				waits(p.held, p.key.Name)
			}
		}
	}
	return out
}

// short is an edge in a node's box, where there is less room.
func short(edge string) string {
	r := []rune(edge)
	if r[0] == '◀' {
		return string(r[:2])
	}
	return string(r[len(r)-2:])
}

func (v *Map) podLine(p *pod, w int, note string, focused bool) string {
	state := p.state
	if note != "" {
		state += " · " + note
	}
	name := p.key.Object.Name
	if ns := p.key.Object.Namespace; ns != "default" {
		name = ns + "/" + name
	}
	room := w - 3 - 1 - layout.Width(state)
	if room < 10 { // the mark says the state as well
		room, state = w-3, ""
	}
	if layout.Width(name) > room {
		name = p.key.Object.Name // its end tells it from others; the namespace does not
	}
	return layout.Fit(v.pick(p.key.Name, theme.Plain, p.mark+" "+layout.Middle(name, room), focused)+" "+v.theme.Paint(p.role, state), w)
}
