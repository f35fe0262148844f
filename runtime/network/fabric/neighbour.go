package fabric

import (
	"encoding/binary"
	"time"
)

// Linux's defaults (net/ipv4/arp.c): base_reachable_time, retrans_time, mcast_solicit and ucast_solicit.
const (
	reachableFor = 30 * time.Second
	solicitEvery = time.Second
	solicitTimes = 3
)

// neighbourLimit and waitLimit bound what one device remembers: Linux's gc_thresh3 and, in packets, unres_qlen.
const (
	neighbourLimit = 1024
	waitLimit      = 101
)

const (
	arpRequest = 1
	arpReply   = 2
	arpLen     = 28
)

// neighbours is a device's ARP table. It belongs to Run's goroutine.
type neighbours struct {
	f       *Fabric
	hw      hwaddr
	entries map[ip4]*neighbour
	// send puts an ARP frame onto the device's segment; fail gets packets whose next hop does not answer.
	send func(p *packet)
	fail func(p *packet)
}

type neighbour struct {
	hw        hwaddr
	known     bool
	confirmed time.Duration
	asking    bool
	asked     int
	waiting   []*packet
	request   *packet // as it was sent last
	out       func(p *packet)
}

func newNeighbours(f *Fabric, hw hwaddr, send, fail func(p *packet)) *neighbours {
	return &neighbours{f: f, hw: hw, entries: map[ip4]*neighbour{}, send: send, fail: fail}
}

// transmit addresses p to the next hop and hands it to out; first it asks for the hop's address when that is not known.
func (t *neighbours) transmit(p *packet, hop, source ip4, out func(p *packet)) {
	e := t.entries[hop]
	if e == nil {
		if len(t.entries) >= neighbourLimit {
			t.evict()
		}
		e = &neighbour{}
		t.entries[hop] = e
	}
	if e.known {
		p.setEther(e.hw, t.hw)
		if t.f.now-e.confirmed > reachableFor && !e.asking { // stale: use it and make sure
			t.solicit(p, hop, source, e)
		}
		out(p)
		return
	}
	if len(e.waiting) >= waitLimit {
		e.waiting = e.waiting[1:]
	}
	e.waiting = append(e.waiting, p)
	e.out = out
	if !e.asking {
		t.solicit(p, hop, source, e)
	}
}

// solicit asks for a neighbour's address, for the sake of p, until it answers or has been asked often enough.
func (t *neighbours) solicit(p *packet, hop, source ip4, e *neighbour) {
	why := p.cause
	e.asking, e.asked = true, 0
	var ask func()
	ask = func() {
		switch {
		case t.entries[hop] != e || !e.asking:
			return
		case e.asked == solicitTimes:
			delete(t.entries, hop)
			for _, p := range e.waiting {
				t.fail(p)
			}
			return
		}
		e.asked++
		to := broadcast
		if e.known {
			to = e.hw
		}
		// The timer first: the answer may come before send returns.
		t.f.after(solicitEvery, ask)
		e.request = &packet{id: t.f.newID(), data: arpFrame(arpRequest, t.hw, source, to, hop), cause: why}
		t.send(e.request)
	}
	ask()
}

// learn takes in that a neighbour has an address: from an ARP packet, or with create unset from other proof that it is
// there. Packets that waited for it go out.
func (t *neighbours) learn(a ip4, hw hwaddr, create bool) {
	e := t.entries[a]
	if e == nil {
		if !create || a.unspecified() || len(t.entries) >= neighbourLimit {
			return
		}
		e = &neighbour{}
		t.entries[a] = e
	}
	e.hw, e.known, e.confirmed, e.asking = hw, true, t.f.now, false
	waiting := e.waiting
	e.waiting, e.request = nil, nil
	for _, p := range waiting {
		p.setEther(hw, t.hw)
		e.out(p)
	}
}

// evict drops stale entries, as Linux's forced garbage collection does.
func (t *neighbours) evict() {
	for a, e := range t.entries {
		if e.known && t.f.now-e.confirmed > reachableFor {
			delete(t.entries, a)
		}
	}
}

// newID numbers a packet that the fabric itself makes.
func (f *Fabric) newID() uint64 {
	f.packets++
	return f.packets
}

// arpFrame returns a request for, or a reply to, the target.
func arpFrame(op uint16, hw hwaddr, sender ip4, targetHW hwaddr, target ip4) []byte {
	b := make([]byte, etherLen+arpLen)
	copy(b, targetHW[:])
	copy(b[6:], hw[:])
	binary.BigEndian.PutUint16(b[12:], etherARP)
	a := b[etherLen:]
	copy(a, []byte{0, 1, 8, 0, 6, 4})
	binary.BigEndian.PutUint16(a[6:], op)
	copy(a[8:], hw[:])
	copy(a[14:], sender[:])
	if targetHW != broadcast {
		copy(a[18:], targetHW[:])
	}
	copy(a[24:], target[:])
	return b
}

// arpPacket is what a node needs to know of an ARP frame.
type arpPacket struct {
	op             uint16
	sender, target ip4
	senderHW       hwaddr
}

func parseARP(b []byte) (a arpPacket, ok bool) {
	if len(b) < arpLen || [6]byte(b[:6]) != [6]byte{0, 1, 8, 0, 6, 4} {
		return a, false
	}
	return arpPacket{binary.BigEndian.Uint16(b[6:]), ip4(b[14:18]), ip4(b[24:28]), hwaddr(b[8:14])}, true
}

// input works on an ARP frame that came to a device with the address own: it learns and answers as Linux's arp_process
// does: from what asks for own, and from whom is known already (gratuitous ARP among it).
func (t *neighbours) input(p *packet, a arpPacket, own ip4) {
	forMe := a.target == own
	t.learn(a.sender, a.senderHW, forMe)
	if forMe && a.op == arpRequest {
		t.send(&packet{id: t.f.newID(), data: arpFrame(arpReply, t.hw, own, a.senderHW, a.sender),
			cause: p.cause})
	}
}

// answered makes an ARP reply, which has just come from whoever was asked, an effect of the request.
func (t *neighbours) answered(p *packet) {
	if p.cause != 0 || p.etherType() != etherARP || !t.f.watched() {
		return
	}
	if a, ok := parseARP(p.data[etherLen:]); ok && a.op == arpReply {
		if e := t.entries[a.sender]; e != nil && e.request != nil {
			p.cause = e.request.cause
		}
	}
}

func isARPRequest(frame []byte) bool {
	if len(frame) < etherLen || binary.BigEndian.Uint16(frame[12:]) != etherARP {
		return false
	}
	a, ok := parseARP(frame[etherLen:])
	return ok && a.op == arpRequest
}
