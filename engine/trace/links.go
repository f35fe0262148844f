package trace

import (
	"strings"
	"time"
)

// linker infers causes: a controller acts on state it has observed, so the cause of a request is the latest thing its
// process learnt about the request's object, the object's owner or its dependents. It knows nothing of time-outs or
// transport; [Tap] serialises calls.
//
// The rules, and why a rule leaves something out, are in infer. testdata/links holds them as transcripts.
type linker struct {
	objects map[string]*object            // by UID
	names   map[Object]string             // UID by APIVersion-less name
	learnt  map[string]map[string]learned // process -> UID -> deliveries
	last    map[string]latest             // process -> latest delivery of any object
	acts    map[string]map[string]uint64  // actor -> UID -> latest CRI call or scheduling phase
	wrote   map[string]map[string]uint64  // actor -> UID -> latest write to the API server
	exits   map[string]map[string]uint64  // node -> UID -> latest end of a container by itself
	streams map[string]uint64             // UID -> latest connect request (exec, attach, port-forward) that is open
	asked   map[string]latest             // UID of a Pod -> its latest DNS query
	gone    []string                      // UIDs of deleted objects, oldest first
}

// object is what has been seen of an object that the cluster stores.
type object struct {
	name     Object
	owners   []string
	involved []string
}

// learned are the latest deliveries that one process got.
type learned struct {
	about uint64 // of the object
	owned uint64 // of any object that it owns
	lost  uint64 // of an object that it owns and that is deleted or being deleted
}

// latest is the last thing that a process learnt, whatever it was about.
type latest struct {
	seq uint64
	at  time.Time
}

// guessWithin bounds the last resort, when no object explains an act: what the process learnt just before.
const guessWithin = 2 * time.Second

// keptGone is how many deleted objects are remembered: what they caused may still be on its way.
const keptGone = 4096

func (l *linker) init() {
	l.objects = map[string]*object{}
	l.names = map[Object]string{}
	l.learnt = map[string]map[string]learned{}
	l.last = map[string]latest{}
	l.acts = map[string]map[string]uint64{}
	l.wrote = map[string]map[string]uint64{}
	l.exits = map[string]map[string]uint64{}
	l.streams = map[string]uint64{}
	l.asked = map[string]latest{}
}

// process returns where the actor's knowledge comes from.
func process(e *Event) string {
	if e.Process != "" {
		return e.Process
	}
	return e.Actor
}

func nameKey(o Object) Object { return Object{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name} }

// uid returns the UID of e's object, from what was seen before when the event does not say.
func (l *linker) uid(o Object) string {
	if o.UID != "" {
		return o.UID
	}
	if o.Name == "" {
		return ""
	}
	return l.names[nameKey(o)]
}

// observe takes in an event that has happened.
func (l *linker) observe(e *Event) {
	if e.Kind == NetHop {
		return // nothing is inferred from packets, and there are many
	}
	uid := l.uid(e.Object)
	switch e.Kind {
	case EtcdCommit:
		l.remember(e.Object, e.Refs)
		if e.Verb == "delete" {
			l.forget(uid)
		}
	case WatchDeliver:
		if e.Background || uid == "" {
			return
		}
		p := process(e)
		if e.Seq > l.last[p].seq {
			l.last[p] = latest{e.Seq, e.Time}
		}
		known := l.learnt[p]
		if known == nil {
			known = map[string]learned{}
			l.learnt[p] = known
		}
		k := known[uid]
		k.about = max(k.about, e.Seq)
		known[uid] = k
		lost := e.Verb == "deleted" || e.Refs.Terminating
		for _, owner := range e.Refs.Owners {
			k := known[owner]
			k.owned = max(k.owned, e.Seq)
			if lost {
				k.lost = max(k.lost, e.Seq)
			}
			known[owner] = k
		}
	case CRICall, SchedPhase:
		if serves(e.Verb) {
			return // done for a client: it is no reason for what the kubelet does next
		}
		note(l.acts, e.Actor, uid, e.Seq)
		if e.Verb == "exit" {
			note(l.exits, node(e.Actor), uid, e.Seq) // its kubelet will find out
		}
	case DNSQuery:
		if e.Verb == "ask" && uid != "" && e.Seq > l.asked[uid].seq {
			l.asked[uid] = latest{e.Seq, e.Time}
		}
	case APIRequest:
		if e.Verb == "connect" && uid != "" {
			l.stream(uid, e)
		}
		if e.Writes() && e.Object.Kind != "Event" {
			note(l.wrote, e.Actor, uid, e.Seq)
			for _, owner := range e.Refs.Owners {
				note(l.wrote, e.Actor, owner, e.Seq)
			}
		}
	}
}

// stream takes in that a connect request about an object begins or ends.
func (l *linker) stream(uid string, e *Event) {
	switch {
	case e.Open:
		l.streams[uid] = max(l.streams[uid], e.Seq)
	case l.streams[uid] == e.Seq:
		delete(l.streams, uid)
	}
}

// serves reports whether a CRI method is what a kubelet calls for a connect request, and for nothing else.
func serves(method string) bool {
	return method == "Exec" || method == "Attach" || method == "PortForward"
}

// note keeps seq as somebody's latest deed on an object.
func note(deeds map[string]map[string]uint64, who, uid string, seq uint64) {
	if uid == "" {
		return
	}
	of := deeds[who]
	if of == nil {
		of = map[string]uint64{}
		deeds[who] = of
	}
	of[uid] = max(of[uid], seq)
}

// node returns the node in an actor's name: "node-1" of "kubelet@node-1", empty for what is not one node's.
func node(actor string) string {
	_, name, _ := strings.Cut(actor, "@")
	return name
}

func (l *linker) remember(o Object, r Refs) {
	if o.UID == "" {
		return
	}
	l.objects[o.UID] = &object{name: o, owners: r.Owners, involved: r.Involved}
	l.names[nameKey(o)] = o.UID
}

// forget drops what is known of objects deleted long ago, so that a lab that runs for days does not grow.
func (l *linker) forget(uid string) {
	if uid == "" {
		return
	}
	l.gone = append(l.gone, uid)
	if len(l.gone) <= keptGone {
		return
	}
	old := l.gone[0]
	l.gone = l.gone[1:]
	if o := l.objects[old]; o != nil {
		if key := nameKey(o.name); l.names[key] == old {
			delete(l.names, key)
		}
		delete(l.objects, old)
	}
	delete(l.streams, old)
	delete(l.asked, old)
	for _, known := range l.learnt {
		delete(known, old)
	}
	for _, deeds := range []map[string]map[string]uint64{l.acts, l.wrote, l.exits} {
		for _, of := range deeds {
			delete(of, old)
		}
	}
}

// infer returns the likeliest cause of e, 0 when nothing fits.
func (l *linker) infer(e *Event, now time.Time) (uint64, Link) {
	var best uint64
	consider := func(seq uint64) { best = max(best, seq) }

	uid := l.uid(e.Object)
	known := l.learnt[process(e)]
	acts, exits := l.acts[e.Actor], l.exits[node(e.Actor)]

	owners, involved := e.Refs.Owners, e.Refs.Involved
	if o := l.objects[uid]; o != nil && len(owners) == 0 {
		owners = o.owners
	}
	if o := l.objects[uid]; o != nil && len(involved) == 0 {
		involved = o.involved
	}

	switch e.Kind {
	case APIRequest:
		creates := e.Verb == "create" && e.Subresource == ""
		if e.Object.Kind == "Event" {
			// An Event tells what its reporter has just done to, or learnt of, the object it is about.
			for _, u := range involved {
				consider(acts[u])
				consider(exits[u])
				consider(l.wrote[e.Actor][u])
				consider(known[u].about)
			}
			break
		}
		if !creates {
			consider(known[uid].about)
			consider(known[uid].owned) // a status is a sum over dependents
			consider(acts[uid])        // a kubelet reports what its runtime did for it
			consider(exits[uid])       // or what ended by itself
		}
		for _, u := range owners {
			consider(known[u].about)
			if creates {
				// What was created before does not make a controller create more; what went away does.
				consider(known[u].lost)
			}
		}
		for _, u := range involved {
			consider(known[u].about)
			consider(acts[u])
		}
	case CRICall, SchedPhase:
		if seq := l.streams[uid]; seq != 0 && serves(e.Verb) {
			return seq, Inferred // the client waits for it, whatever else goes on about the Pod
		}
		consider(acts[uid])
		consider(exits[uid])
		consider(known[uid].about)
	case NetHop:
		// A program opens a connection because it has just learnt where to.
		hop, ok := e.Detail.(*HopDetail)
		if asked := l.asked[uid]; ok && hop.Direction == "out" && !hop.Reply && now.Sub(asked.at) < guessWithin {
			return asked.seq, Inferred // 0 for none
		}
		return 0, ""
	default:
		return 0, ""
	}
	if best != 0 {
		return best, Inferred
	}
	if last := l.last[process(e)]; last.seq != 0 && now.Sub(last.at) < guessWithin {
		return last.seq, Inferred
	}
	return 0, ""
}
