package fabric

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
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

// traffic makes random packets: new ones, answers to what came out, ICMP errors about it.
type traffic struct {
	rng  *rand.Rand
	seen []output
	port uint16
	id   uint16
	node *Node
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
		dst = g.pick("10.244.1.3", "10.244.2.2", "192.168.50.12", "93.184.216.34", "10.96.0.10", "10.96.0.11", "10.244.1.1",
			"192.168.50.11")
	case atA2:
		src = ip4{10, 244, 1, 3}
		dst = g.pick("10.244.1.2", "10.244.2.2", "192.168.50.100", "93.184.216.34", "10.96.0.10")
	default:
		src = g.pick("10.244.2.2", "192.168.50.12", "192.168.50.100")
		dst = g.pick("10.244.1.2", "10.244.1.3", "192.168.50.11", "10.96.0.11")
	}
	g.port++
	proto := []byte{protoTCP, protoUDP, protoICMP}[g.rng.IntN(3)]
	dp := uint16(8080)
	if dst[0] == 10 && dst[1] == 96 {
		dp = 80
		if proto == protoICMP {
			proto = protoUDP
		}
	}
	if g.node.owns(dst) {
		proto = protoICMP // sockets are not what is compared
	}
	size := []int{0, 10, 500, 1352, 1353, 1380, 1420, 1450}[g.rng.IntN(8)]
	if at == atWire {
		size = min(size, 1360) // its MTU, which a veth pair checks on arrival
	}
	what = fmt.Sprintf("%s %v:%d > %v:%d", protoName(proto), src, 20000+g.port, dst, dp)
	frame := g.build(proto, src, dst, 20000+g.port, dp, tcpSYN, size)
	frame = g.address(frame, at)
	if ip := frame[etherLen:]; g.rng.IntN(6) == 0 && ip[6]&flagDF == 0 && len(ip) > 600 {
		for _, b := range fragments(ip, 576+8*g.rng.IntN(20)) {
			frames = append(frames, g.address(b, at))
		}
		if g.rng.IntN(3) == 0 {
			slices.Reverse(frames)
		}
		return at, frames, what + " in fragments"
	}
	return at, [][]byte{frame}, what
}

// address writes the Ethernet header: to the node, or to the other Pod on the bridge.
func (g *traffic) address(frame []byte, at int) []byte {
	ip := frame[etherLen:]
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
	h[1] = []byte{0, 0, 0x10, 0xb8}[g.rng.IntN(4)]
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
