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
	n.uplink.link.send(n.f, p, &n.eth0, network.PointWire, network.In, func(p *packet) {
		n.f.report(p, sight{at: &n.eth0, point: network.PointWire, direction: network.In, frame: true})
		switch p.etherType() {
		case etherARP:
			if a, ok := parseARP(p.data[etherLen:]); ok {
				n.arpEth0.input(a, n.address)
			}
		case etherIPv4:
			n.ipInput(p, &n.eth0)
		}
	})
}

// bridgeInput takes a frame that a Pod sent through its veth.
func (n *Node) bridgeInput(pod *Pod, p *packet) {
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
			n.arpCNI0.input(a, n.bridgeAddr)
			forMe = forMe || a.op == arpRequest && a.target == n.bridgeAddr
		}
	}
	switch {
	case forMe && kind == etherIPv4:
		n.ipInput(p, &n.cni0)
	case forMe:
	case kind == etherIPv4 && !n.f.cfg.NoBridgeNetfilter:
		n.bridgeFilter(p, pod.port)
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

// bridgeFilter passes a bridged packet through connection tracking and policies, as br_netfilter does with
// bridge-nf-call-iptables. Without it, the answer of a Service's endpoint on the same node would reach the client
// untranslated.
func (n *Node) bridgeFilter(p *packet, from *port) {
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
	if !n.prerouting(p, &n.cni0, true) {
		return
	}
	if dstOf(p.ip()) != before && n.bridgeMisses(dstOf(p.ip())) {
		n.ipRoute(p, &n.cni0) // translated to somewhere that is not on this bridge
		return
	}
	if !n.allowed(p, &n.cni0) || !n.postrouting(p, &n.cni0, nil) {
		return
	}
	n.emit(p, n.cni0.mtu, func(p *packet) {
		p.setEther(dst, src)
		n.bridgeSend(p, from)
	})
}

// bridgeMisses reports whether an address is none of the Pods on the bridge.
func (n *Node) bridgeMisses(a ip4) bool { return !n.cfg.PodCIDR.Contains(a.addr()) || n.owns(a) }

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
