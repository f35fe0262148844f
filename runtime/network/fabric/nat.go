package fabric

import (
	"encoding/binary"

	"github.com/kubestep/kubestep/runtime/network"
)

// prerouting tracks a packet's connection and translates its destination: for a new connection by the Service rules, for
// the others as their first packet was. It returns false when the packet goes no further.
func (n *Node) prerouting(p *packet, in *place, bridged bool) bool {
	point := network.PointPrerouting
	if p.local {
		point = network.PointOutput
	}
	if reason := n.filtered(p, in); reason != "" {
		n.drop(p, in, point, reason)
		return false
	}
	if problem := n.tracker.attach(p); problem != "" {
		n.drop(p, in, point, problem)
		return false
	}
	rule := ""
	if p.fresh && n.bridge != nil {
		v := n.proxy(p.conn, p.local)
		rule = v.rule
		if v.action != proxyPass {
			n.drop(p, in, point, v.rule)
			if v.action == proxyReject {
				n.icmpError(p, icmpUnreachable, codePort, 0, in)
			}
			return false
		}
	}
	nat := n.translate(p, manipDst)
	if nat == nil && bridged && rule == "" {
		return true // one hop less for what only passes by
	}
	if nat != nil && rule == "" && p.conn != nil {
		rule = p.conn.rule
	}
	n.f.report(p, sight{at: in, point: point, direction: network.In, rule: rule, nat: nat})
	return true
}

// postrouting translates a packet's source on its way out, and keeps a new connection. r is nil for what is bridged.
func (n *Node) postrouting(p *packet, out *place, r *route) bool {
	if c := p.conn; c != nil && !c.confirmed {
		source := n.bridgeAddr // of what is bridged
		if r != nil {
			source = r.source
		}
		if n.masquerades(c, p.local) {
			c.tuples[answer].dst = source
			c.kinds[1] = "masquerade"
		}
		if problem := n.tracker.confirm(c); problem != "" {
			n.drop(p, out, network.PointPostrouting, problem)
			return false
		}
	}
	if nat := n.translate(p, manipSrc); nat != nil {
		n.f.report(p, sight{at: out, point: network.PointPostrouting, direction: network.Out, rule: p.conn.rule, nat: nat})
	}
	return true
}

// translateAnswer does for what is delivered locally what postrouting does for what is sent on.
func (n *Node) translateAnswer(p *packet, at *place) bool {
	if c := p.conn; c != nil && !c.confirmed {
		if problem := n.tracker.confirm(c); problem != "" {
			n.drop(p, at, network.PointLocal, problem)
			return false
		}
	}
	if nat := n.translate(p, manipSrc); nat != nil {
		n.f.report(p, sight{at: at, point: network.PointPostrouting, direction: network.In, rule: p.conn.rule, nat: nat})
	}
	return true
}

// masquerades reports whether a new connection gets the node's address as its source: because a Service rule says so, or
// because a Pod leaves the cluster (flannel's --ip-masq).
func (n *Node) masquerades(c *conn, local bool) bool {
	if c.masq {
		return true
	}
	src, dst := c.tuples[original].src, c.tuples[answer].src
	return !local && n.bridge != nil && n.f.inCluster(src) && !n.f.inCluster(dst)
}

// manip says which end of a packet is translated.
type manip int

const (
	manipDst manip = iota
	manipSrc
)

// translate rewrites one end of a packet to what the other side of the connection knows it as, and returns what it did,
// nil for nothing.
func (n *Node) translate(p *packet, m manip) *natRecord {
	c := p.conn
	if c == nil {
		return nil
	}
	if p.related {
		return n.translateError(p, m)
	}
	out := c.tuples[1-p.dir].inverse() // the packet once both ends are translated
	ip := p.ip()
	before, _ := tupleOf(ip)
	after := before
	if m == manipDst {
		after.dst, after.dp = out.dst, out.dp
	} else {
		after.src, after.sp = out.src, out.sp
	}
	if after == before {
		return nil
	}
	p.mutable()
	ip = p.ip()
	if m == manipDst {
		setAddress(ip, false, after.dst, after.dp)
	} else {
		setAddress(ip, true, after.src, after.sp)
	}
	return n.record(p, kindOf(p, m), before.fiveTuple(), after.fiveTuple())
}

// kindOf names a translation.
func kindOf(p *packet, m manip) string {
	if p.dir == answer {
		return "reverse"
	}
	return p.conn.kinds[m]
}

// record makes the report of a translation, when somebody looks.
func (n *Node) record(p *packet, kind string, before, after network.FiveTuple) *natRecord {
	if !n.f.watched() {
		return nil
	}
	nat := &natRecord{Kind: kind, Before: before, After: after}
	if p.flow == nil {
		n.f.findFlow(p, nat)
	}
	n.f.alias(p, after)
	return nat
}

// translateError rewrites an ICMP error about a translated packet, so that the one who sent that packet recognises it:
// nf_nat_icmp_reply_translation. As in Linux, an error from beyond a destination translation seems to come from the
// address that the sender had asked for.
func (n *Node) translateError(p *packet, m manip) *natRecord {
	c := p.conn
	sent := c.tuples[1-p.dir] // the quoted packet as its sender knows it
	ip := p.ip()
	quoted := ip[headerLen(ip)+8:]
	seen, ok := tupleOf(quoted)
	if !ok {
		return nil
	}
	want := seen
	if m == manipDst {
		want.src, want.sp = sent.src, sent.sp
	} else {
		want.dst, want.dp = sent.dst, sent.dp
	}
	if want == seen {
		return nil
	}
	before := network.FiveTuple{Protocol: "icmp", Src: addrPort(srcOf(ip)), Dst: addrPort(dstOf(ip))}
	p.mutable()
	ip = p.ip()
	quoted = ip[headerLen(ip)+8:]
	if m == manipDst {
		setAddress(quoted, true, want.src, want.sp)
		setAddress(ip, false, want.src, 0)
	} else {
		setAddress(quoted, false, want.dst, want.dp)
		setAddress(ip, true, want.dst, 0)
	}
	message := ip[headerLen(ip):]
	message[2], message[3] = 0, 0
	binary.BigEndian.PutUint16(message[2:], ^onesSum(message, 0))
	if !n.f.watched() {
		return nil
	}
	return &natRecord{Kind: "reverse", Before: before,
		After: network.FiveTuple{Protocol: "icmp", Src: addrPort(srcOf(ip)), Dst: addrPort(dstOf(ip))}}
}
