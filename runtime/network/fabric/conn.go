package fabric

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/waiter"
)

// errTimeout is what package net says when a dial's deadline has passed.
var errTimeout error = os.ErrDeadlineExceeded

// errnos are the system's errors for netstack's, by netstack's words, which is what gonet passes on.
var errnos = func() map[string]syscall.Errno {
	m := map[string]syscall.Errno{}
	for e, n := range map[tcpip.Error]syscall.Errno{
		&tcpip.ErrConnectionRefused{}:     syscall.ECONNREFUSED,
		&tcpip.ErrConnectionReset{}:       syscall.ECONNRESET,
		&tcpip.ErrConnectionAborted{}:     syscall.ECONNABORTED,
		&tcpip.ErrAborted{}:               syscall.EPIPE,
		&tcpip.ErrClosedForSend{}:         syscall.EPIPE,
		&tcpip.ErrTimeout{}:               syscall.ETIMEDOUT,
		&tcpip.ErrNetworkUnreachable{}:    syscall.ENETUNREACH,
		&tcpip.ErrHostUnreachable{}:       syscall.EHOSTUNREACH,
		&tcpip.ErrHostDown{}:              syscall.EHOSTDOWN,
		&tcpip.ErrPortInUse{}:             syscall.EADDRINUSE,
		&tcpip.ErrBadLocalAddress{}:       syscall.EADDRNOTAVAIL,
		&tcpip.ErrNoPortAvailable{}:       syscall.EADDRNOTAVAIL,
		&tcpip.ErrMessageTooLong{}:        syscall.EMSGSIZE,
		&tcpip.ErrNoBufferSpace{}:         syscall.ENOBUFS,
		&tcpip.ErrNotPermitted{}:          syscall.EPERM,
		&tcpip.ErrNotConnected{}:          syscall.ENOTCONN,
		&tcpip.ErrInvalidEndpointState{}:  syscall.EINVAL,
		&tcpip.ErrBadAddress{}:            syscall.EFAULT,
		&tcpip.ErrDestinationRequired{}:   syscall.EDESTADDRREQ,
		&tcpip.ErrBroadcastDisabled{}:     syscall.EACCES,
		&tcpip.ErrUnknownProtocolOption{}: syscall.ENOPROTOOPT,
	} {
		m[e.String()] = n
	}
	return m
}()

// sysError returns what package net would have as the inner error of a failed system call.
func sysError(call string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if n, ok := errnos[err.Error()]; ok {
		return os.NewSyscallError(call, n)
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errTimeout
	}
	return err
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// deadline ends waits on the virtual clock: when it is due, it sets the inner connection's deadline to the past.
type deadline struct {
	clock *Clock
	set   func(t time.Time) error

	mu    sync.Mutex
	timer tcpip.Timer
	due   time.Duration // on the clock; 0 for never
	round int           // tells a timer that was stopped too late
}

// reset makes t the deadline. A time that package time's clock has shown counts by that clock as it stands now; one
// without a monotonic reading is the virtual clock's.
func (d *deadline) reset(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due = 0
	if !t.IsZero() {
		left := time.Until(t)
		if t.Round(0) == t { //nolint:staticcheck // equal as structs: without a monotonic reading
			left = t.Sub(d.clock.Now())
		}
		d.due = max(d.clock.Elapsed()+left, 1)
	}
	return d.arm()
}

// again undoes a deadline in the past that was set to wake up those who wait.
func (d *deadline) again() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.arm() // it cannot fail
}

// arm sets the inner deadline and the timer. mu is held.
func (d *deadline) arm() error {
	d.round++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.due == 0 {
		return d.set(time.Time{})
	}
	left := d.due - d.clock.Elapsed()
	if left <= 0 {
		return d.set(past)
	}
	if err := d.set(time.Time{}); err != nil {
		return err
	}
	round := d.round
	d.timer = d.clock.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.round == round {
			_ = d.set(past) // it cannot fail
		}
	})
	return nil
}

// socket is what TCP and UDP connections have in common.
type socket struct {
	namespace   *Namespace
	network     string
	inner       net.Conn
	origin      *origin // why it sends, nil when it is not followed
	closed      atomic.Bool
	read, write deadline
}

// init fills in a socket. It fails, and closes inner, when the namespace is gone.
func (s *socket) init(h *Namespace, network string, inner net.Conn, o *origin) error {
	s.namespace, s.network, s.inner, s.origin = h, network, inner, o
	s.read.clock, s.read.set = h.f.clock, inner.SetReadDeadline
	s.write.clock, s.write.set = h.f.clock, inner.SetWriteDeadline
	if !h.keep(s) {
		_ = inner.Close()
		h.unfollow(o)
		return ErrClosed
	}
	return nil
}

// fail returns err as package net words it.
func (s *socket) fail(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	e := &net.OpError{Op: op, Net: s.network, Source: s.inner.LocalAddr(), Addr: s.inner.RemoteAddr()}
	if s.closed.Load() {
		e.Err = net.ErrClosed
	} else {
		e.Err = sysError(op, err)
	}
	return e
}

// Read implements [net.Conn].
func (s *socket) Read(b []byte) (int, error) {
	n, err := s.inner.Read(b)
	if err != nil && s.closed.Load() {
		return n, s.fail("read", net.ErrClosed)
	}
	return n, s.fail("read", err)
}

// Write implements [net.Conn].
func (s *socket) Write(b []byte) (int, error) {
	n, err := s.inner.Write(b)
	return n, s.fail("write", err)
}

// Close implements [net.Conn].
func (s *socket) Close() error {
	if s.closed.Swap(true) {
		return s.fail("close", net.ErrClosed)
	}
	s.namespace.drop(s)
	s.namespace.unfollow(s.origin)
	// No timer is left, and whoever waits wakes up.
	err := errors.Join(s.SetDeadline(past), s.inner.Close())
	return err
}

// LocalAddr implements [net.Conn].
func (s *socket) LocalAddr() net.Addr { return s.inner.LocalAddr() }

// RemoteAddr implements [net.Conn].
func (s *socket) RemoteAddr() net.Addr { return s.inner.RemoteAddr() }

// SetDeadline implements [net.Conn].
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.read.reset(t), s.write.reset(t))
}

// SetReadDeadline implements [net.Conn].
func (s *socket) SetReadDeadline(t time.Time) error { return s.read.reset(t) }

// SetWriteDeadline implements [net.Conn].
func (s *socket) SetWriteDeadline(t time.Time) error { return s.write.reset(t) }

// tcpConn is a TCP connection.
type tcpConn struct {
	socket
	tcp           *gonet.TCPConn
	local, remote net.Addr
}

func newTCPConn(h *Namespace, c *gonet.TCPConn, o *origin) (*tcpConn, error) {
	t := &tcpConn{tcp: c, local: c.LocalAddr(), remote: c.RemoteAddr()}
	if t.local == nil {
		t.local = &net.TCPAddr{}
	}
	if t.remote == nil {
		t.remote = &net.TCPAddr{} // reset before it was accepted
	}
	return t, t.init(h, "tcp", c, o)
}

// LocalAddr implements [net.Conn].
func (t *tcpConn) LocalAddr() net.Addr { return t.local }

// RemoteAddr implements [net.Conn]. It is known to the end; the stack forgets it with the connection.
func (t *tcpConn) RemoteAddr() net.Addr { return t.remote }

// CloseWrite ends the sending half, as net.TCPConn's does.
func (t *tcpConn) CloseWrite() error { return t.fail("close", t.tcp.CloseWrite()) }

// CloseRead ends the receiving half, as net.TCPConn's does.
func (t *tcpConn) CloseRead() error { return t.fail("close", t.tcp.CloseRead()) }

// udpConn is a UDP socket. gonet's reads do not wake up when an ICMP error arrives, so this one wakes them.
type udpConn struct {
	socket
	udp    *gonet.UDPConn
	ep     tcpip.Endpoint
	failed atomic.Bool // an error has arrived
}

var _ net.PacketConn = (*udpConn)(nil)

func newUDPConn(h *Namespace, queue *waiter.Queue, ep tcpip.Endpoint, o *origin) (*udpConn, error) {
	u := &udpConn{udp: gonet.NewUDPConn(queue, ep), ep: ep}
	if err := u.init(h, "udp", u.udp, o); err != nil {
		return nil, err
	}
	entry := waiter.NewFunctionEntry(waiter.EventErr, func(waiter.EventMask) {
		u.failed.Store(true)
		_ = u.udp.SetReadDeadline(past) // it cannot fail
	})
	queue.EventRegister(&entry)
	return u, nil
}

// Read implements [net.Conn].
func (u *udpConn) Read(b []byte) (int, error) {
	n, _, err := u.ReadFrom(b)
	return n, err
}

// ReadFrom implements [net.PacketConn].
func (u *udpConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := u.udp.ReadFrom(b)
		if err == nil || u.closed.Load() || !u.failed.Swap(false) {
			return n, from, u.fail("read", err)
		}
		u.read.again()
		if terr := u.ep.LastError(); terr != nil {
			return 0, nil, u.fail("read", errors.New(terr.String()))
		}
		if !errors.Is(sysError("read", err), errTimeout) {
			return 0, nil, u.fail("read", err)
		}
	}
}

// WriteTo implements [net.PacketConn].
func (u *udpConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if _, ok := to.(*net.UDPAddr); !ok {
		return 0, u.fail("write", &net.AddrError{Err: "not a UDP address", Addr: to.String()})
	}
	n, err := u.udp.WriteTo(b, to)
	return n, u.fail("write", err)
}

// listener accepts TCP connections.
type listener struct {
	namespace *Namespace
	inner     *gonet.TCPListener
	closed    atomic.Bool
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.inner.Accept()
	if err == nil {
		var t *tcpConn
		if t, err = newTCPConn(l.namespace, c.(*gonet.TCPConn), nil); err == nil {
			return t, nil
		}
	}
	e := &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: sysError("accept", err)}
	if l.closed.Load() {
		e.Err = net.ErrClosed
	}
	return nil, e
}

// Close implements [net.Listener]. It wakes up those who wait in Accept.
func (l *listener) Close() error {
	if l.closed.Swap(true) {
		return &net.OpError{Op: "close", Net: "tcp", Err: net.ErrClosed}
	}
	l.namespace.drop(l)
	l.inner.Shutdown()
	return l.inner.Close()
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr {
	if a, ok := l.inner.Addr().(*net.TCPAddr); ok && len(a.IP) == 0 {
		return &net.TCPAddr{IP: net.IPv4zero, Port: a.Port}
	}
	return l.inner.Addr()
}

func tcpAddr(a tcpip.FullAddress) net.Addr { return net.TCPAddrFromAddrPort(fullToPort(a)) }
func udpAddr(a tcpip.FullAddress) net.Addr { return net.UDPAddrFromAddrPort(fullToPort(a)) }

func fullToPort(a tcpip.FullAddress) netip.AddrPort {
	addr := fromAddress(a.Addr)
	if !addr.IsValid() {
		addr = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(addr, a.Port)
}
