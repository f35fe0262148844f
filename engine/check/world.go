// Package check judges what happens in a lab: CEL expressions over the cluster's objects and over the trace. It reads
// nothing by itself: a [World] is told of events, and an expression is evaluated again only when something that it reads
// has changed.
//
// engine/course, engine/quiz and cmd import it. It imports engine, engine/trace and engine/gate, and does no I/O.
package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/trace"
)

// DefaultNamespace is where objects are looked for when an expression names none.
const DefaultNamespace = "default"

// World is what an attempt at a lesson knows of the cluster: every object as its last commit left it, the events since
// the attempt began, and what the gate holds. It is not safe for concurrent use.
type World struct {
	objects map[string]*stored // by id
	kinds   map[string]map[string]*stored
	watched map[string]*watched // by pattern
	events  map[uint64]*seen
	held    []trace.Held
	start   uint64 // the attempt began after this event
	step    uint64 // the step began after this event
	last    uint64
	gen     uint64
	changed map[string]uint64 // by what an expression can depend on: the generation of its last change
}

// stored is one object.
type stored struct {
	object   trace.Object
	revision int64
	body     *trace.Body
	value    map[string]any // decoded when somebody looks
	before   bool           // it was there when the attempt began
}

// seen is one event, as an expression sees it when somebody looks.
type seen struct {
	event trace.Event
	value map[string]any
}

// watched are the events that match a pattern, by Seq.
type watched struct {
	pattern *gate.Pattern
	seqs    []uint64
}

// NewWorld returns a world that knows nothing.
func NewWorld() *World {
	return &World{objects: map[string]*stored{}, kinds: map[string]map[string]*stored{}, watched: map[string]*watched{},
		events: map[uint64]*seen{}, changed: map[string]uint64{}, gen: 1}
}

// Load takes in what was stored before the events that follow.
func (w *World) Load(s engine.Snapshot) {
	for _, o := range s.Objects {
		w.store(o.Object, o.Revision, o.Body)
	}
}

// Observe takes in events, by Seq. An event may come again, changed.
func (w *World) Observe(events []trace.Event) {
	for i := range events {
		w.observe(&events[i])
	}
}

func (w *World) observe(e *trace.Event) {
	w.last = max(w.last, e.Seq)
	if d, ok := e.Detail.(*trace.CommitDetail); ok && !e.Object.IsZero() {
		if e.Verb == "delete" {
			w.remove(e.Object, e.EtcdRevision)
		} else {
			w.store(e.Object, e.EtcdRevision, d.After)
		}
	}
	if e.Background || e.Seq <= w.start {
		return
	}
	w.gen++
	w.events[e.Seq] = &seen{event: *e}
	for text, p := range w.watched {
		w.match(text, p, e)
	}
}

func (w *World) match(text string, p *watched, e *trace.Event) {
	at, found := slices.BinarySearch(p.seqs, e.Seq)
	switch matches := p.pattern.Match(e); {
	case matches && !found:
		p.seqs = slices.Insert(p.seqs, at, e.Seq)
	case !matches && found:
		p.seqs = slices.Delete(p.seqs, at, at+1)
	case !matches:
		return
	}
	w.changed["event:"+text] = w.gen
}

func id(kind, namespace, name string) string {
	return strings.ToLower(kind) + "/" + namespace + "/" + name
}

func (w *World) touch(kind string) {
	w.gen++
	w.changed["kind:"+kind] = w.gen
}

func (w *World) store(o trace.Object, revision int64, body *trace.Body) {
	if o.Kind == "" || body == nil {
		return
	}
	key, kind := id(o.Kind, o.Namespace, o.Name), strings.ToLower(o.Kind)
	old := w.objects[key]
	if old != nil && old.revision >= revision {
		return // an event that came again
	}
	s := &stored{object: o, revision: revision, body: body, before: w.start == 0}
	if old != nil && old.object.UID == o.UID {
		s.before = old.before
	}
	w.objects[key] = s
	if w.kinds[kind] == nil {
		w.kinds[kind] = map[string]*stored{}
	}
	w.kinds[kind][key] = s
	w.touch(kind)
}

func (w *World) remove(o trace.Object, revision int64) {
	key, kind := id(o.Kind, o.Namespace, o.Name), strings.ToLower(o.Kind)
	if old := w.objects[key]; old == nil || old.revision > revision {
		return
	}
	delete(w.objects, key)
	delete(w.kinds[kind], key)
	w.touch(kind)
}

// Hold says what the gate holds now.
func (w *World) Hold(held []trace.Held) {
	w.held = held
	w.gen++
	w.changed["held"] = w.gen
}

// Begin marks the beginning of an attempt: what is there now is not of its making, and events before now do not count.
func (w *World) Begin() {
	w.start, w.step = max(w.last, 1), w.last
	for _, s := range w.objects {
		s.before = true
	}
	clear(w.events)
	for text, p := range w.watched {
		p.seqs = nil
		w.gen++
		w.changed["event:"+text] = w.gen
	}
	w.Step()
}

// Step marks the beginning of a step.
func (w *World) Step() {
	w.step = w.last
	w.gen++
	w.changed["step"] = w.gen
}

// Last returns the number of the last event that was observed.
func (w *World) Last() uint64 { return w.last }

// Made returns the objects that were made since the attempt began and that no other object owns, as "kind/name" in the
// order of their names. Objects that the cluster makes by itself are left out.
func (w *World) Made() []trace.Object {
	var out []trace.Object
	for _, s := range w.objects {
		switch s.object.Kind {
		case "Event", "Endpoints", "EndpointSlice", "Lease", "ControllerRevision", "Node", "CSINode", "IPAddress", "PodMetrics":
			continue
		}
		if s.before || w.ownedByOther(s) {
			continue
		}
		out = append(out, s.object)
	}
	slices.SortFunc(out, func(a, b trace.Object) int { return cmp.Compare(a.String(), b.String()) })
	return out
}

func (w *World) ownedByOther(s *stored) bool {
	meta, _ := s.decoded()["metadata"].(map[string]any)
	owners, _ := meta["ownerReferences"].([]any)
	return len(owners) > 0 || s.object.Name == "kube-root-ca.crt" || s.object.Kind == "ServiceAccount" && s.object.Name == "default"
}

// watch makes events that match a pattern findable.
func (w *World) watch(text string) (*watched, error) {
	if p := w.watched[text]; p != nil {
		return p, nil
	}
	pattern, err := gate.Parse(text)
	if err != nil {
		return nil, err
	}
	p := &watched{pattern: pattern}
	w.watched[text] = p
	for _, s := range w.events {
		if pattern.Match(&s.event) {
			p.seqs = append(p.seqs, s.event.Seq)
		}
	}
	slices.Sort(p.seqs)
	return p, nil
}

// Owned reports whether an object belongs to another, and goes when that does.
func (w *World) Owned(o trace.Object) bool {
	s := w.objects[id(o.Kind, o.Namespace, o.Name)]
	return s != nil && w.ownedByOther(s)
}

// Pinned reports whether an object has finalizers: deleting it is not enough then to make it go.
func (w *World) Pinned(o trace.Object) bool {
	s := w.objects[id(o.Kind, o.Namespace, o.Name)]
	if s == nil {
		return false
	}
	meta, _ := s.decoded()["metadata"].(map[string]any)
	finalizers, _ := meta["finalizers"].([]any)
	return len(finalizers) > 0
}
