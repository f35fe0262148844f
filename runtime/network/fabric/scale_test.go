package fabric

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// waitFor waits until ok, as goroutines end in their own time.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("still waiting: %s\n%s", what, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestPodsLeaveNothing makes and closes 1,000 Pods, each with a listener that is waited on, an open connection that is
// read and one that is being dialled: no goroutine, timer or table entry may be left, and not more memory.
func TestPodsLeaveNothing(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	listener, err := l.pods["b1"].Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}()
		}
	}()
	cycle := func() {
		p := l.addPod("node-1", "p", "10.244.1.100")
		var ended sync.WaitGroup
		ended.Go(func() {
			own, err := p.Listen(t.Context(), "tcp", ":80")
			if err != nil {
				return // closed already
			}
			if _, err := own.Accept(); err == nil {
				t.Error("a connection from nowhere")
			}
		})
		c, err := p.Dial(t.Context(), "tcp", "10.244.2.2:80")
		if err != nil {
			t.Fatal(err)
		}
		ended.Go(func() {
			if n, err := c.Read(make([]byte, 1)); err == nil {
				t.Errorf("read %d bytes from nowhere", n)
			}
		})
		u, err := p.ListenPacket(t.Context(), "udp", ":53")
		if err != nil {
			t.Fatal(err)
		}
		ended.Go(func() { _, _, _ = u.ReadFrom(make([]byte, 1)) })
		_ = c.SetDeadline(time.Now().Add(time.Hour))
		p.Close()
		_ = u.Close() // as the program's end does
		ended.Wait()
	}
	timers := func() int {
		l.f.clock.mu.Lock()
		defer l.f.clock.mu.Unlock()
		return len(l.f.clock.timers)
	}
	for range 10 {
		cycle()
	}
	l.quiet()
	goroutines := runtime.NumGoroutine()
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, waiting := memory(), timers()
	for range 1000 {
		cycle()
	}
	l.quiet()
	waitFor(t, fmt.Sprintf("for %d goroutines", goroutines), func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	// What the peer remembers of closed connections is bounded by time, not by Pods: at most some KB each.
	if after := memory(); after > before+16<<20 {
		t.Errorf("%d KB more memory than before", (after-before)>>10)
	}
	if n := timers(); n > waiting+1100 {
		t.Errorf("%d timers wait, %d before", n, waiting)
	}
	n := l.nodes["node-1"]
	done := make(chan struct{})
	l.f.change(func() {
		defer close(done)
		if len(n.bridge.ports) != 2 || len(n.bridge.fdb) > 2 {
			t.Errorf("the bridge has %d ports and %d addresses, want 2 and 2", len(n.bridge.ports), len(n.bridge.fdb))
		}
	})
	<-done
}

// TestThousandPodsFetch has 1,000 Pods on 3 nodes fetch a page from one Service at once.
func TestThousandPodsFetch(t *testing.T) {
	count := 1000
	if underRace {
		count = 200 // all of them ask everybody for the bridge's address at once
	}
	l := newLab(t, Config{Seed: 1})
	third, err := l.f.AddNode(NodeConfig{Name: "node-3", Address: ip("192.168.50.13"),
		PodCIDR: netip.MustParsePrefix("10.244.16.0/20")})
	if err != nil {
		t.Fatal(err)
	}
	l.nodes["node-3"] = third
	for name, p := range l.pods {
		l.serve(p.Namespace, name, 8080)
	}
	l.services(web("10.244.1.2:8080", "10.244.1.3:8080", "10.244.2.2:8080", "10.244.2.3:8080"))
	var clients []*Pod
	next := map[string]netip.Addr{"node-1": ip("10.244.1.10"), "node-2": ip("10.244.2.10"), "node-3": ip("10.244.16.10")}
	for i := range count {
		node := "node-3"
		if i%5 < 2 && i < 1000 {
			node = fmt.Sprintf("node-%d", i%5+1)
		}
		if !l.nodes[node].cfg.PodCIDR.Contains(next[node].Next()) {
			node = "node-3"
		}
		clients = append(clients, l.addPod(node, fmt.Sprintf("client-%d", i), next[node].String()))
		next[node] = next[node].Next()
	}
	var failed atomic.Int32
	var all sync.WaitGroup
	var mu sync.Mutex
	served := map[string]int{}
	began := time.Now()
	for _, p := range clients {
		all.Go(func() {
			got, err := l.get(p.Namespace, "http://10.96.0.10/", 20*time.Second)
			if err != nil {
				failed.Add(1)
				t.Logf("%v: %v", p.Addresses(), err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			served[strings.Fields(got)[0]]++
		})
	}
	all.Wait()
	t.Logf("%d requests in %v, served by %v", count, time.Since(began), served)
	if failed.Load() != 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), count)
	}
	for name, n := range served {
		// Five standard deviations of a fair choice among four.
		if d := n - count/4; d*d > 25*count*3/16 {
			t.Errorf("%s served %d of %d requests", name, n, count)
		}
	}
}

// TestTupleClash sends from one port to an endpoint, both directly and by way of a Service: behind the translation both
// look alike, so that one of them must get another port.
func TestTupleClash(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.echo(l.pods["b1"].Namespace, 53)
	s := web("10.244.2.2:53")
	s.Protocol = "udp"
	l.services(s)
	r := &recorder{}
	l.f.Observe(r)
	pod := l.pods["a1"]
	first, err := pod.openUDP(&fullAddress5000, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	b := make([]byte, 100)
	for _, to := range []string{"10.244.2.2:53", "10.96.0.10:80", "10.244.2.2:53", "10.96.0.10:80"} {
		addr := netip.MustParseAddrPort(to)
		if _, err := first.WriteTo([]byte(to), udpFrom(addr)); err != nil {
			t.Fatal(err)
		}
		_ = first.SetReadDeadline(l.f.clock.Now().Add(2 * time.Second))
		n, from, err := first.ReadFrom(b)
		if err != nil || string(b[:n]) != to || from.String() != to {
			t.Fatalf("%s: %q from %v, %v", to, b[:n], from, err)
		}
	}
	remapped := 0
	for _, h := range r.all() {
		if h.NAT != nil && h.NAT.Kind == "port remap" {
			remapped++
		}
	}
	if remapped != 2 {
		t.Errorf("%d packets had their ports changed, want 2", remapped)
	}
}

var fullAddress5000 = tcpip.FullAddress{Port: 5000}

func udpFrom(a netip.AddrPort) net.Addr { return net.UDPAddrFromAddrPort(a) }
