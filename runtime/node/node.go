package node

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	internalapi "k8s.io/cri-api/pkg/apis"
	"k8s.io/utils/clock"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/cri"
	"github.com/kubestep/kubestep/runtime/inproc"
	"github.com/kubestep/kubestep/runtime/kubelet"
	"github.com/kubestep/kubestep/runtime/network/cluster"
	"github.com/kubestep/kubestep/runtime/network/fabric/podclock"
)

// node is one machine. When its Run ends, the machine has lost its power: its requests to the API server end without an
// answer, its containers are gone, its kubelet's server is closed; nothing is reported any more.
type node struct {
	config engine.NodeConfig
	software
	network *cluster.Node // nil when the lab has no network
	process *kubelet.Process
	actor   string
	started chan struct{}
	kubelet chan *kubelet.Kubelet // holds it once it is made
}

func newNode(c engine.NodeConfig, software software, network *cluster.Node, process *kubelet.Process) (*node, error) {
	return &node{
		config:   c,
		software: software,
		network:  network,
		process:  process,
		actor:    "kubelet@" + c.Name,
		started:  make(chan struct{}),
		kubelet:  make(chan *kubelet.Kubelet, 1),
	}, nil
}

// Started implements [engine.Node].
func (n *node) Started() <-chan struct{} { return n.started }

// DialKubelet implements [engine.Node]. It waits, until ctx ends, for a node that is starting.
func (n *node) DialKubelet(ctx context.Context) (net.Conn, error) {
	select {
	case k := <-n.kubelet:
		n.kubelet <- k
		return k.DialServer(ctx)
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to the kubelet of %s: %w", n.config.Name, ctx.Err())
	}
}

// Run implements [engine.Node].
func (n *node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	containers, err := inproc.New(ctx, inproc.Options{
		Node:      n.config.Name,
		Dir:       filepath.Join(n.config.Dir, "runtime"),
		HostRoots: kubelet.MountRoots(n.config.Dir),
		Networks:  n.pods(),
		Images:    n.images,
		Tap:       n.config.Tap,
		DNS:       n.dns,
		Log:       n.config.Log,

		ProgramClock: n.programClock(),
	})
	if err != nil {
		return fmt.Errorf("start the container runtime of %s: %w", n.config.Name, err)
	}
	ended := make(chan error, 3)
	running := 1
	go func() { ended <- containers.Run(ctx) }()
	if n.network != nil {
		running++
		go func() { ended <- n.network.Run(ctx) }()
	}

	var rs internalapi.RuntimeService = containers
	var is internalapi.ImageManagerService = containers
	if n.config.Tap != nil {
		rs, is = cri.Tap(rs, is, cri.Options{Tap: n.config.Tap, Node: n.config.Name, Actor: n.actor})
	}
	k, err := kubelet.New(kubelet.Options{
		Name:            n.config.Name,
		Dir:             n.config.Dir,
		Kubeconfig:      n.config.Kubeconfig,
		ClientCAFile:    n.config.ClientCAFile,
		ServingCertFile: n.config.ServingCertFile,
		ServingKeyFile:  n.config.ServingKeyFile,
		Address:         n.config.Address,
		Runtime:         rs,
		Images:          is,
		WrapTransport:   n.config.WrapTransport,
		OnSync:          n.onSync,
		Dial:            n.dial(),
		WithTimeout:     n.withTimeout(),
		ClusterDNS:      n.config.ClusterDNS,
		ClusterDomain:   n.config.ClusterDomain,
		Process:         n.process,
		Log:             n.config.Log,
	})
	if err != nil {
		cancel()
		for range running {
			<-ended
		}
		return err
	}
	n.kubelet <- k
	if err := n.rejoin(ctx); err != nil {
		n.config.Log.Warn("start as a new node", "node", n.config.Name, "error", err)
	}
	running++
	go func() { ended <- k.Run(ctx) }()
	go func() {
		select {
		case <-k.Started():
			close(n.started)
		case <-ctx.Done():
		}
	}()

	// All end with ctx; when one fails, the machine is of no use and the others end too.
	var failed error
	for range running {
		if err := <-ended; failed == nil {
			failed = err
		}
		cancel()
	}
	return failed
}

// pods returns what gives sandboxes their networks, nil for a node whose Pods are alone.
func (n *node) pods() inproc.Networks {
	if n.network == nil {
		return nil
	}
	return n.network
}

// dial returns how the kubelet reaches Pods, nil when it does not.
func (n *node) dial() kubelet.DialFunc {
	if n.network == nil {
		return nil
	}
	return n.network.Dial
}

// withTimeout returns the time-outs of probes, on the network's clock; nil for the machine's.
func (n *node) withTimeout() kubelet.TimeoutFunc {
	if n.network == nil {
		return nil
	}
	return n.network.Clock().WithTimeout
}

// programClock returns the time that programs see: the network's, which stands still with a held packet; nil for the
// machine's.
func (n *node) programClock() clock.Clock {
	if n.network == nil {
		return nil
	}
	return podclock.New(n.network.Clock())
}

// onSync makes the CRI calls of one sync of one Pod a chain. What set the sync off is known to upstream's queues only, so
// the chain's beginning is inferred: the latest that this kubelet learnt of the Pod or did about it. From there on the
// calls follow one another in one goroutine.
func (n *node) onSync(ctx context.Context, span, podUID string) context.Context {
	if n.config.Tap == nil {
		return ctx
	}
	seq, link := n.config.Tap.Infer(trace.Event{
		Actor:  n.actor,
		Kind:   trace.CRICall,
		Verb:   span,
		Object: trace.Object{APIVersion: "v1", Kind: "Pod", UID: podUID},
	})
	return trace.WithChain(ctx, trace.NewChain(seq, link))
}
