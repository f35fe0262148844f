package fabric

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Resolve returns the addresses of a name: a literal address's, or localhost's. Other names are the programs' to find: each
// has its own resolv.conf.
func (h *Namespace) Resolve(_ context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if host == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// Dial connects to an address as net.Dialer does: "tcp" or "udp", "web:80" or "10.96.0.10:80". A deadline of ctx counts on
// the namespace's clock: it is as far away as it was when Dial was called, however long a packet is held meanwhile. The
// same holds for the deadlines of what Dial returns, be they real times (time.Now) or the clock's.
func (h *Namespace) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) error { return &net.OpError{Op: "dial", Net: network, Err: err} }
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fail(err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fail(&net.AddrError{Err: "invalid port", Addr: address})
	}
	if network != "tcp" && network != "tcp4" && network != "udp" && network != "udp4" {
		return nil, fail(net.UnknownNetworkError(network))
	}
	ctx, cancel := h.f.clock.virtual(ctx)
	defer cancel()
	if host == "" {
		host = "localhost"
	}
	addresses, err := h.Resolve(ctx, host)
	if err != nil {
		return nil, fail(err)
	}
	err = &net.AddrError{Err: "no IPv4 address", Addr: host}
	for _, a := range addresses {
		if a = a.Unmap(); !a.Is4() {
			continue
		}
		var c net.Conn
		if c, err = h.dialOne(ctx, network, netip.AddrPortFrom(a, uint16(port))); err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return nil, op
	}
	return nil, fail(err)
}

func (h *Namespace) dialOne(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	full := tcpip.FullAddress{Addr: toAddress(to.Addr()), Port: to.Port()}
	why := h.follow(ctx)
	if network[:3] == "tcp" {
		c, err := h.connectTCP(ctx, full, why)
		if err != nil {
			h.unfollow(why)
			if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				err = errTimeout
			}
			return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: sysError("connect", err)}
		}
		t, err := newTCPConn(h, c, why)
		if err != nil {
			return nil, err
		}
		return t, nil
	}
	c, err := h.openUDP(nil, &full, why)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.UDPAddrFromAddrPort(to), Err: sysError("connect", err)}
	}
	return c, nil
}

// connectTCP is gonet.DialContextTCP for a socket with an owner.
func (h *Namespace) connectTCP(ctx context.Context, to tcpip.FullAddress, why *origin) (*gonet.TCPConn, error) {
	var queue waiter.Queue
	ep, terr := h.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if terr != nil {
		return nil, errors.New(terr.String())
	}
	own(ep, why)
	entry, done := waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)
	if err := ctx.Err(); err != nil {
		ep.Close()
		return nil, err
	}
	terr = ep.Connect(to)
	if _, started := terr.(*tcpip.ErrConnectStarted); started {
		select {
		case <-ctx.Done():
			ep.Close()
			return nil, ctx.Err()
		case <-done:
		}
		terr = ep.LastError()
	}
	if terr != nil {
		ep.Close()
		return nil, errors.New(terr.String())
	}
	return gonet.NewTCPConn(&queue, ep), nil
}

// own makes a socket's packets carry why it sends.
func own(ep tcpip.Endpoint, why *origin) {
	if why != nil { // an interface that holds nil would be an owner
		ep.SetOwner(why)
	}
}

// Listen waits for TCP connections, as net.ListenConfig does: "tcp", ":8080" for all of the namespace's addresses.
func (h *Namespace) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	at, err := h.localAddress(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l, err := gonet.ListenTCP(h.stack, at, ipv4.ProtocolNumber)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: tcpAddr(at), Err: sysError("bind", err)}
	}
	own := &listener{namespace: h, inner: l}
	if !h.keep(own) {
		_ = l.Close()
		return nil, &net.OpError{Op: "listen", Net: network, Addr: tcpAddr(at), Err: ErrClosed}
	}
	return own, nil
}

// ListenPacket opens a UDP socket, as net.ListenConfig does: "udp", ":53".
func (h *Namespace) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	if network != "udp" && network != "udp4" {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	at, err := h.localAddress(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c, err := h.openUDP(&at, nil, h.follow(ctx))
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: udpAddr(at), Err: sysError("bind", err)}
	}
	return c, nil
}

// localAddress reads an address to listen on.
func (h *Namespace) localAddress(ctx context.Context, network, address string) (tcpip.FullAddress, error) {
	fail := func(err error) error { return &net.OpError{Op: "listen", Net: network, Err: err} }
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return tcpip.FullAddress{}, fail(err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return tcpip.FullAddress{}, fail(&net.AddrError{Err: "invalid port", Addr: address})
	}
	at := tcpip.FullAddress{Port: uint16(port)}
	if host == "" || host == "0.0.0.0" || host == "::" {
		return at, nil
	}
	addresses, err := h.Resolve(ctx, host)
	if err != nil {
		return at, fail(err)
	}
	for _, a := range addresses {
		if a = a.Unmap(); a.Is4() {
			at.Addr = toAddress(a)
			return at, nil
		}
	}
	return at, fail(&net.AddrError{Err: "no IPv4 address", Addr: host})
}

// openUDP makes a UDP socket whose datagrams may be fragmented on the way. gVisor would set DF on all of them and then
// fail on those that do not fit.
func (h *Namespace) openUDP(local, remote *tcpip.FullAddress, why *origin) (*udpConn, error) {
	var queue waiter.Queue
	ep, terr := h.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if terr != nil {
		h.unfollow(why)
		return nil, errors.New(terr.String())
	}
	own(ep, why)
	terr = ep.SetSockOptInt(tcpip.MTUDiscoverOption, int(tcpip.PMTUDiscoveryDont))
	if terr == nil && local != nil {
		terr = ep.Bind(*local)
	}
	if terr == nil && remote != nil {
		terr = ep.Connect(*remote)
	}
	if terr != nil {
		ep.Close()
		h.unfollow(why)
		return nil, errors.New(terr.String())
	}
	return newUDPConn(h, &queue, ep, why)
}

// virtual returns a context that ends when ctx is cancelled, or when as much time as is left to ctx's deadline has passed
// on the clock.
func (c *Clock) virtual(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	timer := c.AfterFunc(time.Until(deadline), func() { cancel(context.DeadlineExceeded) })
	stop := context.AfterFunc(ctx, func() {
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			cancel(context.Cause(ctx))
		}
	})
	return own, func() {
		timer.Stop()
		stop()
		cancel(context.Canceled)
	}
}
