package network

import (
	"context"
	"net/netip"

	"github.com/kubestep/kubestep/engine/trace"
)

type followKey struct{}

// Follow returns a context whose sockets are followed: the hops of what they send, and of the replies, are reported.
// What opens a flow is caused by the context's cause (see [trace.WithCause]); without one nothing is followed.
func Follow(ctx context.Context) context.Context { return context.WithValue(ctx, followKey{}, true) }

// Followed returns the event for whose sake sockets made with ctx are followed, 0 when they are not.
func Followed(ctx context.Context) (cause uint64) {
	if ctx.Value(followKey{}) != nil {
		cause, _ = trace.CauseFrom(ctx)
	}
	return cause
}

// FollowPod returns a filter for [TapObserver.Follow] that lets the hops of flows through which a Pod ("default/client")
// opens: all of them, or with next only of the first from now on. The filter belongs to one observer.
func FollowPod(namespace string, next bool) func(h *Hop) bool {
	flows := map[uint64]bool{}
	return func(h *Hop) bool {
		if h.Flow == 0 {
			return false // ARP
		}
		if flows[h.Flow] {
			return true
		}
		if h.Namespace != namespace || h.Direction != Out || h.Reply || next && len(flows) > 0 {
			return false
		}
		if len(flows) >= followLimit {
			clear(flows) // those that go on are found again by their next packet
		}
		flows[h.Flow] = true
		return true
	}
}

// followLimit bounds what a filter remembers of a Pod that opens connections all the time.
const followLimit = 1024

// FollowTuple returns a filter that lets the hops of one connection through, on whatever side of a translation; t is as the
// client sees it. The filter belongs to one observer.
func FollowTuple(t FiveTuple) func(h *Hop) bool {
	var flow uint64
	return func(h *Hop) bool {
		if h.Flow == 0 {
			return false
		}
		if h.Flow == flow {
			return true
		}
		if flow != 0 || tupleOf(h.Data.Headers()) != t {
			return false
		}
		flow = h.Flow
		return true
	}
}

// tupleOf returns what tells the packet's connection apart; the zero tuple when it is of none.
func tupleOf(h *trace.Headers) FiveTuple {
	t := FiveTuple{}
	var src, dst uint16
	switch {
	case h.IPv4 == nil:
		return t
	case h.TCP != nil:
		t.Protocol, src, dst = "tcp", h.TCP.SrcPort, h.TCP.DstPort
	case h.UDP != nil:
		t.Protocol, src, dst = "udp", h.UDP.SrcPort, h.UDP.DstPort
	case h.ICMP != nil && (h.ICMP.Type == 0 || h.ICMP.Type == 8):
		t.Protocol, src, dst = "icmp", h.ICMP.ID, h.ICMP.ID
	default:
		return t
	}
	t.Src, t.Dst = netip.AddrPortFrom(h.IPv4.Src, src), netip.AddrPortFrom(h.IPv4.Dst, dst)
	return t
}
