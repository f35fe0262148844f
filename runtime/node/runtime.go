package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/inproc"
	"github.com/kubestep/kubestep/runtime/kubelet"
	"github.com/kubestep/kubestep/runtime/program"
)

// Network is what connects a node's Pods.
type Network struct {
	// Pods gives sandboxes their network namespaces.
	Pods inproc.Networks
	// Dial connects from the node to Pods, for probes.
	Dial kubelet.DialFunc
}

// Options say what all nodes have in common. The zero value gives nodes whose Pods are alone with themselves.
type Options struct {
	// Network returns a node's network. It is called before the node starts.
	Network func(c engine.NodeConfig) (Network, error)
	// Images are what containers can run; by default the lab's.
	Images *program.Registry
}

// New returns a runtime whose nodes run in this process and need no rights. A process has one.
func New(o Options) engine.NodeRuntime { return &nodeRuntime{options: o} }

type nodeRuntime struct {
	options Options
	process kubelet.Process
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
	var network Network
	if r.options.Network != nil {
		var err error
		if network, err = r.options.Network(c); err != nil {
			return nil, fmt.Errorf("make the network of node %s: %w", c.Name, err)
		}
	}
	return newNode(c, r.options.Images, network, &r.process)
}
