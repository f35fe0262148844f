package fabric

import (
	"slices"
	"time"

	"github.com/kubestep/kubestep/runtime/network"
)

// fdbAge is how long a learnt address is believed: Linux's bridge ageing time.
const fdbAge = 300 * time.Second

// fdbLimit bounds the table: a Pod can send from any address it likes.
const fdbLimit = 4096

// segment is a layer 2 network that learns which address is behind which port: a node's bridge, and the wire between the
// nodes. It belongs to Run's goroutine.
type segment struct {
	f     *Fabric
	ports []*port // in the order in which they were plugged in, in which frames are flooded
	fdb   map[hwaddr]fdbEntry
}

type fdbEntry struct {
	port *port
	seen time.Duration
}

// port is one place to plug into a segment. Its link is what faults happen to.
type port struct {
	name    string
	link    link
	deliver func(p *packet) // to whoever is at the other end
}

func newSegment(f *Fabric) *segment { return &segment{f: f, fdb: map[hwaddr]fdbEntry{}} }

func (s *segment) plug(p *port) { s.ports = append(s.ports, p) }

func (s *segment) unplug(p *port) {
	s.ports = slices.DeleteFunc(s.ports, func(q *port) bool { return q == p })
	for a, e := range s.fdb {
		if e.port == p {
			delete(s.fdb, a)
		}
	}
}

// learn notes that src is behind from.
func (s *segment) learn(src hwaddr, from *port) {
	if src[0]&1 != 0 { // a group address is nobody's
		return
	}
	if _, known := s.fdb[src]; !known && len(s.fdb) >= fdbLimit {
		for a, e := range s.fdb {
			if s.f.now-e.seen > fdbAge {
				delete(s.fdb, a)
			}
		}
		if len(s.fdb) >= fdbLimit {
			return
		}
	}
	s.fdb[src] = fdbEntry{from, s.f.now}
}

// find returns the port that dst is behind, nil when nobody knows: then a frame is flooded.
func (s *segment) find(dst hwaddr) *port {
	e, ok := s.fdb[dst]
	if !ok {
		return nil
	}
	if s.f.now-e.seen > fdbAge {
		delete(s.fdb, dst)
		return nil
	}
	return e.port
}

// forward sends a frame to the port of its destination, or to all ports but from.
func (s *segment) forward(p *packet, from *port, send func(to *port, p *packet)) {
	if to := s.find(p.etherDst()); to != nil {
		if to != from {
			send(to, p)
		}
		return
	}
	var others []*port
	for _, to := range s.ports {
		if to != from {
			others = append(others, to)
		}
	}
	for i, to := range others {
		copied := p
		if i < len(others)-1 {
			p.shared = true
			copied = p.child(p.data)
			copied.shared = true
		}
		send(to, copied)
	}
}

// link is a cable and what is wrong with it.
type link struct {
	fault  network.Fault
	frames uint64
}

// carry decides what becomes of a frame on the link: why it is lost, or how long it is delayed.
func (l *link) carry(f *Fabric, p *packet) (lost string, delay time.Duration) {
	if l.fault == (network.Fault{}) {
		return "", 0
	}
	size := network.Size{}
	if ip := p.frameIP(true); ip != nil {
		size = network.Size{IP: len(ip), ICMPError: isICMPError(innermost(ip))}
	}
	l.frames++
	return l.fault.Judge(l.frames-1, size, f.rng.Float64)
}

// send moves a frame over a link to deliver, later when the link delays it. at is where a loss is reported.
func (l *link) send(f *Fabric, p *packet, at *place, point, direction string, deliver func(p *packet)) {
	lost, delay := l.carry(f, p)
	switch {
	case lost != "":
		f.report(p, sight{at: at, point: point, direction: direction, frame: true, verdict: network.Dropped,
			reason: "fault: " + lost})
	case delay > 0:
		f.after(delay, func() { deliver(p) })
	default:
		deliver(p)
	}
}
