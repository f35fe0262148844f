package fabric

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	insecure "math/rand"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// Namespace is a network namespace: addresses, routes and sockets. A Pod has one, and a node. Its methods are those that
// programs see, with the names and errors of package net; they are safe for concurrent use.
type Namespace struct {
	f         *Fabric
	name      string
	stack     *stack.Stack
	nic       *nic
	lo        *nic // nil when nobody sees what goes over loopback
	addresses []netip.Addr
	node      *Node // whose own namespace it is, nil for a Pod's or an outside machine's

	mu   sync.Mutex
	open map[io.Closer]struct{} // what destroy must close; nil once it has

	asking atomic.Pointer[origin] // of the followed socket that was opened last
}

// loMTU is that of Linux's loopback interface.
const loMTU = 65536

// The interfaces of a stack.
const (
	nicLoopback = 1
	nicEth0     = 2
)

// namespaceConfig says what a namespace is made of.
type namespaceConfig struct {
	name      string
	addresses []netip.Prefix
	hw        *hwaddr // nil for an interface that speaks IP
	mtu       int
	gateway   netip.Addr // invalid for none
	node      *Node      // whose own namespace it is
	send      func(p *packet) bool
	loop      func(p *packet) bool // takes what goes over loopback; nil for nobody
}

// newNamespace makes a namespace. Whoever gets it calls destroy.
func (f *Fabric) newNamespace(cfg namespaceConfig) (*Namespace, error) {
	random := newRandom(f.cfg.Seed, f.nameForSeed(cfg.name+cfg.addresses[0].String()))
	h := &Namespace{f: f, name: cfg.name, node: cfg.node, open: map[io.Closer]struct{}{}}
	h.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{udp.NewProtocol, icmp.NewProtocol4, tcp.NewProtocol},
		Clock:              f.clock,
		// A node sees what it sends to itself, because Service rules may lead it elsewhere.
		HandleLocal: cfg.hw != nil,
		RandSource:  random,
		SecureRNG:   random,
	})
	h.stack.SetICMPLimit(math.MaxFloat64) // the limiter has the machine's clock
	h.nic = &nic{send: cfg.send}
	h.nic.mtu.Store(uint32(cfg.mtu))
	var link stack.LinkEndpoint = h.nic
	if cfg.hw != nil {
		h.nic.hw = tcpip.LinkAddress(cfg.hw[:])
		h.nic.mtu.Add(etherLen)
		link = ethernet.New(h.nic)
	} else {
		h.nic.headroom = etherLen
	}
	h.nic.asking = h.asking.Load
	lo := loopback.New()
	if cfg.loop != nil {
		h.lo = &nic{send: cfg.loop, headroom: etherLen, loopback: true}
		h.lo.mtu.Store(loMTU)
		lo = h.lo
	}
	err := asError(h.stack.CreateNICWithOptions(nicLoopback, lo, stack.NICOptions{Name: "lo"}),
		h.stack.CreateNICWithOptions(nicEth0, link, stack.NICOptions{Name: "eth0"}),
		h.addAddress(nicLoopback, netip.MustParsePrefix("127.0.0.1/8")))
	routes := []tcpip.Route{{Destination: toSubnet(netip.MustParsePrefix("127.0.0.0/8")), NIC: nicLoopback}}
	for _, p := range cfg.addresses {
		err = errors.Join(err, asError(h.addAddress(nicEth0, p)))
		h.addresses = append(h.addresses, p.Addr())
		routes = append(routes, tcpip.Route{Destination: toSubnet(p.Masked()), NIC: nicEth0})
	}
	if cfg.gateway.IsValid() {
		routes = append(routes, tcpip.Route{Destination: toSubnet(netip.PrefixFrom(netip.IPv4Unspecified(), 0)),
			Gateway: toAddress(cfg.gateway), NIC: nicEth0})
	}
	if err != nil {
		h.stack.Destroy()
		return nil, fmt.Errorf("make network namespace %s: %w", cfg.name, err)
	}
	h.stack.SetRouteTable(routes)
	return h, nil
}

func (h *Namespace) addAddress(id tcpip.NICID, p netip.Prefix) tcpip.Error {
	return h.stack.AddProtocolAddress(id, tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: toAddress(p.Addr()), PrefixLen: p.Bits()}},
		stack.AddressProperties{})
}

// destroy closes all sockets, so that whoever waits on one gets an error, and ends the stack. The stack alone would leave
// those waiting who accept or read datagrams. It is called once.
func (h *Namespace) destroy() {
	h.mu.Lock()
	open := h.open
	h.open = nil
	h.mu.Unlock()
	for s := range open {
		_ = s.Close() // whether it was closed already does not matter
	}
	h.stack.Destroy()
}

// keep notes an open socket; false when the namespace is gone, and the socket must be closed.
func (h *Namespace) keep(s io.Closer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		return false
	}
	h.open[s] = struct{}{}
	return true
}

// drop forgets a socket that has been closed.
func (h *Namespace) drop(s io.Closer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, s)
}

// Addresses returns the namespace's own addresses, without loopback.
func (h *Namespace) Addresses() []netip.Addr { return slices.Clone(h.addresses) }

// Clock returns the time on which the namespace's timers run.
func (h *Namespace) Clock() *Clock { return h.f.clock }

// asError returns the first of netstack's errors.
func asError(all ...tcpip.Error) error {
	for _, e := range all {
		if e != nil {
			return errors.New(e.String())
		}
	}
	return nil
}

func toAddress(a netip.Addr) tcpip.Address { return tcpip.AddrFrom4(a.As4()) }

func fromAddress(a tcpip.Address) netip.Addr {
	if a.Len() != 4 {
		return netip.Addr{}
	}
	return netip.AddrFrom4(a.As4())
}

func toSubnet(p netip.Prefix) tcpip.Subnet {
	return tcpip.AddressWithPrefix{Address: toAddress(p.Addr()), PrefixLen: p.Bits()}.Subnet()
}

// random is a stack's source of ports and sequence numbers: repeatable, as nobody in the lab is an attacker.
type random struct {
	mu  sync.Mutex
	gen *rand.ChaCha8
}

var _ insecure.Source = (*random)(nil)

// nameForSeed tells a namespace from former ones with its name and address: with the same ports in the same order, its
// connections would be taken for theirs.
func (f *Fabric) nameForSeed(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made[name]++
	if n := f.made[name]; n > 1 {
		return fmt.Sprintf("%s#%d", name, n)
	}
	return name
}

func newRandom(seed uint64, name string) *random {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	var key [32]byte
	for i, v := range []uint64{seed, h.Sum64()} {
		for j := range 8 {
			key[i*8+j] = byte(v >> (8 * j))
		}
	}
	return &random{gen: rand.NewChaCha8(key)}
}

// Read implements [io.Reader].
func (r *random) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gen.Read(b)
}

// Int63 implements [math/rand.Source].
func (r *random) Int63() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(r.gen.Uint64() >> 1)
}

// Seed implements [math/rand.Source]; the seed is given once and for all.
func (r *random) Seed(int64) {}
