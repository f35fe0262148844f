package fabric

import (
	"encoding/binary"
	"slices"

	"github.com/kubestep/kubestep/runtime/network"
)

// ICMP types and codes (RFC 792, RFC 1812).
const (
	icmpEchoReply    = 0
	icmpUnreachable  = 3
	icmpEcho         = 8
	icmpTimeExceeded = 11
	icmpParameter    = 12

	codeNet        = 0
	codeHost       = 1
	codePort       = 3
	codeFragNeeded = 4
)

// icmpQuote bounds an error as RFC 1812 and Linux do: it quotes as much of the packet as fits 576 bytes.
const icmpQuote = 576 - 20 - 8

// icmpError tells a packet's sender what happened to it. The source is the address from which the node would talk to the
// sender, as Linux chooses it; the packet is quoted as the sender knows it. About a packet whose destination has been
// translated already, the error seems to come from the address that the sender had asked for: NAT rewrites it like any
// answer.
func (n *Node) icmpError(p *packet, kind, code byte, mtu uint16, at *place) {
	ip := p.ip()
	src := srcOf(ip)
	// RFC 1812 4.3.2.7: never about errors, later fragments, groups, or from nobody.
	if isICMPError(ip) || fragOffset(ip) != 0 || dstOf(ip).isGroup() || src.isGroup() || src.unspecified() {
		return
	}
	quote := slices.Clone(ip[:min(len(ip), icmpQuote)])
	from := n.sourceFor(src)
	if p.conn != nil && !p.related {
		was := p.conn.tuples[p.dir]
		if from = n.sourceFor(was.src); was.dst != dstOf(quote) {
			from = was.dst
		}
		setAddress(quote, true, was.src, was.sp)
		setAddress(quote, false, was.dst, was.dp)
		src = was.src
	}
	e := &packet{id: n.f.newID(), data: make([]byte, etherLen+28+len(quote)), flow: p.flow, reply: !p.reply,
		cause: p.cause, local: true}
	b := e.ip()
	n.ipID++
	putIPv4(b, n.ipID, protoICMP, from, src)
	b[1] = ip[1]&0x1e | 0xc0 // Linux marks errors as internetwork control
	setIPChecksum(b)
	m := b[20:]
	m[0], m[1] = kind, code
	binary.BigEndian.PutUint16(m[6:], mtu)
	copy(m[8:], quote)
	binary.BigEndian.PutUint16(m[2:], ^onesSum(m, 0))
	if n.faults.filterICMP {
		n.f.report(e, sight{at: at, point: network.PointOutput, direction: network.Out, verdict: network.Dropped,
			reason: n.icmpFault()})
		return
	}
	r := n.lookup(src)
	if r == nil && !n.owns(src) {
		n.f.report(e, sight{at: at, point: network.PointOutput, direction: network.Out, verdict: network.Dropped,
			reason: n.noRoute(src)})
		return
	}
	n.f.report(e, sight{at: at, point: network.PointOutput, direction: network.Out})
	if n.owns(src) {
		n.localInput(e)
		return
	}
	n.transmit(e, r)
}

// putIPv4 writes the header of a packet that fills b.
func putIPv4(b []byte, id uint16, proto byte, src, dst ip4) {
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[4:], id)
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	setIPChecksum(b)
}
