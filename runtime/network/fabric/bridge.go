package fabric

import (
	"github.com/kubestep/kubestep/runtime/network"
)

// wireSend puts a frame from the node's eth0 onto the wire.
func (n *Node) wireSend(p *packet) {
	if n.off {
		return
	}
	n.f.report(p, sight{at: &n.eth0, point: network.PointWire, direction: network.Out, frame: true})
	if reason := n.lostOnWire(p); reason != "" {
		n.f.report(p, sight{at: &n.eth0, point: network.PointWire, direction: network.Out, frame: true,
			verdict: network.Dropped, reason: reason})
		return
	}
	n.uplink.link.send(n.f, p, &n.eth0, network.PointWire, network.Out, func(p *packet) { n.f.carry(p, n.uplink) })
}

// carry moves a frame over the wire to whom it is for.
func (f *Fabric) carry(p *packet, from *port) {
	f.wire.learn(p.etherSrc(), from)
	f.wire.forward(p, from, func(to *port, p *packet) { f.post(to.deliver, p) })
}

// wireInput takes a frame that came over the wire to the node's eth0.
func (n *Node) wireInput(p *packet) {
	p.enter()
	if n.off {
		n.f.report(p, sight{at: &n.eth0, point: network.PointWire, direction: network.In, frame: true,
			verdict: network.Dropped, reason: "fault: " + n.cfg.Name + " is powered off"})
		return
	}
	if dst := p.etherDst(); dst != n.eth0HW && dst != broadcast {
		return // flooded, for another: the network card does not take it
	}
	if reason := n.lostOnWire(p); reason != "" {
		n.f.report(p, sight{at: &n.eth0, point: network.PointWire, direction: network.In, frame: true,
			verdict: network.Dropped, reason: reason})
		return
	}
	n.uplink.link.send(n.f, p, &n.eth0, network.PointWire, network.In, func(p *packet) {
		n.f.report(p, sight{at: &n.eth0, point: network.PointWire, direction: network.In, frame: true})
		switch p.etherType() {
		case etherARP:
			if a, ok := parseARP(p.data[etherLen:]); ok {
				n.arpEth0.input(p, a, n.address)
			}
		case etherIPv4:
			n.ipInput(p, &n.eth0)
		}
	})
}

// bridgeInput takes a frame that a Pod sent through its veth.
func (n *Node) bridgeInput(pod *Pod, p *packet) {
	n.arpCNI0.answered(p)
	n.f.report(p, sight{at: &pod.inside, point: network.PointVeth, direction: network.Out, frame: true})
	if n.off || pod.gone {
		return
	}
	from := pod.port
	from.link.send(n.f, p, &pod.inside, network.PointVeth, network.Out, func(p *packet) {
		n.bridge.learn(p.etherSrc(), from)
		n.bridgeReceive(pod, p)
	})
}

// bridgeReceive decides whether a frame is for the bridge's own address or goes on to another Pod.
func (n *Node) bridgeReceive(pod *Pod, p *packet) {
	dst, kind := p.etherDst(), p.etherType()
	forMe := dst == n.bridgeHW
	if n.f.watched() {
		n.f.report(p, sight{at: &pod.outside, point: network.PointBridge, direction: network.In, frame: true,
			rule: n.bridgeRule(dst)})
	}
	if kind == etherARP {
		if a, ok := parseARP(p.data[etherLen:]); ok {
			n.arpCNI0.input(p, a, n.bridgeAddr) // and on to the other ports, when it is a broadcast
		}
	}
	switch {
	case kind == etherIPv4 && dst[0]&1 == 0 && !n.f.cfg.NoBridgeNetfilter:
		n.bridgeFilter(p, pod.port, forMe)
	case forMe && kind == etherIPv4:
		n.ipInput(p, &n.cni0)
	case forMe:
	default:
		n.bridgeSend(p, pod.port)
	}
}

// bridgeRule says in words what the bridge does with a frame.
func (n *Node) bridgeRule(dst hwaddr) string {
	if dst == n.bridgeHW {
		return "for cni0 itself"
	}
	if to := n.bridge.find(dst); to != nil {
		return "forwarding table: " + to.name
	}
	return "flooded to all ports"
}

// bridgeFilter passes a packet on the bridge through connection tracking and policies, as br_netfilter does with
// bridge-nf-call-iptables. Without it, the answer of a Service's endpoint on the same node would reach the client
// untranslated. forMe says that the frame is for the bridge itself, to be routed.
func (n *Node) bridgeFilter(p *packet, from *port, forMe bool) {
	if problem := p.trimIP(); problem != "" {
		n.drop(p, &n.cni0, network.PointPrerouting, problem)
		return
	}
	dst, src := p.etherDst(), p.etherSrc()
	p, whole := n.defragment(p)
	if !whole {
		return
	}
	before := dstOf(p.ip())
	if !n.prerouting(p, &n.cni0, !forMe) {
		return
	}
	now := dstOf(p.ip())
	switch r := n.lookup(now); {
	case now == before && !forMe:
		n.bridgeForward(p, func(p *packet) {
			p.setEther(dst, src)
			n.bridgeSend(p, from)
		})
	case now != before && !n.owns(now) && r != nil && r.dev == &n.cni0:
		// Translated to a Pod on the same bridge, it is not routed but bridged there, and its time to live stays as it is
		// (br_nf_pre_routing_finish). That this may be the Pod it came from needs ports in hairpin mode, as flannel has
		// them.
		n.bridgeForward(p, func(p *packet) {
			n.arpCNI0.transmit(p, now, n.bridgeAddr, func(p *packet) {
				copy(p.mutable()[6:], src[:])
				n.bridgeSend(p, nil)
			})
		})
	default:
		p.joined = p.fragSize > 0 // what was reassembled on the bridge may go on whole
		n.ipRoute(p, &n.cni0)
	}
}

// bridgeForward is the way of bridged packets through policies and source translation.
func (n *Node) bridgeForward(p *packet, send func(p *packet)) {
	if n.allowed(p, &n.cni0) && n.postrouting(p, &n.cni0, nil) {
		n.emit(p, max(n.cni0.mtu, n.faults.bridgeMTU), send)
	}
}

// bridgeSend sends a frame out of the bridge; from is the port it came from, nil when the node itself sends it.
func (n *Node) bridgeSend(p *packet, from *port) {
	if n.off {
		return
	}
	if from == nil && n.f.watched() {
		n.f.report(p, sight{at: &n.cni0, point: network.PointBridge, direction: network.Out, frame: true,
			rule: n.bridgeRule(p.etherDst())})
	}
	n.bridge.forward(p, from, func(to *port, p *packet) { to.deliver(p) })
}
