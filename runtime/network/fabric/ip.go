package fabric

import (
	"fmt"

	"github.com/kubestep/kubestep/runtime/network"
)

// drop reports that the node throws a packet away.
func (n *Node) drop(p *packet, at *place, point, reason string) {
	n.f.report(p, sight{at: at, point: point, direction: network.In, verdict: network.Dropped, reason: reason})
}

// ipInput takes an IP packet that came to one of the node's devices: Linux's ip_rcv.
func (n *Node) ipInput(p *packet, in *place) {
	if problem := p.trimIP(); problem != "" {
		n.drop(p, in, network.PointPrerouting, problem)
		return
	}
	if dst := dstOf(p.ip()); dst.isGroup() {
		return // no multicast, and broadcasts interest nobody
	}
	p, whole := n.defragment(p)
	if !whole {
		return
	}
	if in == &n.eth0 && n.isTunnelled(p.ip()) {
		n.decapsulate(p)
		return
	}
	if n.prerouting(p, in, false) {
		n.ipRoute(p, in)
	}
}

// defragment collects fragments, as nf_defrag_ipv4 does before connection tracking; whole is false while some are
// missing.
func (n *Node) defragment(p *packet) (all *packet, whole bool) {
	if !isFragment(p.ip()) {
		return p, true
	}
	all = n.parts.add(p)
	return all, all != nil
}

// ipRoute sends a packet to the node itself or on its way: Linux's ip_forward.
func (n *Node) ipRoute(p *packet, in *place) {
	dst := dstOf(p.ip())
	if n.owns(dst) {
		n.localInput(p)
		return
	}
	r := n.lookup(dst)
	if r == nil {
		n.drop(p, in, network.PointRouting, n.noRoute(dst))
		n.icmpError(p, icmpUnreachable, codeNet, 0, in)
		return
	}
	if p.ip()[8] <= 1 {
		n.drop(p, in, network.PointRouting, "time to live exceeded")
		n.icmpError(p, icmpTimeExceeded, 0, 0, in)
		return
	}
	n.f.report(p, sight{at: in, point: network.PointRouting, direction: network.In, rule: r.name,
		reason: n.missingRoute(dst, r)})
	if n.tooBig(p, r.dev) {
		return
	}
	p.mutable()
	decrementTTL(p.ip())
	if p.joined && r.tunnel != nil {
		p.fragSize = 0 // the parts have no room for a tunnel's headers in front: Linux makes new ones (ip_do_fragment)
	}
	if n.allowed(p, r.dev) && n.postrouting(p, r.dev, r) {
		n.emit(p, r.dev.mtu, func(p *packet) { n.transmit(p, r) })
	}
}

// tooBig drops a packet that does not fit the device and must not be fragmented, and says so to its sender.
func (n *Node) tooBig(p *packet, out *place) bool {
	ip := p.ip()
	size := len(ip)
	if p.fragSize > 0 {
		size = p.fragSize
	}
	if size <= out.mtu || ip[6]&flagDF == 0 {
		return false
	}
	if n.f.watched() {
		n.f.report(p, sight{at: out, point: network.PointForward, direction: network.Out, verdict: network.Dropped,
			reason: fmt.Sprintf("%d bytes exceed the MTU of %d and the packet must not be fragmented", size, out.mtu)})
	}
	n.icmpError(p, icmpUnreachable, codeFragNeeded, uint16(out.mtu), out)
	return true
}

// emit sends a packet in parts that fit the MTU, no larger than the parts it came in.
func (n *Node) emit(p *packet, mtu int, send func(p *packet)) {
	if p.fragSize > 0 && (!p.joined || len(p.ip()) > mtu) {
		mtu = min(mtu, p.fragSize)
	}
	if len(p.ip()) <= mtu {
		send(p)
		return
	}
	for _, frame := range fragments(p.ip(), mtu) {
		copy(frame[:etherLen], p.data)
		send(p.child(frame))
	}
}

// transmit hands a packet to the device of its route.
func (n *Node) transmit(p *packet, r *route) {
	hop := r.via
	if hop.unspecified() {
		hop = dstOf(p.ip())
	}
	switch {
	case r.tunnel != nil:
		n.encapsulate(p, r.tunnel)
	case r.dev == &n.cni0:
		n.arpCNI0.transmit(p, hop, n.bridgeAddr, func(p *packet) { n.bridgeSend(p, nil) })
	default:
		n.arpEth0.transmit(p, hop, n.address, n.wireSend)
	}
}

// unreachable tells the sender of a packet that its next hop does not answer ARP.
func (n *Node) unreachable(p *packet, out *place) {
	if p.etherType() == etherARP || len(p.data) < etherLen+20 {
		return
	}
	p.setEther(broadcast, n.eth0HW) // it was never addressed
	if n.f.watched() {
		n.f.report(p, sight{at: out, point: network.PointPostrouting, direction: network.Out, verdict: network.Dropped,
			reason: "nobody answers ARP for the next hop"})
	}
	n.icmpError(p, icmpUnreachable, codeHost, 0, out)
}

// localInput delivers a packet to the node's own sockets.
func (n *Node) localInput(p *packet) {
	if !n.translateAnswer(p, &n.lo) {
		return
	}
	n.f.report(p, sight{at: &n.lo, point: network.PointLocal, direction: network.In, verdict: network.Delivered})
	n.host.deliverIP(p.ip())
}

// hostOutput takes a packet from the node's own sockets: Linux's ip_local_out.
func (n *Node) hostOutput(p *packet) {
	p.local = true
	if n.off || p.trimIP() != "" {
		return
	}
	if !n.prerouting(p, &n.lo, false) {
		return
	}
	dst := dstOf(p.ip())
	if n.owns(dst) {
		n.localInput(p)
		return
	}
	r := n.lookup(dst)
	if r == nil {
		n.drop(p, &n.lo, network.PointRouting, n.noRoute(dst))
		n.icmpError(p, icmpUnreachable, codeNet, 0, &n.lo)
		return
	}
	if n.tooBig(p, r.dev) || !n.postrouting(p, r.dev, r) {
		return
	}
	n.emit(p, r.dev.mtu, func(p *packet) { n.transmit(p, r) })
}
