package packetview

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/view"
)

func hop(seq uint64, packet uint64, point string, dst string) trace.Event {
	src, to := netip.MustParseAddrPort("10.244.1.2:40000"), netip.MustParseAddrPort(dst)
	data := trace.NewPacket(nil, func([]byte) *trace.Headers {
		return &trace.Headers{IPv4: &trace.IPv4{Src: src.Addr(), Dst: to.Addr(), TTL: 64}, TCP: &trace.TCP{SrcPort: src.Port(), DstPort: to.Port(), Flags: "S"}}
	})
	return trace.Event{Seq: seq, Kind: trace.NetHop, Actor: "network@node-1", Verb: point,
		Detail: &trace.HopDetail{Flow: 1, Packet: packet, Node: "node-1", Point: point, Data: data, TTL: 64, Verdict: "forwarded"}}
}

// TestHeldPacketIsARung holds the first packet of a flow, and then one in its middle.
func TestHeldPacketIsARung(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	c := cluster.New(store)
	v := New(store, c)
	look := func() string { return ansi.Strip(strings.Join(v.View(80, 12, true), "\n")) }

	v.Show(view.Moment{Held: []trace.Held{{ID: 1, Event: hop(0, 9, "veth", "10.96.0.20:80")}}})
	if got := look(); !strings.Contains(got, "tcp 10.244.1.2 > 10.96.0.20:80") || !strings.Contains(got, "■ held here") {
		t.Errorf("a flow whose first packet waits is not listed:\n%s", got)
	}
	if got := v.Selected(); got != (view.Selection{Held: 1}) {
		t.Errorf("selected %+v, not what waits", got)
	}

	e := hop(1, 9, "veth", "10.96.0.20:80")
	store.Load(e)
	v.Take([]trace.Event{e})
	v.Show(view.Moment{Seq: 1, Held: []trace.Held{{ID: 2, Event: hop(0, 9, "bridge", "10.96.0.20:80")}}})
	v.Do(keymap.Open)
	if got := look(); !strings.Contains(got, "→ node-1  veth        tcp 10.244.1.2:40000 > 10.96.0.20:80 S") || !strings.Contains(got, "bridge      ■ held here") {
		t.Errorf("the ladder does not end where the packet waits:\n%s", got)
	}
	v.Show(view.Moment{Seq: 1, Past: true})
	if got := look(); strings.Contains(got, "■") {
		t.Errorf("something waits in the past:\n%s", got)
	}
}
