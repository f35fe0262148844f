package e2e

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// clientAndWeb is a client on one node and a Service with its only Pod on another.
const clientAndWeb = `
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: node-1
  containers: [{name: c, image: "kubestep.dev/tools:v1", command: [sleep, infinity]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node-2
  containers: [{name: c, image: "kubestep.dev/web:v1"}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`

// clientAndWeb makes a client and, on another node, what it can ask.
func (l *lab) clientAndWeb(t *testing.T) {
	t.Helper()
	l.kubectlIn(t, clientAndWeb, "apply", "-f", "-")
	l.kubectl(t, "wait", "--for=condition=Ready", "pod/client", "pod/web", "--timeout=60s")
	l.endpoints(t, "web", 1)
}

// TestPackets follows a request of a Pod through the network, from what was typed to the last FIN.
func TestPackets(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	l := u.up(t)
	l.clientAndWeb(t)

	t.Run("a request is one tree", func(t *testing.T) { l.followed(t) })
	t.Run("a held packet is not sent again", func(t *testing.T) { l.heldSYN(t) })
	t.Run("nothing is seen when nothing is followed", func(t *testing.T) {
		events := traced(t, u, "--background", "--", "get", "pods", "-A")
		if seen := pick(events, func(e trace.Event) bool { return e.Kind == trace.NetHop }); len(seen) > 0 {
			t.Errorf("%d hops of packets that nobody follows", len(seen))
		}
	})
	t.Run("a Pod is followed", func(t *testing.T) { l.followedPod(t) })
	t.Run("load balancing", func(t *testing.T) { l.balancing(t) })
	t.Run("rolling update", func(t *testing.T) { l.rollingUpdate(t) })
	onlyLoopback(t, l.cmd.Process.Pid) // after all that traffic
}

func (l *lab) followed(t *testing.T) {
	pcap := filepath.Join(l.user.home, "web.pcapng")
	events := traced(t, l.user, "--pcap", pcap, "--", "exec", "client", "--", "curl", "-s", "http://web")
	hops := hopsOf(events)

	connects := pick(events, func(e trace.Event) bool { return e.Verb == "connect" && e.Subresource == "exec" })
	if len(connects) != 1 {
		t.Fatalf("%d exec requests, want 1", len(connects))
	}
	for _, h := range hops {
		chain := why(events, h.event.Seq)
		if chain[len(chain)-1].Seq != connects[0].Seq {
			t.Fatalf("hop #%d goes back to #%d, not to the exec request", h.event.Seq, chain[len(chain)-1].Seq)
		}
	}
	asks := pick(events, func(e trace.Event) bool { return e.Kind == trace.DNSQuery && e.Verb == "ask" })
	var names []string
	for _, ask := range asks {
		d := ask.Detail.(*trace.DNSDetail)
		names = append(names, d.Name+" "+d.Type+" "+d.Rcode)
		if ask.Seq > hops[0].event.Seq && len(names) == 1 {
			t.Errorf("packets before the first query, #%d", ask.Seq)
		}
	}
	if want := []string{"web.default.svc.cluster.local. A NOERROR", "web.default.svc.cluster.local. AAAA NOERROR"}; !slices.Equal(names, want) {
		t.Errorf("asked for %q, want %q", names, want)
	}
	for _, ask := range asks {
		if cause := events[ask.Cause]; cause.Kind != trace.CRICall || cause.Verb != "Exec" || ask.CauseLink != trace.Exact {
			t.Errorf("query #%d is caused by #%d %s %s", ask.Seq, cause.Seq, cause.Kind, cause.Verb)
		}
		if !slices.ContainsFunc(hops, func(h hop) bool { return h.event.Cause == ask.Seq && h.Point == "veth" }) {
			t.Errorf("no packet of query #%d", ask.Seq)
		}
	}
	for _, flags := range []string{"S", "PA", "FA"} {
		t.Run("request "+flags, func(t *testing.T) { request(t, hops, flags) })
	}
	t.Run("reply", func(t *testing.T) { reply(t, hops) })
	if info, err := os.Stat(pcap); err != nil || info.Size() < 1000 {
		t.Errorf("the capture: %v, %v", info, err)
	}
}

// followedPod follows a Pod that sends by itself, not for a command's sake.
func (l *lab) followedPod(t *testing.T) {
	l.kubectl(t, "run", "ticker", "--image=kubestep.dev/client:v1", "--", "--interval=100ms", "http://web")
	l.kubectl(t, "wait", "--for=condition=Ready", "pod/ticker", "--timeout=30s")
	events := traced(t, l.user, "--follow", "ticker", "--", "get", "pods")
	hops := hopsOf(events)
	for _, flags := range []string{"S", "PA", "FA"} {
		if path := points(packet(t, hops, "default/ticker", flags)); len(path) < 5 || path[0] != path[0][:7]+"veth" {
			t.Errorf("a packet %s goes by %v", flags, path)
		}
	}
	for _, e := range pick(events, func(e trace.Event) bool { return e.Kind == trace.DNSQuery && e.Verb == "ask" }) {
		if e.Object.Name != "ticker" {
			t.Errorf("query #%d is %s's", e.Seq, e.Object.Name)
		}
	}
	l.kubectl(t, "delete", "pod", "ticker", "--now")
}

// hop is one hop with its event.
type hop struct {
	event trace.Event
	*trace.HopDetail
}

func hopsOf(events map[uint64]trace.Event) []hop {
	var hops []hop
	for _, e := range pick(events, func(e trace.Event) bool { return e.Kind == trace.NetHop }) {
		hops = append(hops, hop{e, e.Detail.(*trace.HopDetail)})
	}
	return hops
}

// tcp returns the TCP header, of the inner packet in a tunnel; nil when it is none.
func (h hop) tcp() *trace.TCP {
	headers := h.Data.Headers()
	if headers.Inner != nil {
		headers = headers.Inner
	}
	return headers.TCP
}

// packet returns the hops of the first packet that leaves a Pod with these flags.
func packet(t *testing.T, hops []hop, pod, flags string) []hop {
	t.Helper()
	first := slices.IndexFunc(hops, func(h hop) bool {
		return h.Namespace == pod && h.Direction == "out" && h.tcp() != nil && h.tcp().Flags == flags
	})
	if first < 0 {
		t.Fatalf("%s sends no packet with flags %s", pod, flags)
	}
	var path []hop
	for _, h := range hops[first:] {
		if h.Packet == hops[first].Packet {
			if len(path) > 0 && (h.event.Cause != path[len(path)-1].event.Seq || h.event.CauseLink != trace.Exact) {
				t.Errorf("hop #%d at %s does not follow on the one before", h.event.Seq, h.Point)
			}
			path = append(path, h)
		}
	}
	return path
}

// points says where a packet was, without the repetitions: "node-1 veth".
func points(path []hop) []string {
	var all []string
	for _, h := range path {
		all = append(all, h.Node+" "+h.Point)
	}
	return slices.Compact(all)
}

func request(t *testing.T, hops []hop, flags string) {
	path := packet(t, hops, "default/client", flags)
	want := []string{"node-1 veth", "node-1 bridge", "node-1 prerouting", "node-1 routing", "node-1 forward",
		"node-1 vxlan-encap", "node-1 wire", "node-2 wire", "node-2 vxlan-decap", "node-2 prerouting", "node-2 routing",
		"node-2 forward", "node-2 bridge", "node-2 veth"}
	if got := points(path); !slices.Equal(got, want) {
		t.Fatalf("the path is %v, want %v", got, want)
	}
	nat, encap, last := path[2], path[5], path[len(path)-1]
	if nat.NAT == nil || nat.NAT.Kind != "DNAT" || !strings.HasPrefix(nat.Rule, "default/web") ||
		nat.NAT.Before.Dst.Port() != 80 || nat.NAT.After.Dst.Port() != 8080 {
		t.Errorf("at prerouting: rule %q, %+v", nat.Rule, nat.NAT)
	}
	outer := encap.Data.Headers()
	if outer.VXLAN == nil || outer.VXLAN.VNI != 1 || outer.IPv4.Src.String() != "192.168.50.11" || outer.IPv4.Dst.String() != "192.168.50.12" {
		t.Errorf("the tunnel's headers are %+v", outer)
	}
	if ttl := []int{path[0].TTL, encap.TTL, last.TTL}; !slices.Equal(ttl, []int{64, 63, 62}) {
		t.Errorf("TTL %v, want one less for each router", ttl)
	}
	if sent, got := path[0].Data.Headers().IPv4.Src, last.Data.Headers().IPv4.Src; sent != got || last.Verdict != "delivered" {
		t.Errorf("sent from %s, %s as from %s", sent, last.Verdict, got)
	}
}

func reply(t *testing.T, hops []hop) {
	path := packet(t, hops, "default/web", "SA")
	at := slices.IndexFunc(path, func(h hop) bool { return h.NAT != nil })
	if at < 0 || path[at].NAT.Kind != "reverse" || path[at].Node != "node-1" || path[at].NAT.After.Src.Port() != 80 {
		t.Fatalf("no reverse translation on the client's node in %v", points(path))
	}
	for _, h := range path {
		if !h.Reply {
			t.Errorf("hop #%d is no reply's", h.event.Seq)
		}
	}
}

// heldSYN holds a SYN for longer than TCP would wait before it sends it again.
func (l *lab) heldSYN(t *testing.T) {
	const held = 3 * time.Second // the first timeout is one second
	cmd := l.user.command(t, "trace", "--json", "--break", "net.hop wire tcp=S", "--", "exec", "client", "--", "wget", "-qO-",
		"http://web")
	stdin, answer := io.Pipe()
	var stdout strings.Builder
	stderr := newLines()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.await(t, "held 1", 20*time.Second)
	since := time.Now()
	<-time.After(held) // the passing of real time is what is tested
	for stop := 1; ; stop++ {
		if _, err := io.WriteString(answer, "c\n"); err != nil {
			t.Fatal(err)
		}
		if stop == 2 { // the wire has two ends
			break
		}
		stderr.await(t, "node-2 wants", 20*time.Second)
	}
	stderr.await(t, "host: web", 20*time.Second)
	if err := answer.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	if took := time.Since(since); took < held {
		t.Fatalf("held for %s only", took)
	}
	events := map[uint64]trace.Event{}
	for decoder := json.NewDecoder(strings.NewReader(stdout.String())); decoder.More(); {
		var e trace.Event
		if err := decoder.Decode(&e); err != nil {
			t.Fatal(err)
		}
		events[e.Seq] = e
	}
	sent := pick(events, func(e trace.Event) bool {
		d, ok := e.Detail.(*trace.HopDetail)
		if !ok {
			return false
		}
		h := hop{e, d}
		return h.Namespace == "default/client" && h.Direction == "out" && h.tcp() != nil && h.tcp().Flags == "S"
	})
	if len(sent) != 1 {
		t.Errorf("the client sent %d SYNs, want 1", len(sent))
	}
}
