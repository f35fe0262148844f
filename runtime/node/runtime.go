package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/dns"
	"github.com/kubestep/kubestep/runtime/dns/server"
	"github.com/kubestep/kubestep/runtime/kubelet"
	"github.com/kubestep/kubestep/runtime/network/cluster"
	"github.com/kubestep/kubestep/runtime/program"
)

// Options say what all nodes have in common.
type Options struct {
	// Network says how the network between the nodes is to be.
	Network cluster.Options
	// Images are what containers can run; by default the lab's, and CoreDNS.
	Images *program.Registry
}

// New returns a runtime whose nodes run in this process and need no rights. A process has one.
func New(o Options) engine.NodeRuntime { return &nodeRuntime{options: o} }

type nodeRuntime struct {
	options Options
	process kubelet.Process

	mu       sync.Mutex
	network  *cluster.Network
	dns      *dns.Tracer // what resolvers and DNS servers report to
	software software
}

// NewNetwork implements [engine.NodeRuntime].
func (r *nodeRuntime) NewNetwork(c engine.NetworkConfig) (engine.Network, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.network != nil {
		return nil, errors.New("make the lab's network: there is one")
	}
	o := r.options.Network
	r.dns = dns.NewTracer(c.Tap)
	o.DNS = r.dns.Message
	network, err := cluster.New(o, c)
	if err != nil {
		return nil, err
	}
	r.network = network
	return network, nil
}

// NewNode implements [engine.NodeRuntime].
func (r *nodeRuntime) NewNode(c engine.NodeConfig) (engine.Node, error) {
	switch {
	case c.Name == "" || c.Log == nil:
		return nil, errors.New("make a node: NodeConfig.Name and Log are needed")
	case !filepath.IsAbs(c.Dir):
		return nil, fmt.Errorf("make node %s: its directory %q is no absolute path", c.Name, c.Dir)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of node %s: %w", c.Name, err)
	}
	if err := os.Chmod(c.Dir, 0o700); err != nil { //nolint:gosec // a directory
		return nil, fmt.Errorf("close the directory of node %s to others: %w", c.Name, err)
	}
	r.mu.Lock()
	all := r.network
	r.mu.Unlock()
	var network *cluster.Node
	if all != nil {
		var err error
		if network, err = all.NewNode(c); err != nil {
			return nil, fmt.Errorf("make the network of node %s: %w", c.Name, err)
		}
	}
	software, err := r.install(c)
	if err != nil {
		return nil, fmt.Errorf("make the images of node %s: %w", c.Name, err)
	}
	return newNode(c, software, network, &r.process)
}

// software is what all nodes of a lab can run.
type software struct {
	images *program.Registry
	dns    *dns.Tracer
}

// install makes the software on the first call: it reports to c's trace.
func (r *nodeRuntime) install(c engine.NodeConfig) (software, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.software.images != nil {
		return r.software, nil
	}
	if r.dns == nil {
		r.dns = dns.NewTracer(c.Tap)
	}
	s := software{images: r.options.Images, dns: r.dns}
	if s.images == nil {
		o := server.ProgramOptions{Tracer: s.dns}
		if c.WrapTransportFor != nil {
			o.Wrap = c.WrapTransportFor("coredns")
		}
		var err error
		if s.images, err = program.NewRegistry(server.Definition(o)); err != nil {
			return s, err
		}
	}
	r.software = s
	return s, nil
}
