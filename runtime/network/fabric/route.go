package fabric

import (
	"net/netip"
	"slices"
)

// route is one line of a node's routing table.
type route struct {
	to  netip.Prefix
	net uint32
	bit uint32 // mask
	via ip4    // next hop; unspecified when the destination is on the device's segment
	dev *place
	// tunnel is the node at the tunnel's other end.
	tunnel *Node
	source ip4 // of packets that the node itself sends
	name   string
}

// routeAll makes all nodes' tables anew.
func (f *Fabric) routeAll() {
	for _, n := range f.nodes {
		n.route()
	}
}

// route makes the node's table: its own bridge, the other nodes' Pods as flannel routes them, the underlay, the default.
func (n *Node) route() {
	n.routes = nil
	add := func(to netip.Prefix, via ip4, dev *place, tunnel *Node, source ip4) {
		if slices.Contains(n.faults.missing, to) {
			return
		}
		name := "route " + to.String()
		if to.Bits() == 0 {
			name = "route default"
		}
		if !via.unspecified() {
			name += " via " + via.String()
		}
		name += " dev " + dev.device
		n.routes = append(n.routes, route{to: to, net: toIP4(to.Addr()).uint32(), bit: mask(to.Bits()), via: via, dev: dev,
			tunnel: tunnel, source: source, name: name})
	}
	add(n.f.cfg.Underlay, ip4{}, &n.eth0, nil, n.address)
	if n.bridge != nil {
		add(n.cfg.PodCIDR, ip4{}, &n.cni0, nil, n.bridgeAddr)
		for _, o := range n.f.nodes {
			switch {
			case o == n || o.bridge == nil:
			case n.f.cfg.Mode == HostGW:
				add(o.cfg.PodCIDR, o.address, &n.eth0, nil, n.address)
			default:
				add(o.cfg.PodCIDR, o.tunnelAddr, &n.flannel, o, n.tunnelAddr)
			}
		}
		gateway := toIP4(n.f.cfg.Underlay.Addr()).plus(1)
		add(netip.PrefixFrom(netip.IPv4Unspecified(), 0), gateway, &n.eth0, nil, n.address)
	}
	slices.SortStableFunc(n.routes, func(a, b route) int { return b.to.Bits() - a.to.Bits() })
	n.hostRoutes()
}

// lookup returns the most specific route, nil when there is none.
func (n *Node) lookup(dst ip4) *route {
	d := dst.uint32()
	for i := range n.routes {
		if r := &n.routes[i]; d&r.bit == r.net {
			return r
		}
	}
	return nil
}

// owns reports whether an address is the node's.
func (n *Node) owns(a ip4) bool {
	return a == n.address || n.bridge != nil && (a == n.bridgeAddr || a == n.tunnelAddr && n.f.cfg.Mode == VXLAN)
}

// sourceFor returns the address from which the node itself talks to dst.
func (n *Node) sourceFor(dst ip4) ip4 {
	if n.owns(dst) {
		return dst
	}
	if r := n.lookup(dst); r != nil {
		return r.source
	}
	return n.address
}

func mask(bits int) uint32 { return uint32(0xffffffff << (32 - bits) & 0xffffffff) }

func (f *Fabric) inCluster(a ip4) bool { return f.cfg.ClusterCIDR.Contains(a.addr()) }
