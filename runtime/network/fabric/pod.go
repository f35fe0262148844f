package fabric

import (
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"

	"github.com/kubestep/kubestep/runtime/network"
)

// PodConfig says what a Pod's network is.
type PodConfig struct {
	Namespace string // "default"
	Name      string // "web-0"
	// Address is in the node's Pod CIDR, and neither its first address nor the bridge's.
	Address netip.Addr
	MTU     int // default: the node's
}

// Pod is the network of one Pod sandbox, shared by its containers.
type Pod struct {
	*Namespace
	node *Node
	cfg  PodConfig

	// Only Run's goroutine touches what follows.
	gone            bool
	port            *port
	inside, outside place // eth0 in the Pod, its other end on the node
	lo              place
}

// AddPod makes a Pod's network and plugs it into the node's bridge.
func (n *Node) AddPod(cfg PodConfig) (*Pod, error) {
	title := cfg.Namespace + "/" + cfg.Name
	if cfg.MTU == 0 {
		cfg.MTU = n.cfg.PodMTU
	}
	switch {
	case n.bridge == nil || !n.cfg.PodCIDR.Contains(cfg.Address) || n.owns(toIP4(cfg.Address)):
		return nil, fmt.Errorf("add pod %s to %s: address %v is not a Pod's in %v", title, n.cfg.Name, cfg.Address,
			n.cfg.PodCIDR)
	case cfg.MTU < 576 || cfg.MTU > 9000:
		return nil, fmt.Errorf("add pod %s to %s: MTU %d: want 576 to 9000", title, n.cfg.Name, cfg.MTU)
	}
	p := &Pod{node: n, cfg: cfg}
	n.mu.Lock()
	if other := n.pods[cfg.Address]; other != nil {
		n.mu.Unlock()
		return nil, fmt.Errorf("add pod %s to %s: pod %s/%s has address %v", title, n.cfg.Name, other.cfg.Namespace,
			other.cfg.Name, cfg.Address)
	}
	n.pods[cfg.Address] = p
	device := n.deviceName(cfg.Name)
	n.mu.Unlock()

	p.inside = place{node: n.cfg.Name, namespace: title, device: "eth0", mtu: cfg.MTU}
	p.outside = place{node: n.cfg.Name, device: device, mtu: cfg.MTU}
	p.lo = place{node: n.cfg.Name, namespace: title, device: "lo", mtu: loMTU}
	p.port = &port{name: device, deliver: p.receive}
	hw := podHW(toIP4(cfg.Address))
	input := func(q *packet) { n.bridgeInput(p, q) }
	var err error
	p.Namespace, err = n.f.newNamespace(namespaceConfig{name: title, hw: &hw, mtu: cfg.MTU,
		addresses: []netip.Prefix{netip.PrefixFrom(cfg.Address, n.cfg.PodCIDR.Bits())}, gateway: n.bridgeAddr.addr(),
		send: func(q *packet) bool { return n.f.post(input, q) },
		loop: func(q *packet) bool { return n.f.post(p.loop, q) }})
	if err == nil {
		if err = n.f.adopt(p.Namespace); err != nil {
			p.destroy()
		}
	}
	if err != nil {
		p.forget()
		return nil, fmt.Errorf("add pod %s to %s: %w", title, n.cfg.Name, err)
	}
	n.f.change(func() {
		n.f.pods[toIP4(cfg.Address)] = title
		n.bridge.plug(p.port)
		// CNI's bridge plugin tells the bridge where the address is now, in case another Pod had it.
		a := toIP4(cfg.Address)
		n.bridgeInput(p, &packet{id: n.f.newID(), data: arpFrame(arpRequest, hw, a, broadcast, a)})
	})
	return p, nil
}

// Node returns the Pod's node.
func (p *Pod) Node() *Node { return p.node }

// Close takes the Pod's network away: its connections are aborted, whoever waits on them gets an error, and none of its
// goroutines is left when Close returns.
func (p *Pod) Close() {
	if p.f.disown(p.Namespace) {
		p.destroy()
	}
	p.f.change(func() { // behind the resets that the stack has just sent
		p.gone = true
		if a := toIP4(p.cfg.Address); p.node.f.pods[a] == p.name {
			delete(p.node.f.pods, a)
		}
		p.node.bridge.unplug(p.port)
	})
	p.forget()
}

// forget frees the Pod's address on its node.
func (p *Pod) forget() {
	n := p.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pods[p.cfg.Address] == p {
		delete(n.pods, p.cfg.Address)
	}
}

// receive takes a frame from the bridge.
func (p *Pod) receive(q *packet) {
	if p.gone || p.node.off {
		return
	}
	f := p.node.f
	if problem := p.tooLong(q); problem != "" {
		f.report(q, sight{at: &p.outside, point: network.PointVeth, direction: network.Out, frame: true,
			verdict: network.Dropped, reason: problem})
		return
	}
	p.port.link.send(f, q, &p.inside, network.PointVeth, network.In, func(q *packet) {
		f.report(q, sight{at: &p.inside, point: network.PointVeth, direction: network.In, frame: true,
			verdict: network.Delivered})
		p.nic.deliver(0, q.data)
	})
}

// loop takes a packet from the Pod's loopback interface back to it. Packets to the Pod's own address do not come by here,
// as they would in Linux: the stack keeps them to itself.
func (p *Pod) loop(q *packet) {
	if p.gone || p.node.off {
		return
	}
	p.f.report(q, sight{at: &p.lo, point: network.PointLocal, direction: network.Out, verdict: network.Delivered})
	p.Namespace.lo.deliver(ipv4.ProtocolNumber, q.ip())
}

// deviceName makes a name for the node's end of a veth pair that says whose it is; Linux allows 15 characters. n.mu is
// held.
func (n *Node) deviceName(pod string) string {
	name := "veth-" + pod[:min(len(pod), 10)]
	n.names[name]++
	if again := n.names[name]; again > 1 {
		suffix := portString(uint16(again))
		name = name[:min(len(name), 15-len(suffix))] + suffix
	}
	return name
}
