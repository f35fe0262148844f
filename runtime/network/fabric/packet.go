package fabric

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"

	"github.com/kubestep/kubestep/runtime/network"
)

const (
	etherLen  = 14
	etherIPv4 = 0x0800
	etherARP  = 0x0806

	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17

	flagDF = 0x40 // in byte 6 of an IPv4 header
	flagMF = 0x20
)

// ip4 is an IPv4 address as it stands in a header.
type ip4 [4]byte

func toIP4(a netip.Addr) ip4     { return a.As4() }
func (a ip4) addr() netip.Addr   { return netip.AddrFrom4(a) }
func (a ip4) String() string     { return a.addr().String() }
func (a ip4) uint32() uint32     { return binary.BigEndian.Uint32(a[:]) }
func (a ip4) unspecified() bool  { return a == ip4{} }
func (a ip4) isGroup() bool      { return a[0] >= 224 }
func ipFrom32(v uint32) (a ip4)  { binary.BigEndian.PutUint32(a[:], v); return a }
func (a ip4) plus(n uint32) ip4  { return ipFrom32(a.uint32() + n) }
func portString(p uint16) string { return strconv.Itoa(int(p)) }

// hwaddr is an Ethernet address.
type hwaddr [6]byte

var broadcast = hwaddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// packet is one packet on its way: an Ethernet frame, whose Ethernet header is stale while IP works on it.
type packet struct {
	id    uint64
	data  []byte
	flow  *network.Flow
	reply bool   // of the flow
	cause uint64 // the event of the packet's last hop
	// origin is set for what a followed socket sends.
	origin *origin

	shared bool // an observer has seen data: copy it before changing it
	// What follows belongs to the node that the packet is in.
	conn     *conn
	dir      int  // of conn: original or answer
	fresh    bool // conn begins with this packet
	related  bool // an ICMP error about conn; dir is the error's own direction
	local    bool // sent by the node itself
	fragSize int  // the largest fragment it came in, 0 when it came whole
	joined   bool // it need not be fragmented again when it fits
}

// number gives a packet its number.
func (f *Fabric) number(p *packet) {
	f.packets++
	p.id = f.packets
}

// mutable returns the frame's bytes for changing.
func (p *packet) mutable() []byte {
	if p.shared {
		p.data = slices.Clone(p.data)
		p.shared = false
	}
	return p.data
}

// ip returns the packet without its Ethernet header.
func (p *packet) ip() []byte { return p.data[etherLen:] }

// child returns a packet that carries on what p carries: a fragment, a tunnel's packet, a flooded copy.
func (p *packet) child(data []byte) *packet {
	return &packet{id: p.id, data: data, flow: p.flow, reply: p.reply, cause: p.cause}
}

// enter forgets what another node knew of the packet.
func (p *packet) enter() {
	p.conn, p.dir, p.fresh, p.related, p.local, p.fragSize, p.joined = nil, 0, false, false, false, 0, false
}

func (p *packet) etherType() uint16 { return binary.BigEndian.Uint16(p.data[12:]) }
func (p *packet) etherDst() hwaddr  { return hwaddr(p.data[:6]) }
func (p *packet) etherSrc() hwaddr  { return hwaddr(p.data[6:12]) }

func (p *packet) setEther(dst, src hwaddr) {
	b := p.mutable()
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], etherIPv4)
}

// trimIP checks that the frame holds a whole IPv4 packet with a right checksum, and cuts off what follows it. It returns
// what is wrong.
func (p *packet) trimIP() (problem string) {
	b := p.data[etherLen:]
	if len(b) < 20 || b[0]>>4 != 4 {
		return "not an IPv4 packet"
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || total < header || total > len(b) {
		return "IPv4 lengths are wrong"
	}
	if onesSum(b[:header], 0) != 0xffff {
		return "IPv4 checksum is wrong"
	}
	p.data = p.data[:etherLen+total]
	return ""
}

func headerLen(ip []byte) int   { return int(ip[0]&0x0f) * 4 }
func srcOf(ip []byte) ip4       { return ip4(ip[12:16]) }
func dstOf(ip []byte) ip4       { return ip4(ip[16:20]) }
func isFragment(ip []byte) bool { return binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 }
func fragOffset(ip []byte) int  { return int(binary.BigEndian.Uint16(ip[6:])&0x1fff) * 8 }

// isICMPError reports whether a packet is an ICMP message about another packet.
func isICMPError(ip []byte) bool {
	if ip[9] != protoICMP || fragOffset(ip) != 0 || len(ip) <= headerLen(ip) {
		return false
	}
	switch ip[headerLen(ip)] {
	case icmpUnreachable, icmpTimeExceeded, icmpParameter, 4, 5: // source quench, redirect
		return true
	}
	return false
}

// tuple tells connections apart. An echo request has its identifier as source port and echoPort as destination port, its
// reply the other way round, so that inverse works for it as for ports.
type tuple struct {
	proto    uint8
	src, dst ip4
	sp, dp   uint16
}

const echoPort = 0xffff

func (t tuple) inverse() tuple { return tuple{t.proto, t.dst, t.src, t.dp, t.sp} }

// fiveTuple returns t for a reader.
func (t tuple) fiveTuple() network.FiveTuple {
	sp, dp := t.sp, t.dp
	if t.proto == protoICMP { // both show the identifier
		sp, dp = min(sp, dp), min(sp, dp)
	}
	return network.FiveTuple{Protocol: protoName(t.proto), Src: netip.AddrPortFrom(t.src.addr(), sp),
		Dst: netip.AddrPortFrom(t.dst.addr(), dp)}
}

func protoName(proto uint8) string {
	switch proto {
	case protoICMP:
		return "icmp"
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	}
	return strconv.Itoa(int(proto))
}

// tupleOf reads the tuple of an unfragmented packet, or of the beginning of one (ICMP errors quote 8 bytes at least). ok
// is false for what has none, ICMP errors among it.
func tupleOf(ip []byte) (t tuple, ok bool) {
	header := headerLen(ip)
	if fragOffset(ip) != 0 || len(ip) < header+8 {
		return t, false
	}
	l4 := ip[header:]
	t = tuple{proto: ip[9], src: srcOf(ip), dst: dstOf(ip)}
	switch t.proto {
	case protoTCP, protoUDP:
		t.sp, t.dp = binary.BigEndian.Uint16(l4), binary.BigEndian.Uint16(l4[2:])
		return t, true
	case protoICMP:
		switch id := binary.BigEndian.Uint16(l4[4:]); l4[0] {
		case icmpEcho:
			t.sp, t.dp = id, echoPort
			return t, true
		case icmpEchoReply:
			t.sp, t.dp = echoPort, id
			return t, true
		}
		return t, false
	}
	return t, true // other protocols are tracked by address, as nf_conntrack's generic protocol does
}

// onesSum returns the Internet checksum's sum of b on top of initial (RFC 1071).
func onesSum(b []byte, initial uint32) uint16 {
	s := uint64(initial)
	for ; len(b) >= 8; b = b[8:] { // any even number of bytes at a time has the same sum
		v := binary.BigEndian.Uint64(b)
		s += v>>32 + v&0xffffffff
	}
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(b[0])<<8 | uint64(b[1])
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// adjust updates the checksum in field for bytes that change from old to new, both of even length (RFC 1624).
func adjust(field []byte, old, new []byte) {
	s := uint32(^binary.BigEndian.Uint16(field))
	for i := 0; i+1 < len(old); i += 2 {
		s += uint32(^binary.BigEndian.Uint16(old[i:])) & 0xffff
		s += uint32(binary.BigEndian.Uint16(new[i:]))
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	binary.BigEndian.PutUint16(field, ^uint16(s))
}

// setIPChecksum computes the header's checksum anew.
func setIPChecksum(ip []byte) {
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], ^onesSum(ip[:headerLen(ip)], 0))
}

// setUDPChecksum computes the checksum of an unfragmented UDP packet anew.
func setUDPChecksum(ip []byte) {
	udp := ip[headerLen(ip):]
	udp[6], udp[7] = 0, 0
	sum := ^udpSum(ip, udp)
	if sum == 0 {
		sum = 0xffff // 0 means that there is none
	}
	binary.BigEndian.PutUint16(udp[6:], sum)
}

// udpChecksumRight reports whether an unfragmented UDP packet has a right checksum, or none.
func udpChecksumRight(ip []byte) bool {
	udp := ip[headerLen(ip):]
	return udp[6] == 0 && udp[7] == 0 || udpSum(ip, udp) == 0xffff
}

func udpSum(ip, udp []byte) uint16 {
	return onesSum(udp, uint32(onesSum(ip[12:20], 0))+protoUDP+uint32(len(udp)))
}

// decrementTTL lowers the time to live by one.
func decrementTTL(ip []byte) {
	old := [2]byte{ip[8], ip[9]}
	ip[8]--
	adjust(ip[10:12], old[:], ip[8:10])
}

// setAddress changes a packet's source or destination, address and port, and all checksums over them. The packet may be
// cut off, as ICMP errors quote it.
func setAddress(ip []byte, source bool, a ip4, port uint16) {
	header := headerLen(ip)
	at := ip[16:20]
	if source {
		at = ip[12:16]
	}
	l4 := ip[header:]
	checksum, portAt := l4Fields(ip[9], l4, source)
	if checksum != nil && ip[9] != protoICMP { // the pseudo header
		adjust(checksum, at, a[:])
	}
	adjust(ip[10:12], at, a[:])
	copy(at, a[:])
	if portAt == nil || port == echoPort && ip[9] == protoICMP {
		return
	}
	var now [2]byte
	binary.BigEndian.PutUint16(now[:], port)
	if checksum != nil {
		adjust(checksum, portAt, now[:])
	}
	copy(portAt, now[:])
}

// l4Fields returns where the checksum and the port, or an echo's identifier, of a packet's payload are; nil for what is
// not there.
func l4Fields(proto uint8, l4 []byte, source bool) (checksum, port []byte) {
	switch proto {
	case protoTCP:
		if len(l4) >= 20 { // Linux leaves alone what is quoted in part
			checksum = l4[16:18]
		}
	case protoUDP:
		if len(l4) >= 8 && (l4[6] != 0 || l4[7] != 0) { // 0 means that it has none
			checksum = l4[6:8]
		}
	case protoICMP:
		if len(l4) >= 8 && (l4[0] == icmpEcho || l4[0] == icmpEchoReply) {
			return l4[2:4], l4[4:6]
		}
		return nil, nil
	default:
		return nil, nil
	}
	if len(l4) < 4 {
		return checksum, nil
	}
	if source {
		return checksum, l4[:2]
	}
	return checksum, l4[2:4]
}

// fragments cuts an IP packet so that each part fits mtu. Each part comes with room for an Ethernet header in front.
func fragments(ip []byte, mtu int) (frames [][]byte) {
	header := headerLen(ip)
	step := (mtu - header) &^ 7
	base, more := fragOffset(ip), ip[6]&flagMF
	payload := ip[header:]
	for off := 0; off < len(payload); off += step {
		end := min(off+step, len(payload))
		frame := make([]byte, etherLen+header+end-off)
		part := frame[etherLen:]
		copy(part, ip[:header])
		copy(part[header:], payload[off:end])
		binary.BigEndian.PutUint16(part[2:], uint16(len(part)))
		binary.BigEndian.PutUint16(part[6:], uint16((base+off)/8))
		if end < len(payload) {
			part[6] |= flagMF
		} else {
			part[6] |= more
		}
		setIPChecksum(part)
		frames = append(frames, frame)
	}
	return frames
}
