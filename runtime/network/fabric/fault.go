package fabric

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubestep/kubestep/runtime/network"
)

// nodeFaults is what is wrong with a node besides its cable. Only Run's goroutine touches it.
type nodeFaults struct {
	filterICMP bool
	noDNS      bool
	missing    []netip.Prefix // routes
	cutFrom    []ip4          // machines of the underlay
	cutName    string         // what they are, for a reader
	bridgeMTU  int            // the largest that a Pod was ever set to, 0 when none was
}

// SetFault says what is wrong with the cable of the node's eth0.
func (n *Node) SetFault(fault network.Fault) error {
	if err := fault.Validate(); err != nil {
		return fmt.Errorf("fault on %s: %w", n.cfg.Name, err)
	}
	n.f.change(func() { n.uplink.link.fault = fault })
	return nil
}

// SetPower turns the node off, when everything that is sent to it or from it vanishes, or on again. What it had learnt,
// connections and neighbours, is gone with the power.
func (n *Node) SetPower(on bool) {
	n.f.change(func() {
		n.off = !on
		clear(n.tracker.table)
		clear(n.affinity)
		clear(n.parts.waiting)
		clear(n.arpEth0.entries)
		if n.bridge != nil {
			clear(n.arpCNI0.entries)
			clear(n.bridge.fdb)
		}
	})
}

// SetICMPFilter makes the node send no ICMP errors and let none through, as an overcautious firewall does. Echoes pass.
func (n *Node) SetICMPFilter(on bool) { n.f.change(func() { n.faults.filterICMP = on }) }

// SetDNSFilter makes the node lose what its Pods and itself ask DNS servers: all that they send to port 53.
func (n *Node) SetDNSFilter(on bool) { n.f.change(func() { n.faults.noDNS = on }) }

// SetCutFrom makes the node lose what goes between its wire and the machines of the underlay that have the addresses; name
// says what they are, for a reader. No addresses mend it.
func (n *Node) SetCutFrom(name string, addresses ...netip.Addr) {
	var cut []ip4
	for _, a := range addresses {
		cut = append(cut, toIP4(a))
	}
	n.f.change(func() { n.faults.cutFrom, n.faults.cutName = cut, name })
}

// SetProxy stops the node's service proxy, when its rules stay as they are, or starts it again, when it catches up.
func (n *Node) SetProxy(running bool) {
	n.f.change(func() {
		n.proxyHeld = !running
		if running && n.pending != nil {
			pending := n.pending
			n.pending = nil
			n.install(pending)
		}
	})
}

// SetMissingRoutes takes away the node's routes to exactly these networks, and gives it back those that it was without
// before.
func (n *Node) SetMissingRoutes(to ...netip.Prefix) {
	n.f.change(func() {
		n.faults.missing = slices.Clone(to)
		n.route()
	})
}

// SetFault says what is wrong with the Pod's veth pair.
func (p *Pod) SetFault(fault network.Fault) error {
	if err := fault.Validate(); err != nil {
		return fmt.Errorf("fault on pod %s: %w", p.name, err)
	}
	p.f.change(func() { p.port.link.fault = fault })
	return nil
}

// SetMTU changes the MTU of the Pod's eth0 and of its other end, as a wrong setting of the CNI plugin would; 0 is the one
// that it was made with. Connections that are open keep the size of segments that they have agreed upon. What is larger
// than the MTU of the Pod that it is for is lost on the bridge, as Linux does.
func (p *Pod) SetMTU(mtu int) error {
	if mtu == 0 {
		mtu = p.cfg.MTU
	}
	if mtu < 576 || mtu > 9000 {
		return fmt.Errorf("MTU %d of pod %s: want 576 to 9000", mtu, p.name)
	}
	p.nic.mtu.Store(uint32(mtu + etherLen))
	p.f.change(func() {
		p.inside.mtu, p.outside.mtu = mtu, mtu
		p.node.faults.bridgeMTU = max(p.node.faults.bridgeMTU, mtu)
	})
	return nil
}

// tooLong says why a frame is too long for the Pod's end of its veth pair, nothing when it is not.
func (p *Pod) tooLong(q *packet) string {
	if ip := q.frameIP(true); ip != nil && len(ip) > p.inside.mtu {
		return fmt.Sprintf("%d bytes exceed the MTU of %d of the Pod's veth pair", len(ip), p.inside.mtu)
	}
	return ""
}

// filtered says why the node loses a packet that it has just got from in, nothing when it does not.
func (n *Node) filtered(p *packet, in *place) string {
	if !n.faults.filterICMP && !n.faults.noDNS {
		return ""
	}
	ip := p.ip()
	switch {
	case n.faults.filterICMP && isICMPError(ip):
		return n.icmpFault()
	case n.faults.noDNS && (in == &n.cni0 || p.local) && asksDNS(ip):
		return "fault: no DNS on " + n.cfg.Name
	}
	return ""
}

func (n *Node) icmpFault() string { return "fault: ICMP errors are filtered on " + n.cfg.Name }

// asksDNS reports whether a packet is for a DNS server.
func asksDNS(ip []byte) bool {
	at := headerLen(ip) + 2
	return (ip[9] == protoUDP || ip[9] == protoTCP) && fragOffset(ip) == 0 && len(ip) >= at+2 &&
		binary.BigEndian.Uint16(ip[at:]) == portDNS
}

const portDNS = 53

// lostOnWire says why the node loses a frame of its wire before the cable does, nothing when it does not.
func (n *Node) lostOnWire(p *packet) string {
	if len(n.faults.cutFrom) == 0 {
		return ""
	}
	ip := p.frameIP(true)
	if ip == nil || !slices.Contains(n.faults.cutFrom, srcOf(ip)) && !slices.Contains(n.faults.cutFrom, dstOf(ip)) {
		return ""
	}
	return "fault: " + n.cfg.Name + " is cut from " + n.faults.cutName
}

// noRoute says that no route leads to dst, and why when it is a fault.
func (n *Node) noRoute(dst ip4) string {
	if reason := n.missingRoute(dst, nil); reason != "" {
		return reason
	}
	return "no route to " + dst.String()
}

// missingRoute says which route the node would take to dst if it had it, instead of r; nothing when it has them all.
func (n *Node) missingRoute(dst ip4, r *route) string {
	for _, m := range n.faults.missing {
		if m.Contains(dst.addr()) && (r == nil || m.Bits() > r.to.Bits()) {
			return "fault: " + n.cfg.Name + " has no route to " + m.String()
		}
	}
	return ""
}
