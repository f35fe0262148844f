package network

import (
	"net"
	"net/netip"
	"time"
)

// Probe is one packet that asks whether somebody is there: what ping and traceroute send.
type Probe struct {
	To netip.Addr
	// Port makes it a UDP datagram, as traceroute sends; 0 an ICMP echo, as ping sends.
	Port uint16
	Seq  uint16 // of an echo
	TTL  uint8  // 0 means 64
	Size int    // bytes of payload, without IP and ICMP or UDP header
	// DontFragment sets DF: the packet must get through whole.
	DontFragment bool
}

// ProbeReply is what came back.
type ProbeReply struct {
	From netip.Addr
	// Type and Code are the ICMP message's: 0 for an echo reply, 11 for time exceeded, 3 for unreachable.
	Type, Code uint8
	MTU        uint16        // of "fragmentation needed"
	TTL        uint8         // of the echo reply's packet, 0 for errors
	RTT        time.Duration // on the network's clock
}

// Interface is one of a namespace's network interfaces, as "ip addr" lists them.
type Interface struct {
	Index     int
	Name      string           // "eth0"
	MTU       int              // bytes of an IP packet
	Hardware  net.HardwareAddr // nil for one without, as lo
	Loopback  bool
	Addresses []netip.Prefix // the address itself with the length of its network's prefix
}

// Route is a line of a namespace's routing table.
type Route struct {
	To     netip.Prefix // 0.0.0.0/0 for the default route
	Via    netip.Addr   // invalid for what is on the link
	Device string
	Source netip.Addr // what sockets take as their own address; invalid for the interface's
}

// Neighbour is an entry of a namespace's ARP cache.
type Neighbour struct {
	Address  netip.Addr
	Device   string
	Hardware net.HardwareAddr // nil while it is not known
	State    string           // as "ip neigh" says it: "REACHABLE", "STALE", "FAILED"
}

// Socket is an open TCP or UDP socket.
type Socket struct {
	Protocol string // "tcp", "udp"
	// Local and Remote have unspecified addresses and port 0 where the socket has none.
	Local, Remote netip.AddrPort
	State         string // the kernel's name for it: "LISTEN", "ESTABLISHED", "TIME_WAIT"; "UNCONN" for an unconnected UDP socket
	// ReceiveQueue is the bytes that the program has not read yet, SendQueue those that the peer has not acknowledged.
	ReceiveQueue, SendQueue int
}

// The states of sockets that listings treat specially.
const (
	StateListen      = "LISTEN"
	StateEstablished = "ESTABLISHED"
	StateUnconnected = "UNCONN"
)
