package program

import (
	"context"

	"github.com/kubestep/kubestep/runtime/network"
)

// Prober is what a [Network] also is when ping and traceroute work in it.
type Prober interface {
	// Probe sends one packet and waits for the reply, or for an ICMP error on its behalf, until ctx ends.
	Probe(ctx context.Context, p network.Probe) (network.ProbeReply, error)
}

// Lister is what a [Network] also is when it has a TCP/IP stack to look into.
type Lister interface {
	Interfaces() []network.Interface
	Routes() []network.Route
	Neighbours() []network.Neighbour
	Sockets() []network.Socket
}

// As finds in n, or in what it wraps, what also is a T. A Network that wraps another has a method Unwrap() Network.
func As[T any](n Network) (T, bool) {
	for n != nil {
		if t, ok := n.(T); ok {
			return t, true
		}
		w, ok := n.(interface{ Unwrap() Network })
		if !ok {
			break
		}
		n = w.Unwrap()
	}
	var none T
	return none, false
}
