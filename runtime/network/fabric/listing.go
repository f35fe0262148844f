package fabric

import (
	"cmp"
	"net"
	"net/netip"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"github.com/kubestep/kubestep/runtime/network"
)

// Interfaces returns the namespace's interfaces by index. A node's are those that its packets pass; its sockets have a
// stack with fewer.
func (h *Namespace) Interfaces() []network.Interface {
	if h.node != nil {
		return h.node.interfaces()
	}
	var all []network.Interface
	for id, info := range h.stack.NICInfo() {
		i := network.Interface{Index: int(id), Name: info.Name, MTU: int(info.MTU), Loopback: info.Flags.Loopback,
			Hardware: hardware(info.LinkAddress)}
		if i.Loopback {
			i.Hardware = nil
		}
		for _, a := range info.ProtocolAddresses {
			if a.Protocol == ipv4.ProtocolNumber {
				i.Addresses = append(i.Addresses, netip.PrefixFrom(fromAddress(a.AddressWithPrefix.Address),
					a.AddressWithPrefix.PrefixLen))
			}
		}
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b network.Interface) int { return cmp.Compare(a.Index, b.Index) })
	return all
}

// Routes returns the namespace's routing table in the order in which it is looked through.
func (h *Namespace) Routes() []network.Route {
	if h.node != nil {
		if listed := h.node.listed.Load(); listed != nil {
			return slices.Clone(*listed)
		}
		return nil
	}
	var all []network.Route
	for _, r := range h.stack.GetRouteTable() {
		all = append(all, network.Route{To: netip.PrefixFrom(fromAddress(r.Destination.ID()), r.Destination.Prefix()),
			Via: fromAddress(r.Gateway), Device: h.stack.FindNICNameFromID(r.NIC), Source: fromAddress(r.SourceHint)})
	}
	return all
}

// interfaces are the node's own, without its ends of the Pods' veth pairs.
func (n *Node) interfaces() []network.Interface {
	device := func(p *place, hw hwaddr, addresses ...netip.Prefix) network.Interface {
		return network.Interface{Name: p.device, MTU: p.mtu, Hardware: hw[:], Addresses: addresses}
	}
	lo := device(&n.lo, hwaddr{}, netip.MustParsePrefix("127.0.0.1/8"))
	lo.Loopback, lo.Hardware = true, nil
	all := []network.Interface{lo,
		device(&n.eth0, n.eth0HW, netip.PrefixFrom(n.cfg.Address, n.f.cfg.Underlay.Bits()))}
	if n.bridge != nil {
		if n.f.cfg.Mode == VXLAN {
			all = append(all, device(&n.flannel, n.tunnelHW, netip.PrefixFrom(n.tunnelAddr.addr(), 32)))
		}
		all = append(all, device(&n.cni0, n.bridgeHW, netip.PrefixFrom(n.bridgeAddr.addr(), n.cfg.PodCIDR.Bits())))
	}
	for i := range all {
		all[i].Index = i + 1
	}
	return all
}

// Neighbours returns the namespace's ARP cache by address; not a node's.
func (h *Namespace) Neighbours() []network.Neighbour {
	entries, terr := h.stack.Neighbors(nicEth0, ipv4.ProtocolNumber)
	if terr != nil {
		return nil // an interface that speaks IP has no neighbours
	}
	var all []network.Neighbour
	for _, e := range entries {
		n := network.Neighbour{Address: fromAddress(e.Addr), Device: "eth0", State: neighbourStates[e.State]}
		if n.State == "" {
			continue
		}
		n.Hardware = hardware(e.LinkAddr)
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b network.Neighbour) int { return a.Address.Compare(b.Address) })
	return all
}

// neighbourStates are iproute2's names for netstack's.
var neighbourStates = map[stack.NeighborState]string{
	stack.Incomplete: "INCOMPLETE", stack.Reachable: "REACHABLE", stack.Stale: "STALE", stack.Delay: "DELAY",
	stack.Probe: "PROBE", stack.Static: "PERMANENT", stack.Unreachable: "FAILED",
}

// tcpStates are the kernel's names for netstack's.
var tcpStates = map[tcp.EndpointState]string{
	tcp.StateListen: network.StateListen, tcp.StateEstablished: network.StateEstablished,
	tcp.StateSynSent: "SYN_SENT", tcp.StateConnecting: "SYN_SENT", tcp.StateSynRecv: "SYN_RECV",
	tcp.StateFinWait1: "FIN_WAIT1", tcp.StateFinWait2: "FIN_WAIT2", tcp.StateTimeWait: "TIME_WAIT",
	tcp.StateCloseWait: "CLOSE_WAIT", tcp.StateLastAck: "LAST_ACK", tcp.StateClosing: "CLOSING",
}

// Sockets returns the namespace's TCP and UDP sockets: those that listen first, by address.
func (h *Namespace) Sockets() []network.Socket {
	var all []network.Socket
	for _, e := range h.stack.RegisteredEndpoints() {
		ep, ok := e.(tcpip.Endpoint)
		if !ok {
			continue
		}
		info, ok := ep.Info().(*stack.TransportEndpointInfo)
		if !ok {
			continue
		}
		s := network.Socket{Local: endOf(info.ID.LocalAddress, info.ID.LocalPort),
			Remote: endOf(info.ID.RemoteAddress, info.ID.RemotePort)}
		switch info.TransProto {
		case tcp.ProtocolNumber:
			s.Protocol, s.State = "tcp", tcpStates[tcp.EndpointState(ep.State())]
		case udp.ProtocolNumber:
			s.Protocol, s.State = "udp", network.StateUnconnected
			if transport.DatagramEndpointState(ep.State()) == transport.DatagramEndpointStateConnected {
				s.State = network.StateEstablished
			}
		}
		if s.State == "" {
			continue // closed, or a socket of another protocol
		}
		if n, terr := ep.GetSockOptInt(tcpip.ReceiveQueueSizeOption); terr == nil {
			s.ReceiveQueue = n
		}
		if n, terr := ep.GetSockOptInt(tcpip.SendQueueSizeOption); terr == nil {
			s.SendQueue = n
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b network.Socket) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(rank(a), rank(b)), a.Local.Compare(b.Local),
			a.Remote.Compare(b.Remote))
	})
	return all
}

func rank(s network.Socket) int {
	if s.State == network.StateListen || s.State == network.StateUnconnected {
		return 0
	}
	return 1
}

func endOf(a tcpip.Address, port uint16) netip.AddrPort {
	addr := fromAddress(a)
	if !addr.IsValid() {
		addr = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(addr, port)
}

func hardware(a tcpip.LinkAddress) net.HardwareAddr {
	if a == "" {
		return nil
	}
	return net.HardwareAddr(a)
}
