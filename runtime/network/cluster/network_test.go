package cluster

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/inproc"
	"github.com/kubestep/kubestep/runtime/network/fabric"
)

func cidr(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// newNetwork returns a network that runs, with an API server that repeats what it is told.
func newNetwork(t *testing.T) *Network {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go repeat(l)
	dial := func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}
	n, err := New(Options{}, engine.NetworkConfig{
		PodCIDR: cidr("10.244.0.0/16"), ServiceCIDR: cidr("10.96.0.0/16"), NodeCIDR: cidr("192.168.50.0/24"),
		APIServer: netip.MustParseAddrPort("192.168.50.2:6443"), DialAPIServer: dial,
	})
	check(t, err)
	run(t, n.Run)
	return n
}

func repeat(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}()
	}
}

// newNode returns a node that runs without a service proxy, and what turns it off.
func newNode(t *testing.T, n *Network, name string, last byte, pods string) (*Node, context.CancelFunc) {
	t.Helper()
	node, err := n.NewNode(engine.NodeConfig{Name: name, Address: net.IPv4(192, 168, 50, last)})
	check(t, err)
	ctx, off := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = node.Run(ctx)
	}()
	if pods != "" {
		check(t, node.SetPodCIDR(cidr(pods)))
	}
	return node, func() { off(); <-done }
}

func newPod(t *testing.T, n *Node, name string) *fabric.Pod {
	t.Helper()
	ns, err := n.Add(t.Context(), inproc.SandboxNetwork{ID: name, PodNamespace: "default", PodName: name, PodUID: name})
	check(t, err)
	return ns.(*fabric.Pod)
}

// says connects to an address and returns what comes back for a word.
func says(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), address string) (string, error) {
	t.Helper()
	c, err := dial(t.Context(), "tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		return "", err
	}
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return "", err
		}
	}
	b := make([]byte, 5)
	_, err = io.ReadFull(c, b)
	return string(b), err
}

// serve lets a Pod answer with its name.
func serve(t *testing.T, p interface {
	Listen(context.Context, string, string) (net.Listener, error)
}, name string) {
	t.Helper()
	l, err := p.Listen(t.Context(), "tcp", ":80")
	check(t, err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(name))
			_ = c.Close()
		}
	}()
}

func TestNodeIsReadyWithItsCIDR(t *testing.T) {
	n := newNetwork(t)
	node, off := newNode(t, n, "node-1", 11, "")
	defer off()
	if node.Ready() == nil {
		t.Error("ready without a Pod CIDR")
	}
	if _, err := node.Add(t.Context(), inproc.SandboxNetwork{ID: "early"}); err == nil {
		t.Error("a Pod has a network before the node has a Pod CIDR")
	}
	if _, err := node.Dial(t.Context(), "tcp", "192.168.50.2:6443"); err == nil || !strings.Contains(err.Error(), "no Pod CIDR") {
		t.Errorf("dial from a node without network: %v", err)
	}
	check(t, node.SetPodCIDR(cidr("10.244.1.0/24")))
	check(t, node.SetPodCIDR(cidr("10.244.1.7/24"))) // the same
	check(t, node.Ready())
	if a := newPod(t, node, "pod").Addresses()[0].String(); a != "10.244.1.2" {
		t.Errorf("the first Pod has %s", a)
	}
	check(t, node.SetPodCIDR(cidr("10.244.9.0/24")))
	if a := newPod(t, node, "later").Addresses()[0].String(); a != "10.244.9.2" {
		t.Errorf("with another range the first Pod has %s", a)
	}
}

// TestPathsInside has everybody reach whom they should: Pods each other, nodes Pods, the API server Pods and Services, and
// Pods the API server.
func TestPathsInside(t *testing.T) {
	n := newNetwork(t)
	one, off1 := newNode(t, n, "node-1", 11, "10.244.1.0/24")
	defer off1()
	two, off2 := newNode(t, n, "node-2", 12, "10.244.2.0/24")
	defer off2()
	client, web := newPod(t, one, "client"), newPod(t, two, "web")
	serve(t, web, "web-2")
	host, err := two.Add(t.Context(), inproc.SandboxNetwork{ID: "host", Host: true})
	check(t, err)
	serve(t, host, "host2")
	check(t, one.install([]fabric.Service{{
		Name: "default/web", Protocol: "tcp", Port: 8000, ClusterIP: netip.MustParseAddr("10.96.0.10"),
		Endpoints: []fabric.Endpoint{{Addr: netip.MustParseAddrPort("10.244.2.2:80"), Ready: true}},
	}, {
		Name: "default/kubernetes", Protocol: "tcp", Port: 443, ClusterIP: netip.MustParseAddr("10.96.0.1"),
		Endpoints: []fabric.Endpoint{{Addr: netip.MustParseAddrPort("192.168.50.2:6443"), Ready: true}},
	}}))
	for _, c := range []struct {
		name    string
		dial    func(context.Context, string, string) (net.Conn, error)
		to      string
		want    string
		refused bool
	}{
		{name: "Pod to Pod", dial: client.Dial, to: "10.244.2.2:80", want: "web-2"},
		{name: "Pod to Service", dial: client.Dial, to: "10.96.0.10:8000", want: "web-2"},
		{name: "Pod to a node", dial: client.Dial, to: "192.168.50.12:80", want: "host2"},
		{name: "Pod to the API server", dial: client.Dial, to: "192.168.50.2:6443", want: "hello"},
		{name: "Pod to the API server's Service", dial: client.Dial, to: "10.96.0.1:443", want: "hello"},
		{name: "Pod to nowhere", dial: client.Dial, to: "192.168.50.2:22", refused: true},
		{name: "node to Pod", dial: one.Dial, to: "10.244.2.2:80", want: "web-2"},
		{name: "API server to Pod", dial: n.DialContext, to: "10.244.2.2:80", want: "web-2"},
		{name: "API server to Service", dial: n.DialContext, to: "10.96.0.10:8000", want: "web-2"},
		{name: "API server to a name", dial: n.DialContext, to: "web:80", refused: true},
		{name: "Pod to the machine itself", dial: client.Dial, to: "127.0.0.1:80", refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := says(t, c.dial, c.to)
			if c.refused != (err != nil) || got != c.want {
				t.Errorf("%s answers %q, %v; want %q", c.to, got, err, c.want)
			}
		})
	}
	if rules := one.Rules(); len(rules) != 2 || rules[1].Name != "default/web" || rules[1].Action != "to 10.244.2.2:80" {
		t.Errorf("rules of node-1: %v", rules)
	}
	if rules := two.Rules(); len(rules) != 0 {
		t.Errorf("node-2's proxy knows nothing, but it has rules: %v", rules)
	}
}

// TestLongTalkWithTheAPIServer sends more than any buffer holds.
func TestLongTalkWithTheAPIServer(t *testing.T) {
	n := newNetwork(t)
	node, off := newNode(t, n, "node-1", 11, "10.244.1.0/24")
	defer off()
	c, err := newPod(t, node, "client").Dial(t.Context(), "tcp", "192.168.50.2:6443")
	check(t, err)
	sent := bytes.Repeat([]byte("kubernetes"), 100_000)
	go func() { _, _ = c.Write(sent) }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("a megabyte came back as %d bytes, %v", len(got), err)
	}
	check(t, c.Close())
}

// TestPowerOff takes a node's power and makes the node again.
func TestPowerOff(t *testing.T) {
	n := newNetwork(t)
	one, off1 := newNode(t, n, "node-1", 11, "10.244.1.0/24")
	defer off1()
	two, off2 := newNode(t, n, "node-2", 12, "10.244.2.0/24")
	client, web := newPod(t, one, "client"), newPod(t, two, "web")
	serve(t, web, "web-2")
	if got, err := says(t, client.Dial, "10.244.2.2:80"); got != "web-2" {
		t.Fatalf("before: %q, %v", got, err)
	}
	off2()
	if two.Ready() == nil {
		t.Error("a node without power is ready")
	}
	serve(t, client, "alive")
	if got, err := says(t, n.DialContext, "10.244.1.2:80"); got != "alive" {
		t.Errorf("with one node off, the API server hears %q, %v from the other", got, err)
	}
	check(t, two.Remove(t.Context(), "web"))
	again, off3 := newNode(t, n, "node-2", 12, "10.244.2.0/24")
	defer off3()
	serve(t, newPod(t, again, "web"), "again")
	if got, err := says(t, client.Dial, "10.244.2.2:80"); got != "again" {
		t.Errorf("after: %q, %v", got, err)
	}
}

func TestRemovedPodFreesItsAddress(t *testing.T) {
	n := newNetwork(t)
	node, off := newNode(t, n, "node-1", 11, "10.244.1.0/29") // .2 to .6
	defer off()
	for range 20 {
		newPod(t, node, "pod")
		check(t, node.Remove(t.Context(), "pod"))
		check(t, node.Remove(t.Context(), "pod"))
	}
	if addresses := n.podAddresses(); len(addresses) != 0 {
		t.Errorf("left over: %v", addresses)
	}
}
