package fabric

import (
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"

	"github.com/kubestep/kubestep/runtime/network"
)

// newHost makes the namespace of the node itself. Its stack knows the node's addresses and, from [Node.route], its routes;
// what it sends goes the way of locally generated packets.
func (n *Node) newHost() (*Namespace, error) {
	addresses := []netip.Prefix{netip.PrefixFrom(n.cfg.Address, 32)}
	if n.bridge != nil {
		addresses = append(addresses, netip.PrefixFrom(n.bridgeAddr.addr(), 32))
		if n.f.cfg.Mode == VXLAN {
			addresses = append(addresses, netip.PrefixFrom(n.tunnelAddr.addr(), 32))
		}
	}
	return n.f.newNamespace(namespaceConfig{name: n.cfg.Name, addresses: addresses, mtu: wireMTU, node: n,
		send: func(p *packet) bool { return n.f.post(n.hostOutput, p) }})
}

// hostRoutes gives the node's routes to its own sockets, which take their source addresses from them.
func (n *Node) hostRoutes() {
	routes := []tcpip.Route{{Destination: toSubnet(netip.MustParsePrefix("127.0.0.0/8")), NIC: nicLoopback}}
	for _, a := range n.host.addresses {
		routes = append(routes, tcpip.Route{Destination: toSubnet(netip.PrefixFrom(a, 32)), NIC: nicEth0,
			SourceHint: toAddress(a)})
	}
	var listed []network.Route
	for _, r := range n.routes {
		line := network.Route{To: r.to, Device: r.dev.device, Source: r.source.addr()}
		if !r.via.unspecified() {
			line.Via = r.via.addr()
		}
		listed = append(listed, line)
		routes = append(routes, tcpip.Route{Destination: toSubnet(r.to), NIC: nicEth0, SourceHint: toAddress(r.source.addr()),
			MTU: uint32(min(r.dev.mtu, wireMTU))})
	}
	n.listed.Store(&listed)
	n.host.stack.SetRouteTable(routes)
}

// HostConfig says what a machine outside the cluster is.
type HostConfig struct {
	Name    string     // "laptop"
	Address netip.Addr // in the underlay: "192.168.50.100"
}

// Host is a machine outside the cluster, on the wire between the nodes: for clients of node ports.
type Host struct {
	*Namespace
	port *port
	at   place
}

// AddHost plugs a machine into the wire.
func (f *Fabric) AddHost(cfg HostConfig) (*Host, error) {
	if !f.cfg.Underlay.Contains(cfg.Address) {
		return nil, fmt.Errorf("add host %s: address %v is not in the underlay %v", cfg.Name, cfg.Address, f.cfg.Underlay)
	}
	h := &Host{at: place{namespace: cfg.Name, device: "eth0", mtu: wireMTU}}
	hw := hwFor(0x42, toIP4(cfg.Address))
	h.port = &port{name: cfg.Name, deliver: h.receive}
	var err error
	h.Namespace, err = f.newNamespace(namespaceConfig{name: cfg.Name, hw: &hw, mtu: wireMTU,
		addresses: []netip.Prefix{netip.PrefixFrom(cfg.Address, f.cfg.Underlay.Bits())},
		gateway:   ipFrom32(toIP4(f.cfg.Underlay.Addr()).uint32() + 1).addr(),
		send:      func(p *packet) bool { return f.post(h.output, p) }})
	if err == nil {
		if err = f.adopt(h.Namespace); err != nil {
			h.destroy()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("add host %s: %w", cfg.Name, err)
	}
	f.change(func() { f.wire.plug(h.port) })
	return h, nil
}

// Close takes the machine away.
func (h *Host) Close() {
	if h.f.disown(h.Namespace) {
		h.destroy()
	}
	h.f.change(func() { h.f.wire.unplug(h.port) })
}

func (h *Host) output(p *packet) {
	h.f.report(p, sight{at: &h.at, point: network.PointWire, direction: network.Out, frame: true})
	h.port.link.send(h.f, p, &h.at, network.PointWire, network.Out, func(p *packet) { h.f.carry(p, h.port) })
}

func (h *Host) receive(p *packet) {
	p.enter()
	if dst := p.etherDst(); dst != broadcast && string(dst[:]) != string(h.nic.hw) {
		return
	}
	h.port.link.send(h.f, p, &h.at, network.PointWire, network.In, func(p *packet) {
		h.f.report(p, sight{at: &h.at, point: network.PointWire, direction: network.In, frame: true,
			verdict: network.Delivered})
		h.nic.deliver(0, p.data)
	})
}
