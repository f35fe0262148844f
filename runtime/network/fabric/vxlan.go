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
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp))) // no checksum: Linux's default for VXLAN
	udp[8] = vxlanFlag
	binary.BigEndian.PutUint32(udp[12:], vni<<8)
	binary.BigEndian.PutUint16(data[12:], etherIPv4)
	n.f.report(outer, sight{at: &n.flannel, point: network.PointEncap, direction: network.Out})
	if r := n.lookup(to.address); r != nil {
		n.emit(outer, r.dev.mtu, func(p *packet) { n.transmit(p, r) })
	}
}

// tunnelPort spreads flows over source ports, so that the underlay can balance them.
func tunnelPort(ip []byte) uint16 {
	h := fnv.New32a()
	_, _ = h.Write(ip[9:10])
	_, _ = h.Write(ip[12:min(len(ip), headerLen(ip)+4)])
	return 49152 + uint16(h.Sum32()%16384)
}

// isTunnelled reports whether a packet is one of another node's tunnel.
func (n *Node) isTunnelled(ip []byte) bool {
	if n.bridge == nil || n.f.cfg.Mode != VXLAN || ip[9] != protoUDP || dstOf(ip) != n.address {
		return false
	}
	udp := ip[headerLen(ip):]
	return len(udp) >= 16+etherLen+20 && binary.BigEndian.Uint16(udp[2:]) == network.VXLANPort
}

// decapsulate takes a packet out of the tunnel.
func (n *Node) decapsulate(outer *packet) {
	udp := outer.ip()[headerLen(outer.ip()):]
	inner := outer.child(udp[16:])
	inner.shared = outer.shared
	if udp[8]&vxlanFlag == 0 || binary.BigEndian.Uint32(udp[12:])>>8 != vni || inner.etherDst() != n.tunnelHW ||
		inner.etherType() != etherIPv4 {
		n.drop(outer, &n.flannel, network.PointDecap, "not for this tunnel")
		return
	}
	n.f.report(inner, sight{at: &n.flannel, point: network.PointDecap, direction: network.In, frame: true})
	n.ipInput(inner, &n.flannel)
}
