package program

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// Resolver returns the resolver of a program linked with the C library: it follows the container's /etc/resolv.conf and
// /etc/hosts and the program's environment.
func (w *World) Resolver() *resolver.Resolver {
	world := *w
	o := resolver.Options{ReadFile: world.readFile, Getenv: world.Getenv, Hostname: world.Hostname,
		Dial: world.Network.Dial, Observer: world.DNS}
	if world.Clock != nil {
		o.Now = world.Clock.Now
	}
	return resolver.New(o)
}

func (w *World) readFile(name string) ([]byte, error) {
	f, err := w.Files.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// WithResolver returns a network that finds names by a resolver, and is n in everything else. Names are a matter of the
// process and its files, not of the network namespace.
func WithResolver(n Network, r *resolver.Resolver) Network { return &named{n, r} }

type named struct {
	Network
	resolver *resolver.Resolver
}

// Unwrap returns the network that the names lead to.
func (n *named) Unwrap() Network { return n.Network }

// Resolve implements [Network].
func (n *named) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return n.resolver.Resolve(ctx, host)
}

// Dial implements [Network]: it tries the addresses of a name one after the other.
func (n *named) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return n.Network.Dial(ctx, network, address)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return n.Network.Dial(ctx, network, address)
	}
	found, err := n.Resolve(ctx, host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var first error
	for _, a := range found {
		c, err := n.Network.Dial(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}
