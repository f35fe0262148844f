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

// Interfaces returns the namespace's interfaces by index.
func (h *Namespace) Interfaces() []network.Interface {
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
	var all []network.Route
	for _, r := range h.stack.GetRouteTable() {
		all = append(all, network.Route{To: netip.PrefixFrom(fromAddress(r.Destination.ID()), r.Destination.Prefix()),
			Via: fromAddress(r.Gateway), Device: h.stack.FindNICNameFromID(r.NIC), Source: fromAddress(r.SourceHint)})
	}
	return all
}

// Neighbours returns the namespace's ARP cache by address.
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
