package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/network"
	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// Options say how a network is to be.
type Options struct {
	// DNS returns the event that a DNS message goes back to, 0 for none; nil when there is no telling.
	DNS func(message []byte) uint64
}

// Network is the network of one lab. Its methods are safe for concurrent use.
type Network struct {
	config   engine.NetworkConfig
	fabric   *fabric.Fabric
	control  *fabric.Host
	policies *policyAgent
	faults   faults

	mu    sync.Mutex
	nodes map[string]*Node // by name, those that are powered off among them
}

var _ engine.Network = (*Network)(nil)

// New checks c and returns a network without nodes.
func New(o Options, c engine.NetworkConfig) (*Network, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	f, err := fabric.New(fabric.Config{
		Mode: fabric.Mode(c.Mode), ClusterCIDR: c.PodCIDR, ServiceCIDR: c.ServiceCIDR, Underlay: c.NodeCIDR, Seed: c.Seed, Log: c.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("make the lab's network: %w", err)
	}
	n := &Network{config: c, fabric: f, nodes: map[string]*Node{}}
	if c.Tap != nil {
		f.ObserveFollowed(&network.TapObserver{Tap: c.Tap, DNS: o.DNS}, c.FollowPods)
	}
	n.policies = newPolicyAgent(n)
	if c.APIServer.IsValid() {
		if n.control, err = n.AddMachine("control-plane", c.APIServer.Addr()); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Node returns the node with a name as it was made last, nil when there is none: for what a learner does to its network.
func (n *Network) Node(name string) *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.nodes[name]
}

// Fabric returns what carries the packets: for hops, faults and the clock.
func (n *Network) Fabric() *fabric.Fabric { return n.fabric }

// AddMachine plugs a machine that is no node into the wire between the nodes: what listens there can be an endpoint of a
// Service. Whoever gets it may close it; the network does so when it ends.
func (n *Network) AddMachine(name string, address netip.Addr) (*fabric.Host, error) {
	return n.fabric.AddHost(fabric.HostConfig{Name: name, Address: address})
}

// Run implements [engine.Network].
func (n *Network) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{n.fabric.Run, n.policies.run}
	if n.control != nil {
		parts = append(parts, n.serveAPI)
	}
	ended := make(chan error, len(parts))
	for _, run := range parts {
		go func() { ended <- run(ctx) }()
	}
	var failed error
	for range parts {
		err := <-ended
		if failed == nil && ctx.Err() == nil {
			failed = errors.New("a part of the lab's network ended by itself")
			if err != nil {
				failed = fmt.Errorf("run the lab's network: %w", err)
			}
		}
		cancel() // the parts are of no use without each other
	}
	return failed
}

// DialContext implements [engine.Network]. The connection starts at the node that a Pod runs on, or else at the first
// node that has power.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s in the lab's network: %w", address, err)
	}
	to, err := netip.ParseAddr(host)
	if err != nil {
		return nil, fmt.Errorf("connect to %s in the lab's network: the API server resolves no names there", address)
	}
	from := n.nearest(to)
	if from == nil {
		return nil, fmt.Errorf("connect to %s in the lab's network: no node has its network yet", address)
	}
	return from.Host().Dial(ctx, network, address)
}

// nearest returns a node with power, the one that has the address if there is one.
func (n *Network) nearest(to netip.Addr) *fabric.Node {
	n.mu.Lock()
	nodes := make([]*Node, 0, len(n.nodes))
	for _, node := range n.nodes {
		nodes = append(nodes, node)
	}
	n.mu.Unlock()
	slices.SortFunc(nodes, func(a, b *Node) int { return strings.Compare(a.config.Name, b.config.Name) })
	var first *fabric.Node
	for _, node := range nodes {
		fab, cidr := node.attached()
		if fab == nil {
			continue
		}
		if cidr.Contains(to) || fab.Address() == to {
			return fab
		}
		if first == nil {
			first = fab
		}
	}
	return first
}

// podAddresses returns the addresses of all sandboxes by the UID of their Pods. The API learns of them later.
func (n *Network) podAddresses() map[string]netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := map[string]netip.Addr{}
	for _, node := range n.nodes {
		node.podAddresses(all)
	}
	return all
}
