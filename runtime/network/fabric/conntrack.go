package fabric

import (
	"math/rand/v2"
	"time"
)

// conn is a tracked connection: what its packets look like in either direction on arrival. Without translation one tuple
// is the inverse of the other.
type conn struct {
	tuples  [2]tuple // as the opener sends, and as the answers arrive
	state   tcpState
	expires time.Duration
	// answered is set when packets have gone both ways.
	answered  bool
	confirmed bool      // in the table
	allowed   bool      // policies have let it through
	rule      string    // which Service rule translated it
	masq      bool      // to be masqueraded on the way out
	kinds     [2]string // what was done to destination and source, for reports
}

// directions of a conn.
const (
	original = 0
	answer   = 1
)

type tcpState uint8

// States of TCP connections as conntrack has them.
const (
	tcpNone tcpState = iota
	tcpSynSent
	tcpSynRecv
	tcpEstablished
	tcpFinWait
	tcpCloseWait
	tcpLastAck
	tcpTimeWait
	tcpClose
	tcpSynSent2
	tcpInvalid // the packet fits no state
	tcpIgnore  // it fits, but may be a lie: let it pass and stay
)

const (
	tcpFIN = 1
	tcpSYN = 2
	tcpRST = 4
	tcpACK = 16
)

// tcpNext is the table of Linux's nf_conntrack_proto_tcp.c (tcp_conntracks): by direction, kind of packet (SYN, SYN+ACK,
// FIN, ACK, RST, none) and state.
var tcpNext = func() (table [2][6][10]tcpState) {
	const (
		no = tcpNone
		ss = tcpSynSent
		sr = tcpSynRecv
		es = tcpEstablished
		fw = tcpFinWait
		cw = tcpCloseWait
		la = tcpLastAck
		tw = tcpTimeWait
		cl = tcpClose
		s2 = tcpSynSent2
		iv = tcpInvalid
		ig = tcpIgnore
	)
	return [2][6][10]tcpState{
		{ //  no  ss  sr  es  fw  cw  la  tw  cl  s2
			{ss, ss, ig, ig, ig, ig, ig, ss, ss, s2},
			{iv, iv, sr, iv, iv, iv, iv, iv, iv, sr},
			{iv, iv, fw, fw, la, la, la, tw, cl, iv},
			{es, iv, es, es, cw, cw, tw, tw, cl, iv},
			{iv, cl, cl, cl, cl, cl, cl, cl, cl, cl},
			{iv, iv, iv, iv, iv, iv, iv, iv, iv, iv},
		},
		{
			{iv, s2, iv, iv, iv, iv, iv, ss, iv, s2},
			{iv, sr, ig, ig, ig, ig, ig, ig, ig, sr},
			{iv, iv, fw, fw, la, la, la, tw, cl, iv},
			{iv, ig, sr, es, cw, cw, tw, tw, cl, ig},
			{iv, cl, cl, cl, cl, cl, cl, cl, cl, cl},
			{iv, iv, iv, iv, iv, iv, iv, iv, iv, iv},
		},
	}
}()

// tcpTimeouts are Linux's, by state.
var tcpTimeouts = [...]time.Duration{
	tcpNone: 2 * time.Minute, tcpSynSent: 2 * time.Minute, tcpSynRecv: time.Minute, tcpEstablished: 5 * 24 * time.Hour,
	tcpFinWait: 2 * time.Minute, tcpCloseWait: time.Minute, tcpLastAck: 30 * time.Second, tcpTimeWait: 2 * time.Minute,
	tcpClose: 10 * time.Second, tcpSynSent2: 2 * time.Minute,
}

// Timeouts of the other protocols, Linux's too.
const (
	udpTimeout       = 30 * time.Second
	udpStreamTimeout = 120 * time.Second
	icmpTimeout      = 30 * time.Second
	genericTimeout   = 600 * time.Second
)

const (
	trackLimit = 1 << 16 // connections
	sweepEvery = 30 * time.Second
)

// tracker is a node's connection tracking. It belongs to Run's goroutine.
type tracker struct {
	f        *Fabric
	rng      *rand.Rand
	table    map[tuple]tracked
	sweeping bool
}

type tracked struct {
	conn *conn
	dir  int
}

func newTracker(f *Fabric, rng *rand.Rand) *tracker {
	return &tracker{f: f, rng: rng, table: map[tuple]tracked{}}
}

// find returns what is known of a tuple.
func (t *tracker) find(key tuple) (tracked, bool) {
	e, ok := t.table[key]
	if ok && t.f.now >= e.conn.expires {
		t.remove(e.conn)
		return tracked{}, false
	}
	return e, ok
}

// attach finds the packet's connection, or begins one that [tracker.confirm] will keep. It returns why the packet must be
// dropped.
func (t *tracker) attach(p *packet) (problem string) {
	ip := p.ip()
	if isICMPError(ip) {
		if quoted := ip[headerLen(ip):]; len(quoted) >= 8+28 && quoted[8]>>4 == 4 && headerLen(quoted[8:]) >= 20 {
			if key, ok := tupleOf(quoted[8:]); ok {
				if e, ok := t.find(key.inverse()); ok {
					p.conn, p.dir, p.related = e.conn, e.dir, true
				}
			}
		}
		return ""
	}
	key, ok := tupleOf(ip)
	if !ok {
		return ""
	}
	e, known := t.find(key)
	if known && key.proto == protoTCP && reopens(e, ip) {
		t.remove(e.conn)
		known = false
	}
	if !known {
		e = tracked{&conn{tuples: [2]tuple{key, key.inverse()}}, original}
	}
	switch {
	case t.update(e, ip):
		p.conn, p.dir, p.fresh = e.conn, e.dir, !known
	case known:
		return "connection tracking: the packet fits no state of its connection"
	}
	return ""
}

// reopens reports whether a SYN begins a new connection with the ports of one that is over.
func reopens(e tracked, ip []byte) bool {
	return opens(ip) && (e.conn.state == tcpTimeWait || e.conn.state == tcpClose)
}

// update moves the connection's state and its expiry on; false when the packet is invalid.
func (t *tracker) update(e tracked, ip []byte) bool {
	c := e.conn
	if e.dir == answer {
		c.answered = true
	}
	timeout := genericTimeout
	switch c.tuples[original].proto {
	case protoTCP:
		if len(ip) < headerLen(ip)+20 {
			return false
		}
		switch next := tcpNext[e.dir][tcpKind(ip[headerLen(ip)+13])][c.state]; next {
		case tcpInvalid:
			return false
		case tcpIgnore:
		default:
			c.state = next
		}
		timeout = tcpTimeouts[c.state]
	case protoUDP:
		timeout = udpTimeout
		if c.answered {
			timeout = udpStreamTimeout
		}
	case protoICMP:
		timeout = icmpTimeout
	}
	c.expires = t.f.now + timeout
	return true
}

func tcpKind(flags byte) int {
	switch {
	case flags&tcpRST != 0:
		return 4
	case flags&tcpSYN != 0 && flags&tcpACK != 0:
		return 1
	case flags&tcpSYN != 0:
		return 0
	case flags&tcpFIN != 0:
		return 2
	case flags&tcpACK != 0:
		return 3
	}
	return 5
}

// confirm keeps a new connection. When its answers would look like another connection's, its source port is changed, as
// nf_nat does even where nothing else is translated. It returns why the packet must be dropped.
func (t *tracker) confirm(c *conn) (problem string) {
	if c.confirmed {
		return ""
	}
	if len(t.table) >= 2*trackLimit {
		return "connection tracking: table full"
	}
	if _, taken := t.find(c.tuples[original]); taken {
		return "connection tracking: clash"
	}
	if _, taken := t.find(c.tuples[answer]); taken && !t.remap(c) {
		return "connection tracking: no free port"
	}
	c.confirmed = true
	t.table[c.tuples[original]] = tracked{c, original}
	t.table[c.tuples[answer]] = tracked{c, answer}
	t.sweep()
	return ""
}

// remap finds a free source port in the range that the kernel would use.
func (t *tracker) remap(c *conn) bool {
	low, high := 1024, 65535
	switch port := c.tuples[original].sp; {
	case c.tuples[original].proto == protoICMP:
		low, high = 0, echoPort-1
	case port < 512:
		low, high = 1, 511
	case port < 1024:
		low, high = 600, 1023
	}
	was := c.tuples[answer].dp
	start, size := t.rng.IntN(high-low+1), high-low+1
	for i := range min(size, 128) { // the kernel gives up after 128 tries as well
		c.tuples[answer].dp = uint16(low + (start+i)%size)
		if _, taken := t.find(c.tuples[answer]); !taken {
			if c.kinds[1] == "" {
				c.kinds[1] = "port remap"
			}
			return true
		}
	}
	c.tuples[answer].dp = was
	return false
}

func (t *tracker) remove(c *conn) {
	for _, key := range c.tuples {
		if t.table[key].conn == c {
			delete(t.table, key)
		}
	}
}

// removeIf forgets connections.
func (t *tracker) removeIf(match func(c *conn) bool) {
	for _, e := range t.table {
		if e.dir == original && match(e.conn) {
			t.remove(e.conn)
		}
	}
}

// sweep forgets what has expired, again and again while there is something: an idle lab has no timer.
func (t *tracker) sweep() {
	if t.sweeping {
		return
	}
	t.sweeping = true
	t.f.after(sweepEvery, func() {
		t.sweeping = false
		t.removeIf(func(c *conn) bool { return t.f.now >= c.expires })
		if len(t.table) > 0 {
			t.sweep()
		}
	})
}
