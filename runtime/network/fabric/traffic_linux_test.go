package fabric

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/kubestep/kubestep/runtime/network"
)

// neighbours of the node, who sends and answers where.
var testNeighbours = []struct {
	at   int
	addr ip4
}{
	{atA1, ip4{10, 244, 1, 2}}, {atA2, ip4{10, 244, 1, 3}}, {atWire, ip4{192, 168, 50, 12}}, {atWire, ip4{192, 168, 50, 1}},
	{atWire, ip4{192, 168, 50, 100}},
}

func testHW(at int, a ip4) hwaddr {
	if at == atWire {
		return hwFor(0x42, a)
	}
	return podHW(a)
}

// traffic makes random packets: new ones, answers to what came out, ICMP errors about it; from Pods of the other node in
// the tunnel, when there is one.
type traffic struct {
	rng  *rand.Rand
	seen []output // not in a tunnel any more
	port uint16
	id   uint16
	node *Node
	peer hwaddr // of the tunnel's other end
	mtu  int    // of the way to the other node
}

func (g *traffic) pick(list ...string) ip4 { return toIP4(ip(list[g.rng.IntN(len(list))])) }

// next returns the next packet's frames (several for fragments) and where they go in.
func (g *traffic) next() (at int, frames [][]byte, what string) {
	if len(g.seen) > 0 && g.rng.IntN(10) < 5 {
		i := g.rng.IntN(len(g.seen))
		o := g.seen[i]
		g.seen = slices.Delete(g.seen, i, i+1)
		if frames, what := g.answer(o); frames != nil {
			return o.at, frames, what
		}
	}
	at = g.rng.IntN(3)
	var src, dst ip4
	switch at {
	case atA1:
		src = ip4{10, 244, 1, 2}
		dst = g.pick("10.244.1.3", "10.244.2.2", "10.244.2.3", "192.168.50.12", "93.184.216.34", "10.96.0.10", "10.96.0.11",
			"10.244.1.1", "192.168.50.11")
	case atA2:
		src = ip4{10, 244, 1, 3}
		dst = g.pick("10.244.1.2", "10.244.2.2", "192.168.50.100", "93.184.216.34", "10.96.0.10")
	default:
		src = g.pick("10.244.2.2", "10.244.2.3", "192.168.50.12", "192.168.50.100")
		dst = g.pick("10.244.1.2", "10.244.1.3", "192.168.50.11", "10.96.0.11")
	}
	g.port++
	proto := []byte{protoTCP, protoUDP, protoICMP}[g.rng.IntN(3)]
	dp := []uint16{8080, 8080, 8100, 9000}[g.rng.IntN(4)]
	if dst[0] == 10 && dst[1] == 96 {
		dp = 80
		if proto == protoICMP {
			proto = protoUDP
		}
	}
	if g.node.owns(dst) {
		if dst == g.node.address && g.rng.IntN(2) == 0 && proto != protoICMP {
			dp = 30080
		} else {
			proto = protoICMP // sockets are not what is compared
		}
	}
	size := []int{0, 10, 500, g.mtu - 28, g.mtu - 27, g.mtu - 20, 1420, 1450}[g.rng.IntN(8)]
	if at == atWire {
		size = min(size, g.mtu-40) // its MTU, which a veth pair checks on arrival
	}
	what = fmt.Sprintf("%s %v:%d > %v:%d", protoName(proto), src, 20000+g.port, dst, dp)
	frame := g.build(proto, src, dst, 20000+g.port, dp, tcpSYN, size)
	if ip := frame[etherLen:]; g.rng.IntN(6) == 0 && ip[6]&flagDF == 0 && len(ip) > 600 {
		for _, b := range fragments(ip, 576+8*g.rng.IntN(20)) {
			frames = append(frames, g.address(b, at))
		}
		if g.rng.IntN(3) == 0 {
			slices.Reverse(frames)
		}
		return at, frames, what + " in fragments"
	}
	frame = g.address(frame, at)
	if isTunnel := at == atWire && g.throughTunnel(src); isTunnel && g.rng.IntN(4) == 0 {
		return at, g.spoil(frame), what + " in a tunnel that is unusual"
	}
	return at, [][]byte{frame}, what
}

// throughTunnel reports whether what src sends comes out of the tunnel.
func (g *traffic) throughTunnel(src ip4) bool {
	return g.node.f.cfg.Mode == VXLAN && src[0] == 10 && src[1] == 244 && src[2] == 2
}

// address writes the Ethernet header: to the node, or to the other Pod on the bridge. What comes through the tunnel it puts
// in there.
func (g *traffic) address(frame []byte, at int) []byte {
	ip := frame[etherLen:]
	if at == atWire && g.throughTunnel(srcOf(ip)) {
		copy(frame, g.node.tunnelHW[:])
		copy(frame[6:], g.peer[:])
		binary.BigEndian.PutUint16(frame[12:], etherIPv4)
		g.id++
		outer := make([]byte, 36, 36+len(frame))
		binary.BigEndian.PutUint16(outer[20:], 32768+g.id)
		binary.BigEndian.PutUint16(outer[22:], network.VXLANPort)
		outer[28], outer[34] = vxlanFlag, vni
		outer = append(outer, frame...)
		binary.BigEndian.PutUint16(outer[24:], uint16(len(outer)-20))
		putIPv4(outer, g.id, protoUDP, ip4{192, 168, 50, 12}, g.node.address)
		if g.rng.IntN(2) == 0 { // the other half has none
			setUDPChecksum(outer)
		}
		frame = append(make([]byte, etherLen, etherLen+len(outer)), outer...)
		ip = outer
	}
	to, from := g.node.bridgeHW, podHW(ip4{10, 244, 1, byte(at + 2)})
	if dst := dstOf(ip); at != atWire && dst[0] == 10 && dst[1] == 244 && dst[2] == 1 && dst[3] != 1 {
		to = podHW(dst)
	}
	if at == atWire {
		to, from = g.node.eth0HW, hwFor(0x42, ip4{192, 168, 50, 12})
		if src := srcOf(ip); src[3] == 100 || src[3] == 1 {
			from = hwFor(0x42, src)
		}
	}
	copy(frame, to[:])
	copy(frame[6:], from[:])
	binary.BigEndian.PutUint16(frame[12:], etherIPv4)
	return frame
}

func (g *traffic) build(proto byte, src, dst ip4, sp, dp uint16, flags byte, size int) []byte {
	var l4 []byte
	switch proto {
	case protoTCP:
		// No data, and numbers that a connection has: the kernel does not track what is outside of the window.
		l4 = tcpHeader(sp, dp, flags)
		l4[4], l4[14], l4[15] = byte(sp), 0xfa, 0xf0
		if flags&tcpACK != 0 {
			l4[8], l4[11] = byte(dp), 1
		}
	case protoUDP:
		l4 = make([]byte, 8+size)
		binary.BigEndian.PutUint16(l4, sp)
		binary.BigEndian.PutUint16(l4[2:], dp)
		binary.BigEndian.PutUint16(l4[4:], uint16(len(l4)))
	default:
		l4 = make([]byte, 8+size)
		l4[0] = flags // echo or reply
		if flags == tcpSYN {
			l4[0] = icmpEcho
		}
		binary.BigEndian.PutUint16(l4[4:], sp)
		l4[7] = 1
	}
	for i := 20; i < len(l4); i++ {
		l4[i] = byte(g.rng.Uint32())
	}
	b := ipPacket(proto, src.String(), dst.String(), l4)
	h := b[etherLen:]
	g.id++
	binary.BigEndian.PutUint16(h[4:], g.id)
	h[1] = []byte{0, 0, 0x10, 0xb8, 1, 2, 3}[g.rng.IntN(7)]
	h[8] = []byte{64, 64, 64, 2, 1}[g.rng.IntN(5)]
	if g.rng.IntN(2) == 0 {
		h[6] = flagDF
	}
	setIPChecksum(h)
	pseudo, at := uint32(onesSum(h[12:20], 0))+uint32(proto)+uint32(len(l4)), 16
	switch proto {
	case protoUDP:
		at = 6
	case protoICMP:
		pseudo, at = 0, 2
	}
	sum := ^onesSum(l4, pseudo)
	copy(h[20+at:], []byte{byte(sum >> 8), byte(sum)})
	return b
}

// spoil makes a packet in a tunnel that the node should not take, or take with care.
func (g *traffic) spoil(frame []byte) [][]byte {
	ip := frame[etherLen:]
	udp := ip[20:]
	switch g.rng.IntN(9) {
	case 0:
		udp[14]++ // another network
	case 1:
		udp[8] = 0 // no network
	case 2:
		udp[8] |= 0x80 // bits that mean nothing yet
	case 3:
		udp[15] = 1
	case 4:
		udp[16+5]++ // a frame for another
	case 5:
		binary.BigEndian.PutUint16(udp[6:], 1) // a wrong checksum
		return [][]byte{frame}
	case 6:
		frame = frame[:etherLen+20+g.rng.IntN(60)+8]
		ip = frame[etherLen:]
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
		binary.BigEndian.PutUint16(ip[24:], uint16(len(ip)-20))
	case 7:
		ip[1] = byte(g.rng.IntN(4)) // congestion on the way
		udp[16+etherLen+1] = udp[16+etherLen+1]&^3 | byte(g.rng.IntN(4))
		setIPChecksum(udp[16+etherLen:])
	default:
		if len(ip) > 600 {
			var all [][]byte
			for _, b := range fragments(ip, 576) {
				copy(b[:etherLen], frame)
				all = append(all, b)
			}
			return all
		}
	}
	setIPChecksum(ip)
	binary.BigEndian.PutUint16(ip[26:], 0)
	return [][]byte{frame}
}

// answer replies to a packet that came out of the node, or complains about it.
func (g *traffic) answer(o output) ([][]byte, string) {
	ip := o.frame[etherLen:]
	t, ok := tupleOf(ip)
	if !ok || isFragment(ip) || g.node.owns(t.src) && t.proto == protoICMP && t.sp == echoPort {
		return nil, ""
	}
	if t.proto == protoICMP && t.sp == echoPort || t.proto == protoTCP && ip[33]&tcpACK != 0 {
		return nil, "" // an answer itself
	}
	if g.rng.IntN(3) == 0 {
		quote := ip[:min(len(ip), 28+g.rng.IntN(100))]
		m := append([]byte{icmpUnreachable, codePort, 0, 0, 0, 0, 0, 0}, quote...)
		from := t.dst
		if g.rng.IntN(2) == 0 && o.at == atWire { // from a router on the way
			from, m[0], m[1] = ip4{192, 168, 50, 12}, icmpTimeExceeded, 0
		}
		sum := ^onesSum(m, 0)
		m[2], m[3] = byte(sum>>8), byte(sum)
		b := ipPacket(protoICMP, from.String(), t.src.String(), m)
		return [][]byte{g.address(b, o.at)}, fmt.Sprintf("error %d from %v about %v", m[0], from, t.fiveTuple())
	}
	flags := byte(tcpSYN | tcpACK)
	sp, dp := t.dp, t.sp
	if t.proto == protoICMP {
		flags, sp = icmpEchoReply, t.sp
	}
	b := g.build(t.proto, t.dst, t.src, sp, dp, flags, g.rng.IntN(1000))
	return [][]byte{g.address(b, o.at)}, "answer to " + t.fiveTuple().String()
}
