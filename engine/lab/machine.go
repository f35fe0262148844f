package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/kubestep/kubestep/engine"
)

// machine is one node with its power switch and its line to the control plane. It is safe for concurrent use.
type machine struct {
	name    string
	address string // where its kubelet answers, for errors
	make    func() (engine.Node, error)
	line    *line

	mu      sync.Mutex
	node    engine.Node
	off     bool
	turned  chan struct{}      // closed and replaced when off changes
	end     context.CancelFunc // of the life that runs; nil when none does
	stopped chan struct{}      // closed when that has ended
}

// newMachine makes the node, which does not run yet.
func newMachine(ctx context.Context, c engine.NodeConfig, runtime engine.NodeRuntime) (*machine, error) {
	m := &machine{name: c.Name, address: net.JoinHostPort(c.Address.String(), kubeletPort), line: newLine(ctx, lineWait),
		turned: make(chan struct{})}
	tapped, tappedFor, own := c.WrapTransport, c.WrapTransportFor, "kube-proxy@"+c.Name
	c.WrapTransport = m.line.below(tapped)
	c.WrapTransportFor = func(actor string) wrapper {
		if actor == own {
			return m.line.below(tappedFor(actor))
		}
		return tappedFor(actor) // its requests are packets of the lab's network
	}
	m.make = func() (engine.Node, error) { return runtime.NewNode(c) }
	var err error
	m.node, err = m.make()
	return m, err
}

// run is the node's life, with the pauses that setPower makes, until ctx ends or the node fails.
func (m *machine) run(ctx context.Context) error {
	for {
		m.mu.Lock()
		off, turned, node := m.off, m.turned, m.node
		if off {
			m.mu.Unlock()
			select {
			case <-turned:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		life, end := context.WithCancel(ctx)
		stopped := make(chan struct{})
		m.end, m.stopped = end, stopped
		m.mu.Unlock()

		err := node.Run(life)

		m.mu.Lock()
		wanted := life.Err() != nil
		m.end = nil
		m.mu.Unlock()
		end()
		close(stopped)
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil:
			return err
		case !wanted:
			return errors.New("it ended by itself")
		}
	}
}

// setPower turns the node off, and returns when nothing of it goes on, or on again. A node that is on again is a new one
// of the same name and the same directory, as after a reboot.
func (m *machine) setPower(ctx context.Context, on bool) error {
	m.mu.Lock()
	if m.off == !on {
		m.mu.Unlock()
		return nil
	}
	if on {
		defer m.mu.Unlock()
		node, err := m.make()
		if err != nil {
			return fmt.Errorf("turn %s on: %w", m.name, err)
		}
		m.node = node
		m.turn(false)
		return nil
	}
	m.turn(true)
	end, stopped := m.end, m.stopped
	m.mu.Unlock()
	if end == nil {
		return nil
	}
	end()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("turn %s off: %w", m.name, ctx.Err())
	}
}

// turn notes the switch's position; m.mu is held.
func (m *machine) turn(off bool) {
	m.off = off
	close(m.turned)
	m.turned = make(chan struct{})
}

// DialKubelet connects to the kubelet's server, by way of the line. A node that is off does not answer.
func (m *machine) DialKubelet(ctx context.Context) (net.Conn, error) {
	return m.line.dial(ctx, m.address, func(ctx context.Context) (net.Conn, error) {
		m.mu.Lock()
		node := m.node
		m.mu.Unlock()
		return node.DialKubelet(ctx)
	})
}
