package network

import (
	"context"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// Hop is one packet at one point of its path. Its type lives with the events, because screens read it from there.
type Hop = trace.HopDetail

// The points of a path, in the order in which a packet that is routed meets them.
const (
	PointVeth        = "veth"        // between a Pod's namespace and its node
	PointBridge      = "bridge"      // the node's bridge: learning, forwarding or flooding a frame
	PointPrerouting  = "prerouting"  // before routing: connection tracking, DNAT
	PointOutput      = "output"      // the same for what the node itself sends
	PointRouting     = "routing"     // the choice of a route, or the lack of one
	PointForward     = "forward"     // TTL, network policy
	PointPostrouting = "postrouting" // after routing: SNAT, masquerade, fragmentation
	PointEncap       = "vxlan-encap" // into the tunnel
	PointDecap       = "vxlan-decap" // out of it
	PointWire        = "wire"        // between a node's eth0 and the network that joins the nodes
	PointLocal       = "local"       // to a socket of the node itself, or over a Pod's loopback interface
)

// The directions of a hop, seen from its namespace.
const (
	In  = "in"
	Out = "out"
)

// Verdicts.
const (
	Forwarded = "forwarded"
	Delivered = "delivered"
	Dropped   = "dropped"
)

// Observer learns of every hop before the packet goes on.
type Observer interface {
	// Hop reports that a packet is at a point. The packet, and with it the network's clock, stands still until Hop
	// returns. h must not be changed; its bytes are the observer's to keep. cause is the event that led here, 0 when
	// there is none; exact says whether that is known or guessed. Hop returns the number of its own event, 0 for none.
	// It returns an error only when ctx has ended. It is called from one goroutine at a time.
	Hop(ctx context.Context, h *Hop, cause uint64, exact bool) (seq uint64, err error)
}

// TapObserver reports hops as net.hop events, which the tap's gate may hold.
type TapObserver struct {
	Tap *trace.Tap
	// Follow chooses what is reported; nil means everything. It must be fast and must not block.
	Follow func(h *Hop) bool
	// DNS returns the event that a DNS message goes back to, 0 for none; nil when there is no telling.
	DNS func(message []byte) uint64

	actors map[string]string // by node, as each is named many times
}

var _ Observer = (*TapObserver)(nil)

// Hop implements [Observer].
func (o *TapObserver) Hop(ctx context.Context, h *Hop, cause uint64, exact bool) (uint64, error) {
	if o.Follow != nil && !o.Follow(h) {
		return 0, nil
	}
	if seq := o.sent(h); seq != 0 {
		cause, exact = seq, true
	}
	e := trace.Event{Kind: trace.NetHop, Actor: o.actor(h.Node), Verb: h.Point, Detail: h, Cause: cause}
	if cause != 0 {
		e.CauseLink = trace.Inferred
		if exact {
			e.CauseLink = trace.Exact
		}
	}
	if ns, name, ok := strings.Cut(h.Namespace, "/"); ok {
		e.Object = trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: ns, Name: name}
	}
	if h.Verdict == Dropped {
		e.Error = h.Reason
	}
	return o.Tap.Pass(ctx, e)
}

// sent returns the event of the program that has just sent the packet, when what it sent tells.
func (o *TapObserver) sent(h *Hop) uint64 {
	if o.DNS == nil || h.Point != PointVeth && h.Point != PointOutput || h.Direction != Out {
		return 0
	}
	packet := h.Data.Headers()
	if packet.UDP == nil || packet.UDP.DstPort != portDNS && packet.UDP.SrcPort != portDNS {
		return 0
	}
	raw := h.Data.Raw()
	return o.DNS(raw[len(raw)-min(packet.Payload, len(raw)):])
}

const portDNS = 53

// actor names who moves the packet: the node's network, or the network between the nodes.
func (o *TapObserver) actor(node string) string {
	if node == "" {
		return "network"
	}
	name, ok := o.actors[node]
	if !ok {
		if o.actors == nil {
			o.actors = map[string]string{}
		}
		name = "network@" + node
		o.actors[node] = name
	}
	return name
}
