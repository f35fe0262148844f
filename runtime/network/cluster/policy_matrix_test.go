package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubestep/kubestep/runtime/network"
	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// matrix is the cluster of upstream's NetworkPolicy tests (test/e2e/network/netpol): namespaces x, y, z with Pods a, b, c,
// each on the node of its name, and a machine outside. Everybody serves on every port; who reaches whom is found out with
// packets.
type matrix struct {
	t       *testing.T
	fabric  *fabric.Fabric
	world   policyWorld
	members map[string]*member // "x/a", outside
	dropped atomic.Pointer[context.CancelCauseFunc]
	// lastPort is the one that a datagram was sent from most recently.
	lastPort int
}

type member struct {
	*fabric.Namespace
	address netip.Addr
}

const outside = "outside"

// ports are what everybody serves, with the names that Pods have for them.
var ports = []struct {
	name     string
	protocol corev1.Protocol
	number   int32
}{{"serve-80-tcp", corev1.ProtocolTCP, 80}, {"serve-81-tcp", corev1.ProtocolTCP, 81}, {"serve-80-udp", corev1.ProtocolUDP, 80}}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	f, err := fabric.New(fabric.Config{})
	check(t, err)
	m := &matrix{t: t, fabric: f, members: map[string]*member{}, lastPort: 10_000}
	run(t, f.Run)
	f.Observe(m)
	host, err := f.AddHost(fabric.HostConfig{Name: outside, Address: netip.MustParseAddr("192.168.50.100")})
	check(t, err)
	m.add(outside, &member{Namespace: host.Namespace, address: host.Addresses()[0]})
	for _, ns := range []string{"x", "y", "z"} {
		m.world.namespaces = append(m.world.namespaces, &corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{"ns": ns}},
		})
	}
	for i, name := range []string{"a", "b", "c"} {
		node, err := f.AddNode(fabric.NodeConfig{
			Name: "node-" + name, Address: netip.AddrFrom4([4]byte{192, 168, 50, byte(11 + i)}),
			PodCIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(i), 0}), 24),
		})
		check(t, err)
		for j, ns := range []string{"x", "y", "z"} {
			address := netip.AddrFrom4([4]byte{10, 244, byte(i), byte(2 + j)})
			pod, err := node.AddPod(fabric.PodConfig{Namespace: ns, Name: name, Address: address})
			check(t, err)
			m.addPod(ns, name, address)
			m.add(ns+"/"+name, &member{Namespace: pod.Namespace, address: address})
		}
	}
	return m
}

// addPod makes the Pod object.
func (m *matrix) addPod(ns, name string, address netip.Addr) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: ns, UID: types.UID(ns + name), Labels: map[string]string{"pod": name}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: address.String()}}},
	}
	for _, p := range ports {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: p.name, Ports: []corev1.ContainerPort{{Name: p.name, ContainerPort: p.number, Protocol: p.protocol}},
		})
	}
	m.world.pods = append(m.world.pods, pod)
}

// add lets somebody serve.
func (m *matrix) add(name string, who *member) {
	m.members[name] = who
	for _, p := range ports {
		at := ":" + strconv.Itoa(int(p.number))
		if p.protocol == corev1.ProtocolUDP {
			c, err := who.ListenPacket(m.t.Context(), "udp", at)
			check(m.t, err)
			go echo(c)
			continue
		}
		l, err := who.Listen(m.t.Context(), "tcp", at)
		check(m.t, err)
		go accept(l)
	}
}

func echo(c net.PacketConn) {
	b := make([]byte, 16)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		_, _ = c.WriteTo(b[:n], from)
	}
}

func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.Close()
	}
}

var errDropped = errors.New("dropped")

// Hop implements [network.Observer]: a packet that is dropped ends the attempt that it belongs to.
func (m *matrix) Hop(_ context.Context, h *network.Hop, _ uint64, _ bool) (uint64, error) {
	if h.Verdict == network.Dropped {
		if cancel := m.dropped.Load(); cancel != nil {
			if !strings.HasPrefix(h.Reason, "network policy ") {
				(*cancel)(fmt.Errorf("at %s: %s", h.Point, h.Reason))
			}
			(*cancel)(errDropped)
		}
	}
	return 0, nil
}

// reaches tries a connection.
func (m *matrix) reaches(from, to string, protocol corev1.Protocol, number int32) bool {
	m.t.Helper()
	ctx, cancel := context.WithCancelCause(m.t.Context())
	defer cancel(nil)
	m.dropped.Store(&cancel)
	defer m.dropped.Store(nil)
	address := netip.AddrPortFrom(m.members[to].address, uint16(number))
	var err error
	if protocol == corev1.ProtocolUDP {
		err = m.ask(ctx, m.members[from], address)
	} else {
		var c net.Conn
		if c, err = m.members[from].Dial(ctx, "tcp", address.String()); err == nil {
			_ = c.Close()
		}
	}
	if cause := context.Cause(ctx); err != nil && !errors.Is(cause, errDropped) {
		m.t.Fatalf("%s to %s %s: %v (%v)", from, to, address, err, cause)
	}
	return err == nil
}

// ask sends a datagram and waits for the answer, from a port that was never used: connection tracking remembers for a
// while who was let through, and an open connection stays so.
func (m *matrix) ask(ctx context.Context, from *member, to netip.AddrPort) error {
	m.lastPort++
	c, err := from.ListenPacket(ctx, "udp", ":"+strconv.Itoa(m.lastPort))
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if _, err = c.WriteTo([]byte("?"), net.UDPAddrFromAddrPort(to)); err == nil {
		_, _, err = c.ReadFrom(make([]byte, 16))
	}
	return err
}

// expect applies policies and compares who reaches whom with allowed.
func (m *matrix) expect(policies []*networkingv1.NetworkPolicy, allowed func(from, to, port string) bool) {
	m.t.Helper()
	m.world.policies = policies
	check(m.t, m.fabric.SetPolicies(m.world.resolve()))
	probes := 0
	for from := range m.members {
		for to := range m.members {
			if from == outside { // it has no route to Pods
				continue
			}
			for _, p := range ports {
				probes++
				want := from == to || allowed(from, to, p.name)
				if got := m.reaches(from, to, p.protocol, p.number); got != want {
					m.t.Errorf("%s reaches %s on %s: %v, want %v", from, to, p.name, got, want)
				}
			}
		}
	}
	if probes < 250 {
		m.t.Fatalf("only %d probes", probes)
	}
}

// run runs a part until the test has ended.
func run(t *testing.T, part func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sandboxAddresses(uid, address string) map[string]netip.Addr {
	return map[string]netip.Addr{uid: netip.MustParseAddr(address)}
}
