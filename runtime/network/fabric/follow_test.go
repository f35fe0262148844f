package fabric

import (
	"net/netip"
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
			c, err := l.pods["a1"].openUDP(&fullAddress5000, nil)
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
