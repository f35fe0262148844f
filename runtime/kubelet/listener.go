package kubelet

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// listener accepts connections that are made inside this process. Nothing outside can reach it.
type listener struct {
	addr   memAddr
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newListener(name string) *listener {
	return &listener{addr: memAddr(name), queue: make(chan net.Conn), closed: make(chan struct{})}
}

// dial connects to the listener. The two ends are a pair of connected sockets, so that they buffer, have deadlines and
// can be half closed as a network's do; net.Pipe has no buffer and would block a TLS peer that closes.
func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs, err := socketPair(l.addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", l.addr, err)
	}
	select {
	case l.queue <- theirs:
		return ours, nil
	case <-l.closed:
		err = fmt.Errorf("connect to %s: %w", l.addr, errOff)
	case <-ctx.Done():
		err = fmt.Errorf("connect to %s: %w", l.addr, ctx.Err())
	}
	_ = ours.Close()
	_ = theirs.Close()
	return nil, err
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr { return l.addr }

func socketPair(addr memAddr) (a, b net.Conn, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	if a, err = fileConn(fds[0], addr); err != nil {
		_ = syscall.Close(fds[1])
		return nil, nil, err
	}
	if b, err = fileConn(fds[1], addr); err != nil {
		_ = a.Close()
		return nil, nil, err
	}
	return a, b, nil
}

func fileConn(fd int, addr memAddr) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), addr.String())
	defer func() { _ = f.Close() }() // net.FileConn has its own copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return &memConn{Conn: c, addr: addr}, nil
}

// memConn names its ends; a socket pair's have no names, which some users of net.Conn do not expect.
type memConn struct {
	net.Conn
	addr memAddr
}

func (c *memConn) LocalAddr() net.Addr  { return c.addr }
func (c *memConn) RemoteAddr() net.Addr { return c.addr }

// memAddr is the node's name.
type memAddr string

func (memAddr) Network() string  { return "memory" }
func (a memAddr) String() string { return string(a) + ":10250" }
