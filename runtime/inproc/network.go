package inproc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"

	"github.com/kubestep/kubestep/runtime/program"
)

// Networks gives Pod sandboxes their network namespaces: to this runtime it is what CNI plugins are to others. It must be
// safe for concurrent use.
type Networks interface {
	// Ready says why sandboxes cannot get a network yet; nil when they can.
	Ready() error
	// SetPodCIDR says which addresses sandboxes get from now on. Until it is called for the first time, they get none.
	SetPodCIDR(cidr netip.Prefix) error
	// Add makes a sandbox's namespace. The caller removes it with Remove.
	Add(ctx context.Context, s SandboxNetwork) (program.Network, error)
	// Remove ends a namespace, closes all that is open in it and frees its addresses. Removing what is not there is no
	// error.
	Remove(ctx context.Context, sandboxID string) error
}

// SandboxNetwork says for which sandbox a network is.
type SandboxNetwork struct {
	ID, PodNamespace, PodName, PodUID, Hostname string
	// Host is set for Pods with hostNetwork, which share the node's own namespace.
	Host bool
	// DNSServers, DNSSearches and DNSOptions are the Pod's resolver configuration, as in its /etc/resolv.conf.
	DNSServers, DNSSearches, DNSOptions []string
}

// errNoCIDR says that the kubelet has not got the node's Pod CIDR yet.
var errNoCIDR = errors.New("the node has no Pod CIDR yet")

// LocalNetworks gives each sandbox an address and a namespace that leads nowhere else: connections within the Pod work,
// others are answered by "network is unreachable".
type LocalNetworks struct {
	mu    sync.Mutex
	cidr  netip.Prefix
	next  netip.Addr
	inUse map[netip.Addr]bool
	all   map[string]*namespace
	host  *namespace
}

// NewLocalNetworks returns networks without a connection between them.
func NewLocalNetworks() *LocalNetworks {
	return &LocalNetworks{inUse: map[netip.Addr]bool{}, all: map[string]*namespace{}, host: newNamespace(nil, "")}
}

// Ready implements [Networks].
func (n *LocalNetworks) Ready() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.cidr.IsValid() {
		return errNoCIDR
	}
	return nil
}

// firstAddress leaves out the network's own address and its gateway's.
func firstAddress(p netip.Prefix) netip.Addr { return p.Masked().Addr().Next().Next() }

// SetPodCIDR implements [Networks].
func (n *LocalNetworks) SetPodCIDR(cidr netip.Prefix) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if cidr.Masked() != n.cidr.Masked() {
		n.cidr, n.next = cidr, firstAddress(cidr)
	}
	return nil
}

// Add implements [Networks].
func (n *LocalNetworks) Add(_ context.Context, s SandboxNetwork) (program.Network, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.Host {
		return n.host, nil
	}
	if !n.cidr.IsValid() {
		return nil, errNoCIDR
	}
	addr, err := n.allocate()
	if err != nil {
		return nil, err
	}
	ns := newNamespace([]netip.Addr{addr}, s.Hostname)
	n.all[s.ID] = ns
	return ns, nil
}

// allocate goes round the range, so that an address is not used again soon: what still holds it would be confused.
func (n *LocalNetworks) allocate() (netip.Addr, error) {
	for range 2 {
		for a := n.next; n.cidr.Contains(a) && n.cidr.Contains(a.Next()); a = a.Next() { // the last one is for broadcast
			if !n.inUse[a] {
				n.inUse[a] = true
				n.next = a.Next()
				return a, nil
			}
		}
		n.next = firstAddress(n.cidr)
	}
	return netip.Addr{}, fmt.Errorf("no free address in %s: delete some Pods of this node", n.cidr)
}

// Remove implements [Networks].
func (n *LocalNetworks) Remove(_ context.Context, id string) error {
	n.mu.Lock()
	ns := n.all[id]
	delete(n.all, id)
	if ns != nil {
		for _, a := range ns.addrs {
			delete(n.inUse, a)
		}
	}
	n.mu.Unlock()
	if ns != nil {
		ns.close()
	}
	return nil
}

// namespace is a network namespace of one Pod: TCP ports in memory.
type namespace struct {
	addrs    []netip.Addr
	hostname string

	mu        sync.Mutex
	closed    bool
	listeners map[uint16]*listener
	ephemeral uint16
}

func newNamespace(addrs []netip.Addr, hostname string) *namespace {
	return &namespace{addrs: addrs, hostname: hostname, listeners: map[uint16]*listener{}, ephemeral: 32767}
}

// Addresses implements [program.Network].
func (n *namespace) Addresses() []netip.Addr { return n.addrs }

// Resolve implements [program.Network]: there is no DNS server to ask yet.
func (n *namespace) Resolve(_ context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	switch {
	case host == "localhost":
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	case host == n.hostname && len(n.addrs) > 0:
		return n.addrs, nil
	}
	return nil, &net.DNSError{Err: "network is unreachable", Name: host}
}

func (n *namespace) local(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	for _, own := range n.addrs {
		if own == a {
			return true
		}
	}
	return false
}

// parse splits an address into a host, which may be empty, and a port.
func parse(network, address string) (host string, port uint16, err error) {
	switch network {
	case "tcp", "tcp4":
	default:
		return "", 0, net.UnknownNetworkError(network)
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, &net.AddrError{Err: "invalid port", Addr: address}
	}
	return host, uint16(n), nil
}

// Listen implements [program.Network].
func (n *namespace) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	host, port, err := parse(network, address)
	fail := func(err error) (net.Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	if err != nil {
		return fail(err)
	}
	bound := netip.IPv4Unspecified()
	if host != "" {
		addrs, err := n.Resolve(ctx, host)
		if err != nil {
			return fail(err)
		}
		if bound = addrs[0]; !n.local(bound) {
			return fail(syscall.EADDRNOTAVAIL)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fail(syscall.ENETDOWN)
	}
	if port == 0 {
		port = n.freePort()
	}
	if n.listeners[port] != nil {
		return fail(syscall.EADDRINUSE)
	}
	l := &listener{ns: n, addr: netip.AddrPortFrom(bound, port), conns: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[port] = l
	return l, nil
}

// ListenPacket implements [program.Network]: there is no UDP without a network.
func (n *namespace) ListenPacket(_ context.Context, network, _ string) (net.PacketConn, error) {
	return nil, &net.OpError{Op: "listen", Net: network, Err: syscall.EPROTONOSUPPORT}
}

// freePort returns a port of Linux's ephemeral range that nothing listens on. The caller holds n.mu.
func (n *namespace) freePort() uint16 {
	for {
		if n.ephemeral++; n.ephemeral > 60999 {
			n.ephemeral = 32768
		}
		if n.listeners[n.ephemeral] == nil {
			return n.ephemeral
		}
	}
}

// Dial implements [program.Network].
func (n *namespace) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := parse(network, address)
	fail := func(to net.Addr, err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: to, Err: err}
	}
	if err != nil {
		return fail(nil, err)
	}
	if host == "" {
		host = "localhost"
	}
	addrs, err := n.Resolve(ctx, host)
	if err != nil {
		return fail(nil, err)
	}
	to := netip.AddrPortFrom(addrs[0], port)
	toAddr := net.TCPAddrFromAddrPort(to)
	if !n.local(to.Addr()) {
		return fail(toAddr, syscall.ENETUNREACH)
	}
	n.mu.Lock()
	l := n.listeners[port]
	from := netip.AddrPortFrom(to.Addr(), n.freePort())
	n.mu.Unlock()
	if l == nil || !l.accepts(to.Addr()) {
		return fail(toAddr, syscall.ECONNREFUSED)
	}
	client, server := net.Pipe()
	fromAddr := net.TCPAddrFromAddrPort(from)
	select {
	case l.conns <- &conn{Conn: server, local: toAddr, remote: fromAddr}:
		return &conn{Conn: client, local: fromAddr, remote: toAddr}, nil
	case <-l.done:
		err = syscall.ECONNREFUSED
	case <-ctx.Done():
		err = ctx.Err()
	}
	return fail(toAddr, errors.Join(err, client.Close(), server.Close()))
}

func (n *namespace) close() {
	n.mu.Lock()
	n.closed = true
	var all []*listener
	for _, l := range n.listeners {
		all = append(all, l)
	}
	n.mu.Unlock()
	for _, l := range all {
		_ = l.Close() // cannot fail
	}
}

type listener struct {
	ns    *namespace
	addr  netip.AddrPort
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// accepts reports whether a connection to one of the namespace's addresses is for this listener.
func (l *listener) accepts(to netip.Addr) bool {
	return l.addr.Addr().IsUnspecified() || l.addr.Addr() == to
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.ns.mu.Lock()
		delete(l.ns.listeners, l.addr.Port())
		l.ns.mu.Unlock()
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// conn is one end of a connection in memory, with addresses.
type conn struct {
	net.Conn
	local, remote net.Addr
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }
