package fabric

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubestep/kubestep/runtime/network"
)

func TestListings(t *testing.T) {
	l := newLab(t, Config{})
	a, b := l.pods["a1"], l.pods["b1"]
	interfaces := a.Interfaces()
	if len(interfaces) != 2 || interfaces[0].Name != "lo" || !interfaces[0].Loopback || interfaces[0].Hardware != nil {
		t.Fatalf("interfaces %+v: want lo first, without a hardware address", interfaces)
	}
	eth0 := interfaces[1]
	hw := podHW(toIP4(ip("10.244.1.2")))
	if eth0.Name != "eth0" || eth0.MTU != a.cfg.MTU || string(eth0.Hardware) != string(hw[:]) ||
		len(eth0.Addresses) != 1 || eth0.Addresses[0] != netip.MustParsePrefix("10.244.1.2/24") {
		t.Errorf("eth0 is %+v, want MTU %d, %x and 10.244.1.2/24", eth0, a.cfg.MTU, hw)
	}
	var gateway netip.Addr
	for _, r := range a.Routes() {
		if r.To.Bits() == 0 && r.Device == "eth0" {
			gateway = r.Via
		}
	}
	if gateway != ip("10.244.1.1") {
		t.Errorf("default gateway %v, want the bridge's address: %+v", gateway, a.Routes())
	}

	l.serve(b.Namespace, "b1", 8080)
	conn, err := a.Dial(t.Context(), "tcp", "10.244.2.2:8080")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := network.Socket{Protocol: "tcp", Local: conn.LocalAddr().(interface{ AddrPort() netip.AddrPort }).AddrPort(),
		Remote: netip.MustParseAddrPort("10.244.2.2:8080"), State: network.StateEstablished}
	if got := a.Sockets(); len(got) != 1 || got[0] != want {
		t.Errorf("client's sockets %+v, want %+v", got, want)
	}
	listening := network.Socket{Protocol: "tcp", Local: netip.MustParseAddrPort("0.0.0.0:8080"),
		Remote: netip.MustParseAddrPort("0.0.0.0:0"), State: network.StateListen}
	if got := b.Sockets(); len(got) != 2 || got[0] != listening || got[1].Remote != want.Local {
		t.Errorf("server's sockets %+v, want %+v and the connection", got, listening)
	}
	neighbours := a.Neighbours()
	if len(neighbours) != 1 || neighbours[0].Address != gateway || neighbours[0].Hardware == nil {
		t.Errorf("neighbours %+v, want the gateway's address", neighbours)
	}
	if _, err := l.get(a.Namespace, "http://10.244.2.2:8080/", 5*time.Second); err != nil {
		t.Error(err)
	}
}

func TestProbeSaysWhatTheStackKnows(t *testing.T) {
	l := newLab(t, Config{})
	a := l.pods["a1"]
	ctx, cancel := l.f.clock.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, tt := range []struct {
		name  string
		probe Probe
		want  error
	}{
		{"nobody has the address", Probe{To: ip("10.244.1.99"), Seq: 1}, syscall.EHOSTUNREACH},
		{"too long", Probe{To: ip("10.244.2.2"), Seq: 1, Size: a.cfg.MTU - 27, DontFragment: true}, syscall.EMSGSIZE},
		{"just fits", Probe{To: ip("10.244.2.2"), Seq: 1, Size: a.cfg.MTU - 28, DontFragment: true}, nil},
		{"may be fragmented", Probe{To: ip("10.244.2.2"), Seq: 1, Size: a.cfg.MTU}, nil},
		{"somebody has the address", Probe{To: ip("10.244.1.3"), Seq: 1}, nil},
	} {
		if _, err := a.Probe(ctx, tt.probe); !errors.Is(err, tt.want) || err != nil && tt.want == nil {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestAddressesOutliveTheConnection(t *testing.T) {
	l := newLab(t, Config{})
	listener, err := l.pods["b1"].Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.pods["a1"].Dial(t.Context(), "tcp", "10.244.2.2:80")
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
	conn.Close()
	for _, got := range []string{conn.RemoteAddr().String(), accepted.LocalAddr().String()} {
		if got != "10.244.2.2:80" {
			t.Errorf("server's address %s after the end", got)
		}
	}
	if accepted.RemoteAddr().String() != conn.LocalAddr().String() {
		t.Errorf("client's address is %v, and %v to the server", conn.LocalAddr(), accepted.RemoteAddr())
	}
}

func TestListingsOfANode(t *testing.T) {
	l := newLab(t, Config{})
	l.settle()
	host := l.nodes["node-1"].Host()
	var names []string
	for _, i := range host.Interfaces() {
		names = append(names, fmt.Sprint(i.Index, i.Name, i.MTU, i.Addresses))
	}
	want := "[1 lo 65536 [127.0.0.1/8] 2 eth0 1500 [192.168.50.11/24] 3 flannel.1 1450 [10.244.1.0/32] 4 cni0 1450 [10.244.1.1/24]]"
	if got := fmt.Sprint(names); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("interfaces %s, want %s", got, want)
	}
	found := false
	for _, r := range host.Routes() {
		found = found || r == network.Route{To: netip.MustParsePrefix("10.244.2.0/24"), Via: ip("10.244.2.0"), Device: "flannel.1",
			Source: ip("10.244.1.0")}
	}
	if !found {
		t.Errorf("the route to node-2's Pods is not in %+v", host.Routes())
	}
}
