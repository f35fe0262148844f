package trace

// linker infers causes: a controller acts on state it has observed, so the cause of a request is the latest thing its
// process learnt about the request's object, the object's owner or its dependents. It knows nothing of time-outs or
// transport; [Tap] serialises calls.
//
// The rules, and why a rule leaves something out, are in infer. testdata/links holds them as transcripts.
type linker struct {
	objects map[string]*object            // by UID
	names   map[Object]string             // UID by APIVersion-less name
	learnt  map[string]map[string]learned // process -> UID -> deliveries
	last    map[string]uint64             // process -> latest delivery of any object
	acts    map[string]map[string]uint64  // actor -> UID -> latest act
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

// keptGone is how many deleted objects are remembered: what they caused may still be on its way.
const keptGone = 4096

func (l *linker) init() {
	l.objects = map[string]*object{}
	l.names = map[Object]string{}
	l.learnt = map[string]map[string]learned{}
	l.last = map[string]uint64{}
	l.acts = map[string]map[string]uint64{}
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
	uid := l.uid(e.Object)
	switch e.Kind {
	case EtcdCommit:
		l.remember(uid, e)
		if e.Verb == "delete" {
			l.forget(uid)
		}
	case WatchDeliver:
		if e.Background {
			return
		}
		p := process(e)
		l.last[p] = e.Seq
		known := l.learnt[p]
		if known == nil {
			known = map[string]learned{}
			l.learnt[p] = known
		}
		k := known[uid]
		k.about = e.Seq
		known[uid] = k
		lost := e.Verb == "deleted" || e.Refs.Terminating
		for _, owner := range e.Refs.Owners {
			k := known[owner]
			k.owned = e.Seq
			if lost {
				k.lost = e.Seq
			}
			known[owner] = k
		}
	case CRICall, SchedPhase:
		l.act(e, uid)
	case APIRequest:
		if e.Writes() && e.Object.Kind != "Event" {
			l.act(e, uid)
		}
	}
}

func (l *linker) act(e *Event, uid string) {
	if uid == "" {
		return
	}
	acts := l.acts[e.Actor]
	if acts == nil {
		acts = map[string]uint64{}
		l.acts[e.Actor] = acts
	}
	acts[uid] = max(acts[uid], e.Seq)
}

func (l *linker) remember(uid string, e *Event) {
	if uid == "" {
		return
	}
	l.objects[uid] = &object{name: e.Object, owners: e.Refs.Owners, involved: e.Refs.Involved}
	l.names[nameKey(e.Object)] = uid
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
	for _, known := range l.learnt {
		delete(known, old)
	}
	for _, acts := range l.acts {
		delete(acts, old)
	}
}

// infer returns the likeliest cause of e, 0 when nothing fits.
func (l *linker) infer(e *Event) (uint64, Link) {
	var best uint64
	consider := func(seq uint64) { best = max(best, seq) }

	uid := l.uid(e.Object)
	known := l.learnt[process(e)]
	acts := l.acts[e.Actor]

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
				consider(known[u].about)
			}
			break
		}
		if !creates {
			consider(known[uid].about)
			consider(known[uid].owned) // a status is a sum over dependents
			consider(l.workedOn(e.Actor, uid))
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
			consider(l.workedOn(e.Actor, u))
		}
	case CRICall, SchedPhase:
		consider(acts[uid])
		consider(known[uid].about)
	default:
		return 0, ""
	}
	if best == 0 {
		best = l.last[process(e)]
	}
	if best == 0 {
		return 0, ""
	}
	return best, Inferred
}

// workedOn returns the actor's latest act on an object when its acts are more than requests: a kubelet reports what its
// container runtime did, the scheduler what its plugins decided.
func (l *linker) workedOn(actor, uid string) uint64 {
	if actor == "kube-scheduler" || len(actor) > 8 && actor[:8] == "kubelet@" {
		return l.acts[actor][uid]
	}
	return 0
}
