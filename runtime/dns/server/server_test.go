package server_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"k8s.io/client-go/rest"

	"github.com/kubestep/kubestep/runtime/dns/server"
)

// loopback is a Pod's network made of ports of 127.0.0.1.
type loopback struct {
	mu    sync.Mutex
	ports map[string]string // where "udp :53" listens
}

func (l *loopback) note(network, address string, at net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ports[network+" "+address] = at.String()
}

func (l *loopback) at(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ports[name]
}

func (l *loopback) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	var config net.ListenConfig
	at, err := config.Listen(ctx, network, "127.0.0.1:0")
	if err == nil {
		l.note(network, address, at.Addr())
	}
	return at, err
}

func (l *loopback) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	var config net.ListenConfig
	at, err := config.ListenPacket(ctx, network, "127.0.0.1:0")
	if err == nil {
		l.note(network, address, at.LocalAddr())
	}
	return at, err
}

// output is a container's standard output.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func ask(t *testing.T, network, at, name string) *dns.Msg {
	t.Helper()
	m, _, err := (&dns.Client{Net: network}).ExchangeContext(t.Context(), new(dns.Msg).SetQuestion(name, dns.TypeA), at)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestServer serves, reloads and stops, and leaves nothing behind.
func TestServer(t *testing.T) {
	before := runtime.NumGoroutine()
	sockets := &loopback{ports: map[string]string{}}
	out := &output{}
	const first = ".:53 {\n log\n errors\n health {\n lameduck 20ms\n }\n ready\n forward . 9.9.9.9\n cache 30\n reload\n}\n"
	s, err := server.New(server.Options{Config: &rest.Config{Host: "https://127.0.0.1:1"}, Corefile: first, Sockets: sockets,
		Output: out})
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, t.Context()) }()
	<-s.Ready()
	for _, network := range []string{"udp", "tcp"} {
		at := sockets.at(network + " :53")
		if m := ask(t, network, at, "example.com."); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
			t.Errorf("%s: example.com: %v", network, m)
		}
		if m := ask(t, network, at, "kubernetes.io."); m.Rcode != dns.RcodeNameError || len(m.Ns) != 1 {
			t.Errorf("%s: kubernetes.io: %v, want NXDOMAIN with the authority", network, m)
		}
	}
	for _, path := range []string{"tcp :8080 /health", "tcp :8181 /ready"} {
		at, path := path[:strings.LastIndex(path, " ")], path[strings.LastIndex(path, " ")+1:]
		resp, err := http.Get("http://" + sockets.at(at) + path) //nolint:noctx // a test
		check(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()

	s.Reload(ctx, "a typo {\n")
	s.Reload(ctx, ". {\n template IN A example.com {\n answer \"{{ .Name }} 5 IN A 192.0.2.99\"\n }\n}\n")
	wait(t, "the new Corefile", func() bool { return strings.Contains(out.String(), "Reloading complete") })
	if m := ask(t, "udp", sockets.at("udp :53"), "example.com."); len(m.Answer) != 1 ||
		!strings.HasSuffix(m.Answer[0].String(), "192.0.2.99") {
		t.Errorf("after the reload example.com is %v", m)
	}
	stop()
	check(t, <-ended)
	for _, want := range []string{
		".:53\nCoreDNS-1.14.7\n",
		"\"A IN example.com. udp 29 false 512\" NOERROR qr,rd,ra ",
		"[ERROR] Corefile changed but reload failed: read the Corefile",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the output:\n%s", want, out)
		}
	}
	end := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}
