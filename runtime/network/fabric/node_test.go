package fabric

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/kubestep/kubestep/runtime/network"
)

// inRun runs do in the fabric's goroutine.
func (l *lab) inRun(do func()) {
	done := make(chan struct{})
	l.f.change(func() {
		defer close(done)
		do()
	})
	<-done
}

// ipPacket returns a frame with an IP packet.
func ipPacket(proto byte, src, dst string, payload []byte) []byte {
	b := make([]byte, etherLen+20+len(payload))
	b[12] = 0x08
	copy(b[etherLen+20:], payload)
	putIPv4(b[etherLen:], 77, proto, toIP4(ip(src)), toIP4(ip(dst)))
	return b
}

func tcpHeader(sp, dp uint16, flags byte) []byte {
	b := make([]byte, 20)
	b[0], b[1], b[2], b[3], b[12], b[13] = byte(sp>>8), byte(sp), byte(dp>>8), byte(dp), 0x50, flags
	return b
}

// TestConntrackStates follows connections through Linux's states and time-outs, in virtual time.
func TestConntrackStates(t *testing.T) {
	type step struct {
		fromServer bool
		flags      byte
		want       tcpState
	}
	for _, test := range []struct {
		name    string
		steps   []step
		timeout time.Duration
	}{
		{"opened", []step{{false, tcpSYN, tcpSynSent}, {true, tcpSYN | tcpACK, tcpSynRecv}, {false, tcpACK, tcpEstablished}},
			5 * 24 * time.Hour},
		{"closed by the client", []step{{false, tcpSYN, tcpSynSent}, {true, tcpSYN | tcpACK, tcpSynRecv},
			{false, tcpACK, tcpEstablished}, {false, tcpFIN | tcpACK, tcpFinWait}, {true, tcpACK, tcpCloseWait},
			{true, tcpFIN | tcpACK, tcpLastAck}, {false, tcpACK, tcpTimeWait}}, 2 * time.Minute},
		{"refused", []step{{false, tcpSYN, tcpSynSent}, {true, tcpRST | tcpACK, tcpClose}}, 10 * time.Second},
		{"picked up in the middle", []step{{false, tcpACK, tcpEstablished}, {true, tcpACK, tcpEstablished}}, 5 * 24 * time.Hour},
		{"opened again", []step{{false, tcpSYN, tcpSynSent}, {true, tcpRST | tcpACK, tcpClose}, {false, tcpSYN, tcpSynSent}},
			2 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer f.byName["gateway"].host.destroy()
			tr := newTracker(f, rand.New(rand.NewPCG(1, 1)))
			var last *conn
			for i, s := range test.steps {
				src, dst, sp, dp := "10.244.1.2", "10.244.2.2", uint16(4000), uint16(80)
				if s.fromServer {
					src, dst, sp, dp = dst, src, dp, sp
				}
				p := &packet{data: ipPacket(protoTCP, src, dst, tcpHeader(sp, dp, s.flags))}
				if problem := tr.attach(p); problem != "" || p.conn == nil {
					t.Fatalf("step %d: %q", i, problem)
				}
				if problem := tr.confirm(p.conn); problem != "" {
					t.Fatalf("step %d: %s", i, problem)
				}
				if last = p.conn; last.state != s.want {
					t.Fatalf("step %d: state %d, want %d", i, last.state, s.want)
				}
			}
			if got := last.expires - f.now; got != test.timeout {
				t.Errorf("expires in %v, want %v", got, test.timeout)
			}
			f.now += test.timeout
			if _, ok := tr.find(last.tuples[original]); ok || len(tr.table) != 0 {
				t.Errorf("it is still there, %d entries", len(tr.table))
			}
		})
	}
}

// TestReassembly cuts packets up and puts the parts together in any order.
func TestReassembly(t *testing.T) {
	f, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.byName["gateway"].host.destroy()
	r := newReassembler(f)
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 500 {
		payload := make([]byte, 1+rng.IntN(9000))
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		whole := ipPacket(protoUDP, "10.244.1.2", "10.244.2.2", payload)
		parts := fragments(whole[etherLen:], 576+rng.IntN(1000))
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		if round%3 == 0 { // one comes twice
			parts = slices.Insert(parts, len(parts)/2, bytes.Clone(parts[0]))
		}
		var got *packet
		for _, b := range parts {
			p := &packet{data: b}
			if problem := p.trimIP(); problem != "" {
				t.Fatal(problem)
			}
			if all := r.add(p); all != nil {
				got = all
			}
			if !isFragment(b[etherLen:]) {
				got = p
			}
		}
		if got == nil || !bytes.Equal(got.ip(), whole[etherLen:]) {
			t.Fatalf("round %d: %d parts of %d bytes do not become the packet", round, len(parts), len(payload))
		}
		clear(r.waiting) // a part that came twice, after the packet was whole
	}
	t.Run("overlap", func(t *testing.T) {
		parts := fragments(ipPacket(protoUDP, "10.244.1.2", "10.244.2.2", make([]byte, 3000))[etherLen:], 1000)
		evil := bytes.Clone(parts[1])
		evil[etherLen+7]-- // eight bytes further to the front
		setIPChecksum(evil[etherLen:])
		for _, b := range [][]byte{parts[0], evil, parts[1], parts[2]} {
			if r.add(&packet{data: b}) != nil {
				t.Error("overlapping parts become a packet")
			}
		}
	})
	t.Run("too late", func(t *testing.T) {
		clear(r.waiting)
		parts := fragments(ipPacket(protoUDP, "10.244.1.2", "10.244.2.2", make([]byte, 1500))[etherLen:], 1000)
		r.add(&packet{data: parts[0]})
		f.now += fragmentTime + 1
		if r.add(&packet{data: parts[1]}) != nil {
			t.Error("parts that are more than 30 s apart become a packet")
		}
	})
	t.Run("bounded", func(t *testing.T) {
		for i := range 4 * fragmentLimit {
			b := fragments(ipPacket(protoUDP, "10.244.1.2", "10.244.2.2", make([]byte, 1500))[etherLen:], 1000)[0]
			b[etherLen+4], b[etherLen+5] = byte(i>>8), byte(i)
			r.add(&packet{data: b})
		}
		if n := len(r.waiting); n > fragmentLimit {
			t.Errorf("%d datagrams wait", n)
		}
	})
}

// TestSetAddress checks the incremental checksums against ones that are computed anew.
func TestSetAddress(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for range 2000 {
		proto := []byte{protoTCP, protoUDP, protoICMP}[rng.IntN(3)]
		payload := make([]byte, 20+rng.IntN(200))
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		if proto == protoICMP {
			payload[0] = icmpEcho
		}
		b := ipPacket(proto, "10.1.2.3", "10.4.5.6", payload)[etherLen:]
		fill := func() uint16 {
			at := map[byte]int{protoTCP: 36, protoUDP: 26, protoICMP: 22}[proto]
			b[at], b[at+1] = 0, 0
			pseudo := uint32(0)
			if proto != protoICMP {
				pseudo = uint32(onesSum(b[12:20], 0)) + uint32(proto) + uint32(len(b)-20)
			}
			v := ^onesSum(b[20:], pseudo)
			b[at], b[at+1] = byte(v>>8), byte(v)
			return v
		}
		if fill() == 0 {
			continue // a UDP packet without checksum stays so
		}
		var a ip4
		for i := range a {
			a[i] = byte(rng.Uint32())
		}
		setAddress(b, rng.IntN(2) == 0, a, uint16(rng.IntN(65535)))
		if onesSum(b[:20], 0) != 0xffff {
			t.Fatal("the header's checksum is wrong")
		}
		got := bytes.Clone(b)
		if fill(); !bytes.Equal(got, b) {
			t.Fatalf("protocol %d: checksum differs from one that is computed anew", proto)
		}
	}
}

// TestAgeing lets the tables of a bridge and of ARP grow old.
func TestAgeing(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	if _, err := l.probe(l.pods["a1"].Namespace, Probe{To: ip("10.244.1.3")}); err != nil {
		t.Fatal(err)
	}
	l.inRun(func() {
		b := l.nodes["node-1"].bridge
		hw := podHW(toIP4(ip("10.244.1.3")))
		if b.find(hw) == nil {
			t.Error("the bridge has not learnt a2's address")
		}
		l.f.now += fdbAge + 1
		if b.find(hw) != nil || len(b.fdb) != 1 {
			t.Errorf("the bridge still knows it; it has %d addresses", len(b.fdb))
		}
		for i := range 3 * fdbLimit {
			b.learn(hwaddr{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}, b.ports[0])
		}
		if len(b.fdb) > fdbLimit {
			t.Errorf("%d addresses", len(b.fdb))
		}
	})
}

// TestAddressMoves gives a closed Pod's address to another one: its neighbours must find the new one at once.
func TestAddressMoves(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	for _, name := range []string{"first", "second"} {
		p := l.addPod("node-1", name, "10.244.1.50")
		l.serve(p.Namespace, name, 80)
		l.mustGet(l.pods["a1"].Namespace, "http://10.244.1.50/", name+" to 10.244.1.2")
		l.mustGet(l.pods["b1"].Namespace, "http://10.244.1.50/", name+" to 10.244.2.2")
		p.Close()
	}
	if _, err := l.nodes["node-1"].AddPod(PodConfig{Name: "x", Address: ip("10.244.1.2")}); err == nil {
		t.Error("an address that a Pod has is given again")
	}
	if _, err := l.nodes["node-1"].AddPod(PodConfig{Name: "x", Address: ip("10.244.2.9")}); err == nil {
		t.Error("an address of another node is taken")
	}
}

// FuzzFrames throws frames at a node: from one of its Pods, and from the wire. Nothing may panic.
func FuzzFrames(f *testing.F) {
	f.Add(ipPacket(protoTCP, "10.244.1.2", "10.96.0.10", tcpHeader(4000, 80, tcpSYN)), true)
	f.Add(ipPacket(protoICMP, "10.244.1.2", "10.244.2.2", []byte{icmpUnreachable, 4, 0, 0, 0, 0, 0, 0, 0x45}), false)
	f.Add(arpFrame(arpRequest, podHW(ip4{10, 244, 1, 2}), ip4{10, 244, 1, 2}, broadcast, ip4{10, 244, 1, 1}), true)
	f.Add(fragments(ipPacket(protoUDP, "10.244.1.2", "10.244.1.1", make([]byte, 2000))[etherLen:], 600)[1], true)
	outer := make([]byte, outerLen+etherLen+20)
	putIPv4(outer[etherLen:], 1, protoUDP, ip4{192, 168, 50, 12}, ip4{192, 168, 50, 11})
	outer[36], outer[37], outer[42], outer[48] = 0x21, 0x18, vxlanFlag, vni
	f.Add(outer, false)
	l := newLab(f, Config{Seed: 1})
	l.services(web("10.244.2.2:8080"))
	l.policies(Policy{Name: "p", Pods: []netip.Addr{ip("10.244.1.3")}, IsolatesIngress: true})
	r := &recorder{}
	l.f.Observe(r)
	n := l.nodes["node-1"]
	f.Fuzz(func(t *testing.T, b []byte, fromPod bool) {
		if len(b) < etherLen {
			return // no device takes less
		}
		b = bytes.Clone(b)
		copy(b, n.eth0HW[:])
		if fromPod {
			copy(b, n.bridgeHW[:])
			if len(b)%3 == 0 {
				copy(b, l.pods["a2"].nic.hw)
			}
		}
		if len(b) >= etherLen+20 && b[12] == 8 && b[13] == 0 && b[etherLen]>>4 == 4 && headerLen(b[etherLen:]) >= 20 &&
			len(b) >= etherLen+headerLen(b[etherLen:]) && len(b)%5 != 0 { // mostly past the first check
			b[etherLen+2], b[etherLen+3] = byte((len(b)-etherLen)>>8), byte(len(b)-etherLen)
			setIPChecksum(b[etherLen:])
		}
		l.inRun(func() {
			p := &packet{id: l.f.newID(), data: b}
			if fromPod {
				n.bridgeInput(l.pods["a1"], p)
			} else {
				n.wireInput(p)
			}
		})
		for _, h := range r.all() {
			if h.Data.Headers() == nil || h.Verdict == network.Dropped && h.Reason == "" {
				t.Fatalf("hop without headers or reason: %+v", h)
			}
		}
		r.reset()
	})
}
