package fabric

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/network"
)

// retransmissions returns how often the Pods' TCP sent something again.
func (l *lab) retransmissions() (n uint64) {
	for _, p := range l.pods {
		s := p.stack.Stats().TCP
		n += s.Retransmits.Value() + s.Timeouts.Value()
	}
	return n
}

// TestHeldHopStopsTime holds every hop of a connection for longer than TCP's initial retransmission time-out, in all for
// much longer than any of its timers: nothing may be sent twice, and the requests' own deadlines must not pass.
func TestHeldHopStopsTime(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.serve(l.pods["b1"].Namespace, "b1", 8080)
	l.services(web("10.244.2.2:8080"))
	r := &recorder{}
	held := 0
	r.hold = func(*network.Hop) {
		// A gate would wait for a learner. That real time passes is the point here; virtual time must not.
		before := l.f.clock.Elapsed()
		timer := time.NewTimer(20 * time.Millisecond)
		<-timer.C
		held++
		if after := l.f.clock.Elapsed(); after != before {
			t.Errorf("the clock went on by %v while a hop was held", after-before)
		}
	}
	l.f.Observe(r)
	began, virtual := time.Now(), l.f.clock.Elapsed()
	got, err := l.get(l.pods["a1"].Namespace, "http://10.96.0.10/", 500*time.Millisecond)
	if err != nil || got != "b1 to 10.244.1.2" {
		t.Fatalf("got %q, %v after %v of real time", got, err, time.Since(began))
	}
	l.f.Observe(nil)
	l.quiet()
	if held < 50 || time.Since(began) < time.Second {
		t.Errorf("only %d hops held, for %v", held, time.Since(began))
	}
	if passed := l.f.clock.Elapsed() - virtual; passed > 400*time.Millisecond {
		t.Errorf("%v of virtual time passed", passed)
	}
	if n := l.retransmissions(); n != 0 {
		t.Errorf("%d retransmissions", n)
	}
}

// stepGate is a gate that a test opens for one event at a time.
type stepGate struct {
	arrived chan *trace.Event
	release chan struct{}
}

func (g *stepGate) Admit(ctx context.Context, e *trace.Event) error {
	select {
	case g.arrived <- e:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-g.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestStepThroughTap steps a SYN through a tap's gate and looks at the events that are stored.
func TestStepThroughTap(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.serve(l.pods["b1"].Namespace, "b1", 8080)
	if _, err := l.probe(l.pods["a1"].Namespace, Probe{To: ip("10.244.2.2")}); err != nil {
		t.Fatal(err)
	}
	l.quiet()
	gate := &stepGate{make(chan *trace.Event), make(chan struct{})}
	store := trace.NewStore(trace.Limits{})
	l.f.Observe(&network.TapObserver{Tap: trace.NewTap(store, gate)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		c, err := l.pods["a1"].Dial(ctx, "tcp", "10.244.2.2:8080")
		if err == nil {
			err = c.Close()
		}
		done <- err
	}()
	var verbs []string
	for stepping := true; stepping; {
		select {
		case e := <-gate.arrived:
			if d := e.Detail.(*trace.HopDetail); d.Flow != 1 {
				t.Errorf("hop %d is of flow %d, want all in flow 1", len(verbs), d.Flow)
			}
			if verbs = append(verbs, e.Verb); e.Kind != trace.NetHop {
				t.Errorf("kind %q", e.Kind)
			}
			if len(verbs) <= 2*14 { // up to the SYN+ACK's arrival
				select {
				case err := <-done:
					t.Fatalf("dial ended with %v while hop %d was held", err, len(verbs))
				default:
				}
			}
			gate.release <- struct{}{}
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			stepping = false
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing moves after %v", verbs)
		}
	}
	l.f.Observe(nil)
	want := "veth bridge prerouting routing forward vxlan-encap wire wire vxlan-decap prerouting routing forward bridge veth"
	if got := strings.Join(verbs[:14], " "); got != want {
		t.Errorf("the SYN's points: %s, want %s", got, want)
	}
	batch := store.Since(0)
	for i, e := range batch.Events[:14] {
		if e.Open {
			t.Errorf("event %d is open", e.Seq)
		}
		if i > 0 && (e.Cause != batch.Events[i-1].Seq || e.CauseLink != trace.Exact) {
			t.Errorf("event %d (%s) is caused by %d, %s, want the hop before, exactly", e.Seq, e.Verb, e.Cause, e.CauseLink)
		}
	}
	if first := batch.Events[0]; first.Object.Name != "a1" || first.Object.Kind != "Pod" || first.Actor != "network@node-1" {
		t.Errorf("the first hop is of %v by %s", first.Object, first.Actor)
	}
	// The answer's first hop follows from the request's arrival: a guess, shown as one.
	if e := batch.Events[14]; e.Cause != batch.Events[13].Seq || e.CauseLink != trace.Inferred {
		t.Errorf("the answer is caused by %d, %s", e.Cause, e.CauseLink)
	}
}

// TestDeadlines checks that deadlines pass on the virtual clock, given as real times or as the clock's own.
func TestDeadlines(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	listener, err := l.pods["a2"].Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	c, err := l.pods["a1"].Dial(t.Context(), "tcp", "10.244.1.3:80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, test := range []struct {
		name string
		at   func() time.Time
	}{
		{"real", func() time.Time { return time.Now().Add(30 * time.Millisecond) }},
		{"virtual", func() time.Time { return l.f.clock.Now().Add(30 * time.Millisecond) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			l.f.clock.Pause()
			if err := c.SetReadDeadline(test.at()); err != nil {
				t.Fatal(err)
			}
			got := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				got <- err
			}()
			select {
			case err := <-got:
				t.Fatalf("read ended with %v while time stood still", err)
			case <-time.After(100 * time.Millisecond): // longer than the deadline
			}
			l.f.clock.Resume()
			err := <-got
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("read: %v (%T), want a time-out", err, err)
			}
		})
	}
}

// TestMTUBlackHole fetches a page that is larger than the tunnel's MTU from a Pod whose MTU is too large.
func TestMTUBlackHole(t *testing.T) {
	for _, filtered := range []bool{false, true} {
		l := newLab(t, Config{Seed: 1}, func(c *NodeConfig) { c.PodMTU = 1500 })
		l.nodes["node-2"].SetICMPFilter(filtered)
		l.serve(l.pods["b1"].Namespace, "b1", 8080)
		l.mustGet(l.pods["a1"].Namespace, "http://10.244.2.2:8080/", "b1 to 10.244.1.2")
		got, err := l.get(l.pods["a1"].Namespace, "http://10.244.2.2:8080/big", 3*time.Second)
		if ok := err == nil && got == "200000 bytes"; ok == filtered {
			t.Errorf("ICMP filtered %v: got %q, %v", filtered, got, err)
		}
	}
}

func TestErrorsOfPackageNet(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.services(web())
	ctx := t.Context()
	pod := l.pods["a1"]
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	l.nodes["node-2"].SetPower(false)
	for _, test := range []struct {
		name, want string
		do         func() error
	}{
		{"closed port", "dial tcp 10.244.1.3:81: connect: connection refused", func() error {
			_, err := pod.Dial(ctx, "tcp", "10.244.1.3:81")
			return err
		}},
		{"no endpoints", "dial tcp 10.96.0.10:80: connect: connection refused", func() error {
			_, err := pod.Dial(ctx, "tcp", "10.96.0.10:80")
			return err
		}},
		{"deadline", "dial tcp 10.244.2.2:80: i/o timeout", func() error {
			_, err := pod.Dial(short, "tcp", "10.244.2.2:80")
			return err
		}},
		{"unknown name", "dial tcp: lookup web: no such host", func() error {
			_, err := pod.Dial(ctx, "tcp", "web:80")
			return err
		}},
		{"port in use", "listen tcp 0.0.0.0:80: bind: address already in use", func() error {
			first, err := pod.Listen(ctx, "tcp", ":80")
			if err != nil {
				return err
			}
			defer func() { _ = first.Close() }()
			_, err = pod.Listen(ctx, "tcp", ":80")
			return err
		}},
		{"closed listener", "accept tcp 0.0.0.0:82: use of closed network connection", func() error {
			first, err := pod.Listen(ctx, "tcp", "0.0.0.0:82")
			if err != nil {
				return err
			}
			_ = first.Close()
			_, err = first.Accept()
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.do(); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestLocalhost(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.serve(l.pods["a1"].Namespace, "a1", 8080)
	for _, url := range []string{"http://localhost:8080/", "http://127.0.0.1:8080/", "http://10.244.1.2:8080/"} {
		got, err := l.get(l.pods["a1"].Namespace, url, time.Second)
		if err != nil || !strings.HasPrefix(got, "a1 to ") {
			t.Errorf("%s: %q, %v", url, got, err)
		}
	}
	if _, err := l.get(l.pods["a2"].Namespace, "http://localhost:8080/", time.Second); err == nil {
		t.Error("another Pod's localhost answers")
	}
}

// TestFaults checks what is lost or late on a link that has a fault.
func TestFaults(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.serve(l.pods["b1"].Namespace, "b1", 8080)
	r := &recorder{}
	l.f.Observe(r)
	for _, test := range []struct {
		fault  network.Fault
		works  bool
		reason string
	}{
		{network.Fault{Cut: true}, false, "fault: link is cut"},
		{network.Fault{DropPattern: "....x"}, true, `fault: lost by the pattern "....x"`},
		{network.Fault{Drop: 0.3}, true, "fault: lost by chance, 30 %"},
		{network.Fault{MTU: 70}, false, "fault: packet of "},
		{network.Fault{Delay: 20 * time.Millisecond}, true, ""},
		{network.Fault{Reorder: 0.3}, true, ""},
	} {
		r.reset()
		if err := l.nodes["node-1"].SetFault(test.fault); err != nil {
			t.Fatal(err)
		}
		limit := 20 * time.Second
		if !test.works {
			limit = 300 * time.Millisecond
		}
		began := l.f.clock.Elapsed()
		_, err := l.get(l.pods["a1"].Namespace, "http://10.244.2.2:8080/", limit)
		if (err == nil) != test.works {
			t.Errorf("%+v: %v", test.fault, err)
		}
		if took := l.f.clock.Elapsed() - began; took < 4*test.fault.Delay {
			t.Errorf("%+v: took %v", test.fault, took)
		}
		l.quiet()
		found := test.reason == ""
		for _, h := range r.all() {
			found = found || h.Verdict == network.Dropped && strings.HasPrefix(h.Reason, test.reason)
		}
		if !found {
			t.Errorf("%+v: no hop is dropped with reason %q", test.fault, test.reason)
		}
	}
	if err := l.nodes["node-1"].SetFault(network.Fault{Drop: 2}); err == nil {
		t.Error("a drop rate of 2 is taken")
	}
}
