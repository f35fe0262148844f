package cluster

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
)

// breakIt says what is wrong with a target from now on: "cut", "mtu 1500"; nothing mends it.
func breakIt(t *testing.T, n *Network, target string, kinds ...string) error {
	t.Helper()
	var all []engine.Fault
	for _, k := range kinds {
		words := strings.Fields(k)
		c, err := engine.ParseFault(append([]string{words[0], target}, words[1:]...))
		check(t, err)
		all = append(all, c.Fault)
	}
	return n.SetFaults(target, all)
}

func TestFaults(t *testing.T) {
	n := newNetwork(t)
	one, _ := newNode(t, n, "node-1", 11, "10.244.1.0/24")
	two, off := newNode(t, n, "node-2", 12, "10.244.2.0/24")
	client, web := newPod(t, one, "client"), newPod(t, two, "web")
	serve(t, web, "hello")
	within := func(d time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := n.fabric.Clock().WithTimeout(ctx, d)
			defer cancel()
			return client.Dial(ctx, network, address)
		}
	}
	// Neighbours who were asked for in vain are asked for again after a second.
	brief, long := within(200*time.Millisecond), within(10*time.Second)
	address := func() string { return netip.AddrPortFrom(web.Addresses()[0], 80).String() }
	works := func(what string, want bool) {
		t.Helper()
		dial := brief
		if want {
			dial = long
		}
		if _, err := says(t, dial, address()); (err == nil) != want {
			t.Errorf("%s: a connection gives %v", what, err)
		}
	}
	works("before", true)
	for _, test := range []struct {
		target, kind string
		works        bool
	}{
		{"node-1", "cut", false},
		{"node-2", "drop 1", false},
		{"node-2", "drop x", false},
		{"node-1", "no-route node-2", false},
		{"node-2", "no-route node-1", false}, // the answer has no way back
		{"node-1", "delay 1s", false},
		{"pod/default/client", "cut", false},
		{"pod/default/web", "delay 1s", false},
		{"node-1", "isolate", true},
		{"node-1", "no-dns", true},
		{"node-1", "filter-icmp", true},
		{"node-1", "stop-proxy", true},
	} {
		check(t, breakIt(t, n, test.target, test.kind))
		works(test.target+" "+test.kind, test.works)
		check(t, breakIt(t, n, test.target))
		works(test.target+" healed", true)
	}

	t.Run("cut from the control plane", func(t *testing.T) {
		check(t, breakIt(t, n, "node-1", "isolate"))
		if _, err := says(t, brief, "192.168.50.2:6443"); err == nil {
			t.Error("a Pod of the node reaches the API server")
		}
		check(t, breakIt(t, n, "node-1"))
		if got, err := says(t, long, "192.168.50.2:6443"); got != "hello" {
			t.Errorf("healed, it gives %q, %v", got, err)
		}
	})
	t.Run("what takes a place is broken likewise", func(t *testing.T) {
		check(t, breakIt(t, n, "pod/default/web", "mtu 1500", "cut"))
		check(t, breakIt(t, n, "node-1", "no-route node-2", "delay 1ms"))
		off()
		two, _ = newNode(t, n, "node-2", 12, "10.244.2.0/24")
		web = newPod(t, two, "web")
		serve(t, web, "hello")
		if mtu := web.Interfaces()[1].MTU; mtu != 1500 {
			t.Errorf("the new Pod's MTU is %d", mtu)
		}
		works("Pod cut, route missing", false)
		check(t, breakIt(t, n, "pod/default/web"))
		works("route missing", false)
		check(t, breakIt(t, n, "node-1"))
		works("healed", true)
		if mtu := web.Interfaces()[1].MTU; mtu != 1450 {
			t.Errorf("healed, the Pod's MTU is %d", mtu)
		}
	})
	if got, want := n.Pods(), []string{"default/client", "default/web"}; !slices.Equal(got, want) {
		t.Errorf("Pods are %q, want %q", got, want)
	}
	if err := breakIt(t, n, "node-9", "cut"); !errors.Is(err, engine.ErrUsage) {
		t.Errorf("a node that is not there: %v", err)
	}
	if err := breakIt(t, n, "node-1", "no-route node-9"); !errors.Is(err, engine.ErrNotReady) {
		t.Errorf("a route to a node that has no Pods: %v", err)
	}
}
