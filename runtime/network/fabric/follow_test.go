package fabric

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/network"
)

// TestFollow stores only what a filter lets through: one Pod's requests, its next request, one connection.
func TestFollow(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.echo(l.pods["b1"].Namespace, 53)
	s := web("10.244.2.2:53")
	s.Protocol = "udp"
	l.services(s)
	ask := func(pod string) {
		t.Helper()
		if _, err := l.ask(l.pods[pod].Namespace, "10.96.0.10:80", "hello", time.Second); err != nil {
			t.Fatal(err)
		}
	}
	fixed := network.FiveTuple{Protocol: "udp", Src: netip.MustParseAddrPort("10.244.1.2:5000"),
		Dst: netip.MustParseAddrPort("10.96.0.10:80")}
	for _, test := range []struct {
		name   string
		follow func(h *network.Hop) bool
		flows  int
	}{
		{"pod", network.FollowPod("default/a1", false), 3},
		{"next request", network.FollowPod("default/a1", true), 1},
		{"connection", network.FollowTuple(fixed), 1},
		{"nobody", network.FollowPod("default/b2", false), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := trace.NewStore(trace.Limits{})
			l.f.Observe(&network.TapObserver{Tap: trace.NewTap(store, nil), Follow: test.follow})
			ask("a1")
			ask("a2")
			ask("a1")
			c, err := l.pods["a1"].openUDP(&fullAddress5000, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteTo([]byte("hello"), udpFrom(fixed.Dst)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.ReadFrom(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			l.quiet()
			flows, replies := map[uint64]int{}, 0
			for _, e := range store.Since(0).Events {
				h := e.Detail.(*network.Hop)
				flows[h.Flow]++
				if h.Reply {
					replies++
				}
			}
			if len(flows) != test.flows || len(flows) > 0 && replies == 0 {
				t.Errorf("hops of flows %v, %d of replies, want %d flows", flows, replies, test.flows)
			}
			for id, n := range flows {
				if n < 20 {
					t.Errorf("only %d hops of flow %d", n, id)
				}
			}
		})
	}
}

// TestFollowedSockets lets an observer see what a followed socket sends and gets, and what passes through followed Pods;
// as soon as there is no such thing, packets move as if nobody looked.
func TestFollowedSockets(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.serve(l.pods["b1"].Namespace, "b1", 8080)
	store := trace.NewStore(trace.Limits{})
	tap := trace.NewTap(store, nil)
	var pod atomic.Pointer[string]
	l.f.ObserveFollowed(&network.TapObserver{Tap: tap}, func() func(string) bool {
		if name := pod.Load(); name != nil {
			return func(namespace string) bool { return namespace == *name }
		}
		return nil
	})
	get := func(ctx context.Context, from string) []trace.Event {
		t.Helper()
		_, last := store.Len()
		c, err := l.pods[from].Dial(ctx, "tcp", "10.244.2.2:8080")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		l.quiet()
		var out []trace.Event
		for _, e := range store.Since(0).Events {
			if e.Seq > last {
				out = append(out, e)
			}
		}
		return out
	}
	if seen := get(trace.WithCause(t.Context(), 7), "a1"); len(seen) != 0 {
		t.Fatalf("%d hops of a socket that is not followed", len(seen))
	}
	why := tap.Record(t.Context(), trace.Event{Kind: trace.CRICall, Actor: "kubelet@a", Verb: "Exec"})
	seen := get(network.Follow(trace.WithCause(t.Context(), why)), "a1")
	flags := map[string]bool{}
	for i, e := range seen {
		h := e.Detail.(*network.Hop)
		if i == 0 && (e.Cause != why || e.CauseLink != trace.Exact || h.Point != network.PointVeth) {
			t.Errorf("the first hop, %s, is caused by %d (%s), want the socket's %d", h.Point, e.Cause, e.CauseLink, why)
		}
		if i > 0 && e.Cause < seen[0].Seq {
			t.Errorf("hop %d at %s is caused by %d, want a hop", e.Seq, h.Point, e.Cause)
		}
		if tcp := h.Data.Headers().TCP; tcp != nil {
			flags[tcp.Flags] = true
		}
	}
	if !flags["S"] || !flags["SA"] || !flags["FA"] {
		t.Errorf("saw packets with flags %v, want SYN, SYN-ACK and FIN", flags)
	}
	waitFor(t, "for the closed socket to be followed no more", func() bool { return !l.f.watched() })
	if seen := get(t.Context(), "a2"); len(seen) != 0 {
		t.Errorf("%d hops of a flow that nobody follows", len(seen))
	}
	name := "default/a2"
	pod.Store(&name)
	if seen := get(t.Context(), "a1"); len(seen) != 0 {
		t.Errorf("%d hops of another Pod's flow", len(seen))
	}
	if seen := get(t.Context(), "a2"); len(seen) < 20 {
		t.Errorf("%d hops of a followed Pod's flow", len(seen))
	}
}

// TestFollowedDestination sees a packet from where it is known that it goes to the followed Pod, the Service's rule, and
// names both ends on all of its way, whatever its addresses are.
func TestFollowedDestination(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.echo(l.pods["b1"].Namespace, 53)
	s := web("10.244.2.2:53")
	s.Protocol = "udp"
	l.services(s)
	store := trace.NewStore(trace.Limits{})
	l.f.ObserveFollowed(&network.TapObserver{Tap: trace.NewTap(store, nil)}, func() func(string) bool {
		return func(pod string) bool { return pod == "default/b1" }
	})
	if _, err := l.ask(l.pods["a2"].Namespace, "10.244.1.2:1", "to nobody", 10*time.Millisecond); err == nil {
		t.Error("there is an answer from a port that nobody listens on")
	}
	if seen := store.Since(0).Events; len(seen) > 0 {
		t.Errorf("%d hops of a flow of others", len(seen))
	}
	if _, err := l.ask(l.pods["a1"].Namespace, "10.96.0.10:80", "hello", time.Second); err != nil {
		t.Fatal(err)
	}
	l.quiet()
	seen := store.Since(0).Events
	points := map[string]bool{}
	for i, e := range seen {
		h := e.Detail.(*network.Hop)
		if h.Data.Headers().ARP != nil {
			continue // the followed Pod asks who its gateway is
		}
		points[h.Point] = true
		from, to := "default/a1", "default/b1"
		if h.Reply {
			from, to = to, from
		}
		if h.From != from || h.To != to {
			t.Errorf("hop %d at %s (reply: %t) goes from %q to %q, want %q to %q", i, h.Point, h.Reply, h.From, h.To, from, to)
		}
	}
	if len(seen) == 0 || seen[0].Verb != network.PointPrerouting || !points[network.PointEncap] || !points[network.PointWire] {
		t.Errorf("saw %d hops, at %v", len(seen), points)
	}
	l.pods["b1"].Close()
	l.settle()
	if len(l.f.pods) != 3 {
		t.Errorf("names are kept of %v", l.f.pods)
	}
}

// TestFollowedNeighbours lets an observer see how a followed connection's nodes and Pods find each other: each ARP packet
// goes back to what needed the address.
func TestFollowedNeighbours(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.serve(l.pods["b1"].Namespace, "b1", 8080)
	l.quiet()
	store := trace.NewStore(trace.Limits{})
	tap := trace.NewTap(store, nil)
	l.f.ObserveFollowed(&network.TapObserver{Tap: tap}, nil)
	why := tap.Record(t.Context(), trace.Event{Kind: trace.CRICall, Actor: "kubelet@a", Verb: "Exec"})
	c, err := l.pods["a1"].Dial(network.Follow(trace.WithCause(t.Context(), why)), "tcp", "10.244.2.2:8080")
	if err != nil {
		t.Fatal(err)
	}
	l.quiet()
	_ = c.Close()
	var got []string
	for _, e := range store.Since(0).Events {
		h, ok := e.Detail.(*network.Hop)
		if !ok || h.Data.Headers().ARP == nil || h.Point != network.PointVeth && h.Point != network.PointWire {
			continue
		}
		if e.Cause == 0 || e.Cause < why {
			t.Errorf("#%d %s has no cause", e.Seq, line(h))
		}
		got = append(got, strings.Join(strings.Fields(line(h)), " "))
	}
	for _, want := range []string{
		"a1 eth0 out veth arp who has 10.244.1.1, asks 10.244.1.2", "a1 eth0 in veth arp 10.244.1.1 is at 0a:58:0a:f4:01:01 delivered",
		"node-1 eth0 out wire arp who has 192.168.50.12, asks 192.168.50.11", "node-1 eth0 in wire arp 192.168.50.12 is at 02:42:c0:a8:32:0c",
		"b1 eth0 in veth arp who has 10.244.2.2, asks 10.244.2.1 delivered", "b1 eth0 out veth arp 10.244.2.2 is at 0a:58:0a:f4:02:02",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// TestLoopbackIsSeen follows a connection between two containers of a Pod, and the way back of its answers.
func TestLoopbackIsSeen(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	l.serve(l.pods["a1"].Namespace, "a1", 8080)
	l.quiet() // after the Pods' first ARP
	r := &recorder{}
	l.f.Observe(r)
	l.mustGet(l.pods["a1"].Namespace, "http://localhost:8080/", "a1 to 127.0.0.1")
	l.quiet()
	flows, replies := map[uint64]bool{}, 0
	for _, h := range r.all() {
		if h.Point != network.PointLocal || h.Device != "lo" || h.Namespace != "default/a1" || h.Verdict != network.Delivered ||
			h.Data.Headers().TCP == nil {
			t.Errorf("a hop at another place: %s", line(h))
		}
		flows[h.Flow] = true
		if h.Reply {
			replies++
		}
	}
	if len(flows) != 1 || flows[0] || replies < 3 {
		t.Errorf("flows %v with %d packets of answers", flows, replies)
	}
}
