package fabric

import (
	"encoding/binary"
	"hash/fnv"

	"github.com/kubestep/kubestep/runtime/network"
)

const (
	vni       = 1 // flannel's
	outerLen  = etherLen + 20 + 8 + 8
	vxlanFlag = 0x08 // the VNI is valid (RFC 7348)
)

// encapsulate sends a packet to another node through the tunnel: an Ethernet frame between the tunnel's ends, in VXLAN, in
// UDP between the nodes. flannel writes both ends' addresses into ARP table and FDB, so nobody needs to be asked.
func (n *Node) encapsulate(p *packet, to *Node) {
	p.setEther(to.tunnelHW, n.tunnelHW)
	data := make([]byte, outerLen+len(p.data))
	copy(data[outerLen:], p.data)
	outer := p.child(data)
	b := outer.ip()
	n.ipID++
	putIPv4(b, n.ipID, protoUDP, n.address, to.address)
	udp := b[20:]
	binary.BigEndian.PutUint16(udp, tunnelPort(p.ip()))
	binary.BigEndian.PutUint16(udp[2:], network.VXLANPort)
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	udp[8] = vxlanFlag
	binary.BigEndian.PutUint32(udp[12:], vni<<8)
	if ecn := p.ip()[1] & ecnMask; ecn != 0 {
		if ecn == ecnCE {
			ecn = ecnECT0 // the congestion is not the tunnel's
		}
		b[1] = ecn
		setIPChecksum(b)
	}
	setUDPChecksum(b) // Linux's default for VXLAN, which flannel leaves as it is
	binary.BigEndian.PutUint16(data[12:], etherIPv4)
	n.f.report(outer, sight{at: &n.flannel, point: network.PointEncap, direction: network.Out})
	if r := n.lookup(to.address); r != nil {
		n.emit(outer, r.dev.mtu, func(p *packet) { n.transmit(p, r) })
	}
}

// tunnelPort spreads flows over source ports, so that the underlay can balance them. The range is Linux's.
func tunnelPort(ip []byte) uint16 {
	h := fnv.New32a()
	_, _ = h.Write(ip[9:10])
	_, _ = h.Write(ip[12:min(len(ip), headerLen(ip)+4)])
	return 32768 + uint16(h.Sum32()%(61000-32768))
}

// isTunnelled reports whether a packet is for the node's end of the tunnel.
func (n *Node) isTunnelled(ip []byte) bool {
	if n.bridge == nil || n.f.cfg.Mode != VXLAN || ip[9] != protoUDP || dstOf(ip) != n.address {
		return false
	}
	udp := ip[headerLen(ip):]
	return len(udp) >= 8 && binary.BigEndian.Uint16(udp[2:]) == network.VXLANPort
}

// decapsulate takes a packet out of the tunnel.
func (n *Node) decapsulate(outer *packet) {
	udp := outer.ip()[headerLen(outer.ip()):]
	if problem := n.checkTunnelled(outer.ip(), udp); problem != "" {
		n.drop(outer, &n.flannel, network.PointDecap, problem)
		return
	}
	inner := outer.child(udp[16:])
	inner.shared = outer.shared
	if !markCongestion(outer.ip()[1]&ecnMask, inner) {
		n.drop(outer, &n.flannel, network.PointDecap, "congestion on the way of a packet that cannot be told of it")
		return
	}
	n.f.report(inner, sight{at: &n.flannel, point: network.PointDecap, direction: network.In, frame: true})
	n.ipInput(inner, &n.flannel)
}

// checkTunnelled says why Linux does not take a packet out of the tunnel (vxlan_rcv in drivers/net/vxlan).
func (n *Node) checkTunnelled(ip, udp []byte) (problem string) {
	switch {
	case len(udp) < 16+etherLen+20:
		return "too short for a packet in a tunnel"
	case int(binary.BigEndian.Uint16(udp[4:])) != len(udp):
		return "UDP length is wrong"
	case !udpChecksumRight(ip):
		return "UDP checksum is wrong"
	case binary.BigEndian.Uint32(udp[8:]) != vxlanFlag<<24 || binary.BigEndian.Uint32(udp[12:]) != vni<<8:
		return "not for this tunnel"
	case hwaddr(udp[16:22]) != n.tunnelHW || binary.BigEndian.Uint16(udp[16+12:]) != etherIPv4:
		return "the frame in the tunnel is not for this node"
	}
	return ""
}

// The bits of explicit congestion notification in the second byte of an IPv4 header (RFC 3168).
const (
	ecnMask = 3
	ecnECT1 = 1
	ecnECT0 = 2
	ecnCE   = 3
)

// markCongestion carries what the outer packet met on its way over to the inner one (RFC 6040 4.2, as in Linux's
// inet_ecn.h); false when that is impossible and the packet must be dropped.
func markCongestion(outer byte, inner *packet) bool {
	mark := byte(0)
	switch was := inner.ip()[1] & ecnMask; {
	case outer == ecnCE && was == 0:
		return false
	case outer == ecnCE && was != ecnCE:
		mark = ecnCE
	case outer == ecnECT1 && was == ecnECT0:
		mark = ecnECT1
	}
	if mark != 0 {
		inner.mutable()
		ip := inner.ip()
		old := [2]byte{ip[0], ip[1]}
		ip[1] = ip[1]&^ecnMask | mark
		adjust(ip[10:12], old[:], ip[:2])
	}
	return true
}
