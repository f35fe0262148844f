package inproc

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/kubestep/kubestep/runtime/program"
)

// processNetwork is a Pod's network as one process has it: what the process opened is closed when it ends, as a kernel
// does.
type processNetwork struct {
	program.Network

	mu     sync.Mutex
	open   map[interface{ Close() error }]struct{}
	closed bool
}

func newProcessNetwork(n program.Network) *processNetwork {
	return &processNetwork{Network: n, open: map[interface{ Close() error }]struct{}{}}
}

// Unwrap returns the Pod's network.
func (n *processNetwork) Unwrap() program.Network { return n.Network }

// Listen implements [program.Network].
func (n *processNetwork) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	l, err := n.Network.Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	owned := &ownedListener{Listener: l, owner: n}
	return owned, n.own(owned)
}

// ListenPacket implements [program.Network].
func (n *processNetwork) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	c, err := n.Network.ListenPacket(ctx, network, address)
	if err != nil {
		return nil, err
	}
	owned := &ownedPacketConn{PacketConn: c, owner: n}
	return owned, n.own(owned)
}

// Dial implements [program.Network].
func (n *processNetwork) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := n.Network.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	owned := &ownedConn{Conn: c, owner: n}
	return owned, n.own(owned)
}

func (n *processNetwork) own(c interface{ Close() error }) error {
	n.mu.Lock()
	if !n.closed {
		n.open[c] = struct{}{}
		n.mu.Unlock()
		return nil
	}
	n.mu.Unlock()
	_ = c.Close() // the process is dead: nobody to tell
	return net.ErrClosed
}

func (n *processNetwork) disown(c interface{ Close() error }) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, c)
}

func (n *processNetwork) closeAll() {
	n.mu.Lock()
	n.closed = true
	open := n.open
	n.open = nil
	n.mu.Unlock()
	for c := range open {
		_ = c.Close() // the process is dead: nobody to tell
	}
}

type ownedListener struct {
	net.Listener
	owner *processNetwork
}

func (l *ownedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	owned := &ownedConn{Conn: c, owner: l.owner}
	return owned, l.owner.own(owned)
}

func (l *ownedListener) Close() error {
	l.owner.disown(l)
	return l.Listener.Close()
}

type ownedConn struct {
	net.Conn
	owner *processNetwork
}

func (c *ownedConn) Close() error {
	c.owner.disown(c)
	return c.Conn.Close()
}

// CloseWrite ends the sending half, where the connection has halves.
func (c *ownedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return &net.OpError{Op: "close", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(),
		Err: errors.ErrUnsupported}
}

type ownedPacketConn struct {
	net.PacketConn
	owner *processNetwork
}

func (c *ownedPacketConn) Close() error {
	c.owner.disown(c)
	return c.PacketConn.Close()
}
