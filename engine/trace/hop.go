package trace

import (
	"encoding/json"
	"net/netip"
	"sync"
)

// HopDetail is the detail of a [NetHop]: one packet at one point of its path. The event's Verb is the point.
type HopDetail struct {
	// Packet follows one packet through its hops; a reply, a fragment and a tunnel's outer packet keep the number of the
	// packet they carry on, a retransmission has its own.
	Packet uint64 `json:"packet"`
	// Flow groups the packets of a connection in both directions; 0 for ARP and what belongs to none.
	Flow uint64 `json:"flow,omitempty"`
	// Reply is set when the packet travels against the direction in which the flow was opened.
	Reply bool `json:"reply,omitempty"`
	// From and To are the Pods at the two ends of the packet's way, "default/client", whatever its addresses are at this
	// point; empty for what is no Pod, and as long as the choice of a Service's endpoint lies ahead.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// VirtualUs is the network's own time in microseconds since it started. It stands still while a hop is held.
	VirtualUs int64 `json:"virtualUs"`
	// Node is where the packet is; empty for what is outside the cluster.
	Node string `json:"node,omitempty"`
	// Namespace is the network namespace: "default/web-0" for a Pod's, empty for the node's own.
	Namespace string  `json:"namespace,omitempty"`
	Device    string  `json:"device,omitempty"`    // "eth0", "cni0", "vethweb-0", "flannel.1"
	Direction string  `json:"direction,omitempty"` // "in" or "out", seen from Namespace
	Point     string  `json:"point"`               // one of the Point... constants of runtime/network
	Data      *Packet `json:"data,omitempty"`
	// TTL is the IPv4 time to live here, of the inner packet inside a tunnel; 0 when it is no IPv4 packet.
	TTL int `json:"ttl,omitempty"`
	// MTU is that of Device in bytes of IP packet; 0 when there is no device.
	MTU int `json:"mtu,omitempty"`
	// Rule names what matched: "default/web:http -> 10.244.2.5:8080", a route, a policy.
	Rule string `json:"rule,omitempty"`
	NAT  *NAT   `json:"nat,omitempty"`
	// Verdict is "forwarded", "delivered" or "dropped", Reason why.
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
}

// NAT is what a translation did to a packet's addresses.
type NAT struct {
	// Kind is "DNAT", "SNAT", "masquerade", "port remap", or "reverse" for the translation of a reply.
	Kind   string    `json:"kind"`
	Before FiveTuple `json:"before"`
	After  FiveTuple `json:"after"`
}

// FiveTuple is what tells connections apart. For ICMP echoes both ports are the identifier.
type FiveTuple struct {
	Protocol string         `json:"protocol"` // "tcp", "udp", "icmp", or the number
	Src      netip.AddrPort `json:"src"`
	Dst      netip.AddrPort `json:"dst"`
}

// Reverse returns the tuple of the other direction.
func (t FiveTuple) Reverse() FiveTuple { return FiveTuple{t.Protocol, t.Dst, t.Src} }

// String returns "tcp 10.244.1.2:40000 > 10.244.2.3:80".
func (t FiveTuple) String() string { return t.Protocol + " " + t.Src.String() + " > " + t.Dst.String() }

// Headers is what a packet's bytes say, outermost first; what is not there is nil.
type Headers struct {
	Ethernet *Ethernet `json:"ethernet,omitempty"`
	ARP      *ARP      `json:"arp,omitempty"`
	IPv4     *IPv4     `json:"ipv4,omitempty"`
	ICMP     *ICMP     `json:"icmp,omitempty"`
	TCP      *TCP      `json:"tcp,omitempty"`
	UDP      *UDP      `json:"udp,omitempty"`
	VXLAN    *VXLAN    `json:"vxlan,omitempty"`
	// Inner is the frame in a VXLAN packet, or the packet that an ICMP error quotes.
	Inner *Headers `json:"inner,omitempty"`
	// Payload counts the bytes after the headers.
	Payload int `json:"payload,omitempty"`
	// Malformed says what is wrong, when the bytes end or contradict themselves; the fields before that are valid.
	Malformed string `json:"malformed,omitempty"`
}

// Ethernet is an Ethernet II header.
type Ethernet struct {
	Src  string `json:"src"` // "0a:58:0a:f4:01:02"
	Dst  string `json:"dst"`
	Type uint16 `json:"type"` // 0x0800 IPv4, 0x0806 ARP
}

// ARP is an ARP packet for IPv4 over Ethernet (RFC 826).
type ARP struct {
	Op        uint16     `json:"op"` // 1 request, 2 reply
	SenderMAC string     `json:"senderMAC"`
	SenderIP  netip.Addr `json:"senderIP"`
	TargetMAC string     `json:"targetMAC"`
	TargetIP  netip.Addr `json:"targetIP"`
}

// IPv4 is an IPv4 header (RFC 791).
type IPv4 struct {
	Src            netip.Addr `json:"src"`
	Dst            netip.Addr `json:"dst"`
	Protocol       uint8      `json:"protocol"`
	TTL            uint8      `json:"ttl"`
	ID             uint16     `json:"id"`
	Length         uint16     `json:"length"` // of the packet with this header
	HeaderLength   int        `json:"headerLength"`
	DontFragment   bool       `json:"dontFragment,omitempty"`
	MoreFragments  bool       `json:"moreFragments,omitempty"`
	FragmentOffset uint16     `json:"fragmentOffset,omitempty"` // in bytes
	BadChecksum    bool       `json:"badChecksum,omitempty"`
}

// ICMP is an ICMPv4 header (RFC 792).
type ICMP struct {
	Type uint8  `json:"type"`
	Code uint8  `json:"code"`
	Name string `json:"name"`          // "echo", "time exceeded", "fragmentation needed"
	ID   uint16 `json:"id,omitempty"`  // of echoes
	Seq  uint16 `json:"seq,omitempty"` // of echoes
	MTU  uint16 `json:"mtu,omitempty"` // of "fragmentation needed"
}

// TCP is a TCP header (RFC 9293).
type TCP struct {
	SrcPort uint16 `json:"srcPort"`
	DstPort uint16 `json:"dstPort"`
	Seq     uint32 `json:"seq"`
	Ack     uint32 `json:"ack"`
	Flags   string `json:"flags"` // of "FSRPAU" those that are set: "S", "SA", "PA"
	Window  uint16 `json:"window"`
	MSS     uint16 `json:"mss,omitempty"` // the option of a SYN
}

// UDP is a UDP header (RFC 768).
type UDP struct {
	SrcPort uint16 `json:"srcPort"`
	DstPort uint16 `json:"dstPort"`
	Length  uint16 `json:"length"`
}

// VXLAN is a VXLAN header (RFC 7348).
type VXLAN struct {
	VNI uint32 `json:"vni"`
}

// Packet is a packet's bytes, parsed when somebody looks. It is safe for concurrent use.
type Packet struct {
	raw   []byte
	parse func(raw []byte) *Headers

	once    sync.Once
	headers *Headers
}

// NewPacket returns a packet that parse reads on the first look. raw must not change afterwards; parse must be safe for
// concurrent use.
func NewPacket(raw []byte, parse func(raw []byte) *Headers) *Packet {
	return new(Packet).Init(raw, parse)
}

// Init makes the zero Packet, which may be part of something larger, one as [NewPacket] does, and returns it.
func (p *Packet) Init(raw []byte, parse func(raw []byte) *Headers) *Packet {
	p.raw, p.parse = raw, parse
	return p
}

// Raw returns the bytes, which must not be changed. A nil packet has none.
func (p *Packet) Raw() []byte {
	if p == nil {
		return nil
	}
	return p.raw
}

// Headers returns the parsed headers, never nil for a packet that is not.
func (p *Packet) Headers() *Headers {
	if p == nil {
		return nil
	}
	p.once.Do(func() {
		if p.headers == nil && p.parse != nil {
			p.headers = p.parse(p.raw)
		}
		if p.headers == nil {
			p.headers = &Headers{Payload: len(p.raw)}
		}
	})
	return p.headers
}

type packetJSON struct {
	Raw     []byte   `json:"raw"` // base64
	Headers *Headers `json:"headers"`
}

// MarshalJSON writes the bytes in base64 and the headers.
func (p *Packet) MarshalJSON() ([]byte, error) { return json.Marshal(packetJSON{p.Raw(), p.Headers()}) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Packet) UnmarshalJSON(raw []byte) error {
	var j packetJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	p.raw, p.headers = j.Raw, j.Headers
	return nil
}

func (*HopDetail) kind() Kind { return NetHop }
