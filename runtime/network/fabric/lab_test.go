package fabric

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubestep/kubestep/runtime/network"
)

// lab is a fabric that runs: two nodes, node-1 with the Pods a1 (10.244.1.2) and a2 (.3), node-2 with b1 (10.244.2.2) and
// b2 (.3).
type lab struct {
	t     testing.TB
	f     *Fabric
	nodes map[string]*Node
	pods  map[string]*Pod
}

func newLab(t testing.TB, cfg Config, edit ...func(c *NodeConfig)) *lab {
	t.Helper()
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, f: f, nodes: map[string]*Node{}, pods: map[string]*Pod{}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(ctx) // the context's error
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	for i := 1; i <= 2; i++ {
		c := NodeConfig{Name: fmt.Sprintf("node-%d", i), Address: ip(fmt.Sprintf("192.168.50.%d", 10+i)),
			PodCIDR: netip.MustParsePrefix(fmt.Sprintf("10.244.%d.0/24", i))}
		for _, e := range edit {
			e(&c)
		}
		n, err := f.AddNode(c)
		if err != nil {
			t.Fatal(err)
		}
		l.nodes[n.Name()] = n
		for j := 1; j <= 2; j++ {
			l.addPod(n.Name(), fmt.Sprintf("%c%d", 'a'+i-1, j), fmt.Sprintf("10.244.%d.%d", i, j+1))
		}
	}
	return l
}

func (l *lab) addPod(node, name, address string) *Pod {
	l.t.Helper()
	p, err := l.nodes[node].AddPod(PodConfig{Namespace: "default", Name: name, Address: ip(address)})
	if err != nil {
		l.t.Fatal(err)
	}
	l.pods[name] = p
	return p
}

// settle waits until what has been asked of the fabric so far has been done.
func (l *lab) settle() {
	done := make(chan struct{})
	l.f.change(func() { close(done) })
	<-done
}

func (l *lab) services(services ...Service) {
	l.t.Helper()
	if err := l.f.SetServices(services); err != nil {
		l.t.Fatal(err)
	}
	l.settle()
}

// serve runs an HTTP server that answers who it is and who asked; /big answers much.
func (l *lab) serve(h *Namespace, name string, port int) {
	l.t.Helper()
	listener, err := h.Listen(l.t.Context(), "tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		l.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s to %s", name, host)
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 200_000)) })
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	l.t.Cleanup(func() { _ = server.Close() })
}

func client(h *Namespace, keepAlive bool) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: h.Dial, DisableKeepAlives: !keepAlive}}
}

// get fetches a URL within d of virtual time and returns the answer, or the error.
func (l *lab) get(h *Namespace, url string, d time.Duration) (string, error) {
	c := client(h, false)
	return l.fetch(c, url, d)
}

func (l *lab) fetch(c *http.Client, url string, d time.Duration) (string, error) {
	ctx, cancel := l.f.clock.WithTimeout(l.t.Context(), d)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if len(body) > 1000 {
		return fmt.Sprintf("%d bytes", len(body)), err
	}
	return string(body), err
}

func (l *lab) mustGet(h *Namespace, url, want string) {
	l.t.Helper()
	got, err := l.get(h, url, 10*time.Second)
	if err != nil || got != want {
		l.t.Fatalf("get %s: %q, %v, want %q", url, got, err, want)
	}
}

// recorder keeps hops as lines. hold, when set, is called for each.
type recorder struct {
	mu   sync.Mutex
	hops []*network.Hop
	hold func(h *network.Hop)
}

func (r *recorder) Hop(_ context.Context, h *network.Hop, _ uint64, _ bool) (uint64, error) {
	r.mu.Lock()
	r.hops = append(r.hops, h)
	n := len(r.hops)
	hold := r.hold
	r.mu.Unlock()
	if hold != nil {
		hold(h)
	}
	return uint64(n), nil
}

func (r *recorder) all() []*network.Hop {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*network.Hop(nil), r.hops...)
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hops = nil
}

// line writes a hop for a transcript: without what differs between runs.
func line(h *network.Hop) string {
	var b strings.Builder
	where := h.Node
	if h.Namespace != "" {
		where = strings.TrimPrefix(h.Namespace, "default/")
	}
	fmt.Fprintf(&b, "%-8s %-9s %-3s %-12s %s", where, h.Device, h.Direction, h.Point, words(h))
	if h.Rule != "" {
		fmt.Fprintf(&b, " [%s]", h.Rule)
	}
	if h.NAT != nil {
		fmt.Fprintf(&b, " {%s: %s => %s}", h.NAT.Kind, h.NAT.Before, h.NAT.After)
	}
	if h.Verdict != network.Forwarded {
		fmt.Fprintf(&b, " %s", h.Verdict)
	}
	if h.Reason != "" {
		fmt.Fprintf(&b, ": %s", h.Reason)
	}
	return b.String()
}

func words(h *network.Hop) string {
	p := h.Data.Headers()
	var b strings.Builder
	for p != nil {
		switch {
		case p.ARP != nil && p.ARP.Op == 1:
			fmt.Fprintf(&b, "arp who has %v, asks %v", p.ARP.TargetIP, p.ARP.SenderIP)
		case p.ARP != nil:
			fmt.Fprintf(&b, "arp %v is at %v", p.ARP.SenderIP, p.ARP.SenderMAC)
		case p.IPv4 != nil:
			fmt.Fprintf(&b, "%v>%v ttl %d", p.IPv4.Src, p.IPv4.Dst, p.IPv4.TTL)
		}
		switch {
		case p.TCP != nil:
			fmt.Fprintf(&b, " tcp %d>%d %s", p.TCP.SrcPort, p.TCP.DstPort, p.TCP.Flags)
			if p.Payload > 0 {
				fmt.Fprintf(&b, " +%d", p.Payload)
			}
		case p.VXLAN != nil:
			fmt.Fprintf(&b, " vxlan %d (", p.VXLAN.VNI)
		case p.UDP != nil:
			fmt.Fprintf(&b, " udp %d>%d", p.UDP.SrcPort, p.UDP.DstPort)
		case p.ICMP != nil:
			fmt.Fprintf(&b, " icmp %s", p.ICMP.Name)
			if p.Inner != nil {
				b.WriteString(" about (")
			}
		}
		if p.Malformed != "" {
			fmt.Fprintf(&b, " MALFORMED %s", p.Malformed)
		}
		if p.Inner == nil {
			break
		}
		p = p.Inner
	}
	for range strings.Count(b.String(), "(") {
		b.WriteString(")")
	}
	return b.String()
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func web(endpoints ...string) Service {
	s := Service{Name: "default/web", PortName: "http", Protocol: "tcp", Port: 80, ClusterIP: ip("10.96.0.10")}
	for _, e := range endpoints {
		a := netip.MustParseAddrPort(e)
		s.Endpoints = append(s.Endpoints, Endpoint{Addr: a, Node: fmt.Sprintf("node-%d", a.Addr().As4()[2]), Ready: true,
			Serving: true})
	}
	return s
}
