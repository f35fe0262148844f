package fabric

import (
	"context"
	"time"

	"github.com/kubestep/kubestep/runtime/network"
)

// watch is who sees hops, and which.
type watch struct {
	observer network.Observer
	some     bool // only what is followed
	// pods, asked for each packet, returns which namespaces' packets are followed besides; nil for none.
	pods func() func(namespace string) bool
}

// Observe makes o see every hop from now on; nil for nobody. The packet that is being moved may still be seen by the
// former observer.
func (f *Fabric) Observe(o network.Observer) {
	if o == nil {
		f.watch.Store(nil)
		return
	}
	f.watch.Store(&watch{observer: o})
}

// ObserveFollowed makes o see, from now on, the hops of what is followed: of flows that a socket opens which was made
// with a context from [network.Follow], and of flows that pass through a Pod ("default/client") that pods names. pods is
// called for every packet, from one goroutine; it returns nil when no Pod is followed, and may be nil itself. While
// nothing is followed, packets are moved as if nobody looked.
func (f *Fabric) ObserveFollowed(o network.Observer, pods func() func(namespace string) bool) {
	f.watch.Store(&watch{observer: o, some: true, pods: pods})
}

// watched reports whether anybody looks, before costly words are made.
func (f *Fabric) watched() bool { return f.watch.Load().looks(f) }

// looks reports whether there can be something to see. It costs next to nothing.
func (w *watch) looks(f *Fabric) bool {
	return w != nil && (!w.some || f.followed.Load() > 0 || w.pods != nil && w.pods() != nil)
}

// wants reports whether w looks at what nothing that was seen has led to: a packet in a namespace, or on its way from one
// to another. Those that are no Pod's are empty.
func (w *watch) wants(namespace, from, to string) bool {
	if !w.some {
		return true
	}
	if w.pods == nil {
		return false
	}
	follow := w.pods()
	return follow != nil && (namespace != "" && follow(namespace) || from != "" && follow(from) || to != "" && follow(to))
}

// origin is why a socket sends. The stack carries it from the socket to each of its packets, as the owner by whom
// netfilter would tell packets apart.
type origin struct{ cause uint64 }

// KUID and KGID implement [tcpip.PacketOwner]: programs are root.
func (*origin) KUID() uint32 { return 0 }
func (*origin) KGID() uint32 { return 0 }

// lingers is for how long the packets of a closed socket are followed: the peer has its half to close.
const lingers = 2 * time.Second

// follow returns the origin of what a socket made with ctx sends, nil when it is not followed. Whoever gets one calls
// unfollow when the socket is closed.
func (h *Namespace) follow(ctx context.Context) *origin {
	cause := network.Followed(ctx)
	if cause == 0 {
		return nil
	}
	h.f.followed.Add(1)
	o := &origin{cause}
	h.asking.Store(o)
	return o
}

// unfollow undoes follow when the last packets have gone.
func (h *Namespace) unfollow(o *origin) {
	if o != nil {
		h.asking.CompareAndSwap(o, nil)
		h.f.clock.AfterFunc(lingers, func() { h.f.followed.Add(-1) })
	}
}

// led returns the event that led to where p is: its last hop; for what opens a flow, why its socket sends; for what
// follows in a flow, its last event, which is a guess. It is 0 when nothing that was seen did.
func (p *packet) led() (cause uint64, exact bool) {
	switch {
	case p.cause != 0:
		return p.cause, true
	case p.flow != nil && p.flow.LastEvent != 0:
		return p.flow.LastEvent, false
	case p.origin != nil:
		return p.origin.cause, true
	}
	return 0, false
}
