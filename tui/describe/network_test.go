package describe

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/text"
)

func packet() *trace.Packet {
	inner := &trace.Headers{IPv4: &trace.IPv4{Src: netip.MustParseAddr("10.244.1.2"), Dst: netip.MustParseAddr("10.244.2.5"), TTL: 63},
		TCP: &trace.TCP{SrcPort: 40000, DstPort: 80, Flags: "S"}}
	outer := &trace.Headers{IPv4: &trace.IPv4{Src: netip.MustParseAddr("172.18.0.2"), Dst: netip.MustParseAddr("172.18.0.3"), TTL: 64},
		UDP: &trace.UDP{SrcPort: 50000, DstPort: 8472}, VXLAN: &trace.VXLAN{VNI: 1}, Inner: inner}
	return trace.NewPacket([]byte("GET / HTTP/1.1"), func([]byte) *trace.Headers { return outer })
}

func TestHop(t *testing.T) {
	tuple := trace.FiveTuple{Protocol: "tcp", Src: netip.MustParseAddrPort("10.244.1.2:40000"), Dst: netip.MustParseAddrPort("10.96.0.10:80")}
	after := tuple
	after.Dst = netip.MustParseAddrPort("10.244.2.5:80")
	e := trace.Event{Kind: trace.NetHop, Actor: "network@node-1", Verb: "prerouting", Detail: &trace.HopDetail{Packet: 7, Device: "cni0", Direction: "in",
		Rule: "default/web:http", Verdict: "forwarded", NAT: &trace.NAT{Kind: "DNAT", Before: tuple, After: after}, Data: packet()}}
	if got, want := Event(&e).String(), "network@node-1  prerouting  vxlan{tcp 10.244.1.2:40000 > 10.244.2.5:80 S}  in cni0 DNAT → 10.244.2.5:80"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	has(t, Why, e, "rule", "default/web:http", "DNAT: tcp 10.244.1.2:40000 > 10.96.0.10:80", "VXLAN  VNI 1", "  TCP  40000 > 80  [S]")
	has(t, Object, e, "47 45 54 20", "|GET / HTTP/1.1|")
}

func TestDNSQuery(t *testing.T) {
	e := trace.Event{Kind: trace.DNSQuery, Actor: "resolver", Verb: "ask", Detail: &trace.DNSDetail{Host: "web", Name: "web.default.svc.cluster.local.", Type: "A",
		SearchIndex: 1, SearchDomain: "default.svc.cluster.local", Ndots: 5, Rcode: "NOERROR", Answers: []string{"web.default.svc.cluster.local.\t30\tIN\tA\t10.96.0.20"}}}
	if got, want := Event(&e).String(), "resolver  ask  A web.default.svc.cluster.local.  NOERROR 10.96.0.20"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	has(t, Why, e, "looked for", "1  default.svc.cluster.local", "ndots", "30 IN A 10.96.0.20")
}

// has checks that a page has the words.
func has(t *testing.T, page Page, e trace.Event, words ...string) {
	t.Helper()
	var b strings.Builder
	for _, l := range Lines(text.Printer{}, page, Subject{Event: e}, trace.NewStore(trace.Limits{})) {
		b.WriteString(l.Plain() + "\n")
	}
	for _, w := range words {
		if !strings.Contains(b.String(), w) {
			t.Errorf("%q is not on the page:\n%s", w, b.String())
		}
	}
}
