package fabric

import (
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/network"
)

// place is where hops are seen.
type place struct {
	node      string
	namespace string
	device    string
	mtu       int
}

// sight is one look at a packet.
type sight struct {
	at        *place
	point     string
	direction string
	frame     bool // the Ethernet header is valid
	verdict   string
	reason    string
	rule      string
	nat       *natRecord
}

// natRecord is what a translation did, in a hop.
type natRecord = trace.NAT

// seen is a hop and its packet, which are made and kept together, many times for each packet.
type seen struct {
	hop    network.Hop
	packet trace.Packet
}

// report shows a packet to the observer and waits for it; the clock stands still meanwhile.
func (f *Fabric) report(p *packet, s sight) {
	w := f.watch.Load()
	if !w.looks(f) {
		return
	}
	if p.flow == nil {
		f.findFlow(p, s.nat)
	}
	from, to := f.ends(p)
	cause, exact := p.led()
	if cause == 0 && !w.wants(s.at.namespace, from, to) {
		return
	}
	ip := p.frameIP(s.frame)
	one := &seen{hop: network.Hop{Packet: p.id, Reply: p.reply, From: from, To: to, Node: s.at.node,
		Namespace: s.at.namespace, Device: s.at.device, Direction: s.direction, Point: s.point, MTU: s.at.mtu, Rule: s.rule,
		NAT: s.nat, Verdict: s.verdict, Reason: s.reason}}
	h := &one.hop
	if h.Verdict == "" {
		h.Verdict = network.Forwarded
	}
	p.shared = true
	raw := p.data[:len(p.data):len(p.data)]
	if s.frame {
		h.Data = one.packet.Init(raw, network.Parse)
	} else {
		h.Data = one.packet.Init(raw[etherLen:], network.ParseIP)
	}
	if ip != nil {
		h.TTL = int(innermost(ip)[8])
	}
	if p.flow != nil {
		h.Flow = p.flow.ID
	}
	if f.still {
		h.VirtualUs = f.now.Microseconds()
	} else {
		h.VirtualUs = f.clock.halt().Microseconds()
	}
	seq, err := w.observer.Hop(f.ctx, h, cause, exact)
	if !f.still {
		f.clock.Resume()
	}
	if err != nil || seq == 0 {
		return
	}
	p.cause = seq
	if p.flow != nil {
		p.flow.LastEvent = seq
	}
}

// ends returns the Pods at both ends of a packet's way, as far as they are known by now. A translation hides one of them;
// the flow remembers it.
func (f *Fabric) ends(p *packet) (from, to string) {
	if p.etherType() == etherARP || len(p.data) < etherLen+20 {
		return "", ""
	}
	ip := p.ip()
	ip = innermost(ip)
	from, to = f.pods[srcOf(ip)], f.pods[dstOf(ip)]
	if p.flow == nil || isICMPError(ip) { // an error comes from wherever it happened
		return from, to
	}
	client, server := &p.flow.Client, &p.flow.Server
	if p.reply {
		client, server = server, client
	}
	if *client == "" {
		*client = from
	}
	if *server == "" {
		*server = to
	}
	return *client, *server
}

// frameIP returns the IP packet in p, nil when there is none.
func (p *packet) frameIP(frame bool) []byte {
	if frame && p.etherType() != etherIPv4 || len(p.data) < etherLen+20 {
		return nil
	}
	return p.ip()
}

// innermost returns the packet in a VXLAN packet, other packets as they are.
func innermost(ip []byte) []byte {
	const inner = 20 + 8 + 8 + etherLen
	if ip[9] == protoUDP && ip[0] == 0x45 && len(ip) >= inner+20 && fragOffset(ip) == 0 &&
		int(ip[22])<<8|int(ip[23]) == network.VXLANPort {
		return ip[inner:]
	}
	return ip
}

// findFlow gives a packet its flow: by its addresses, before translation when there was one.
func (f *Fabric) findFlow(p *packet, nat *natRecord) {
	ip := p.frameIP(p.etherType() == etherIPv4)
	if ip == nil {
		return
	}
	ip = innermost(ip)
	if nat != nil {
		p.flow, p.reply = f.flows.Find(nat.Before, false, f.now)
		return
	}
	if isICMPError(ip) {
		// An error belongs to the flow of the packet that it quotes, against its direction.
		quoted := ip[headerLen(ip):]
		if len(quoted) < 8+28 {
			return
		}
		if t, ok := tupleOf(quoted[8:]); ok {
			var reply bool
			p.flow, reply = f.flows.Find(t.fiveTuple(), false, f.now)
			p.reply = !reply
		}
		return
	}
	if t, ok := tupleOf(ip); ok {
		p.flow, p.reply = f.flows.Find(t.fiveTuple(), opens(ip), f.now)
	}
}

// opens reports whether a packet asks for a new connection.
func opens(ip []byte) bool {
	at := headerLen(ip) + 13
	return ip[9] == protoTCP && len(ip) > at && ip[at]&(tcpSYN|tcpACK) == tcpSYN
}

// alias makes the packet's flow known by its addresses after a translation.
func (f *Fabric) alias(p *packet, after network.FiveTuple) {
	if p.flow == nil {
		return
	}
	if p.reply {
		after = after.Reverse()
	}
	f.flows.Alias(p.flow, after)
}
