package cluster

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/network"
	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// faults is what is broken on purpose, by target. It outlives nodes and Pods: what takes their place is broken likewise.
// It is safe for concurrent use, and calls nobody.
type faults struct {
	mu  sync.Mutex
	all map[string][]engine.Fault
}

func (f *faults) set(target string, all []engine.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[string][]engine.Fault{}
	}
	if f.all[target] = slices.Clone(all); len(all) == 0 {
		delete(f.all, target)
	}
}

func (f *faults) of(target string) []engine.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[target]
}

func (f *faults) none() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all) == 0
}

var _ engine.FaultyNetwork = (*Network)(nil)

// podTarget begins the targets that are Pods.
const podTarget = "pod/"

// SetFaults implements [engine.FaultyNetwork].
func (n *Network) SetFaults(target string, all []engine.Fault) error {
	n.mu.Lock()
	nodes := slices.Collect(maps.Values(n.nodes))
	n.mu.Unlock()
	if pod, ok := strings.CutPrefix(target, podTarget); ok {
		n.faults.set(target, all)
		for _, node := range nodes {
			if err := node.breakPods(pod, all); err != nil {
				return err
			}
		}
		return nil
	}
	i := slices.IndexFunc(nodes, func(o *Node) bool { return o.config.Name == target })
	if i < 0 {
		return fmt.Errorf("%w: there is no node %s", engine.ErrUsage, target)
	}
	for _, f := range all {
		if f.Kind == engine.FaultRoute && !n.podCIDR(f.To).IsValid() {
			return fmt.Errorf("%w: node %s has no Pods' network yet, to which there could be a route", engine.ErrNotReady, f.To)
		}
	}
	n.faults.set(target, all)
	return nodes[i].breakDown()
}

// Pods implements [engine.FaultyNetwork].
func (n *Network) Pods() []string {
	n.mu.Lock()
	nodes := slices.Collect(maps.Values(n.nodes))
	n.mu.Unlock()
	var names []string
	for _, node := range nodes {
		names = append(names, node.podNames()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// podCIDR returns the addresses of a node's Pods, invalid when it has none.
func (n *Network) podCIDR(name string) netip.Prefix {
	node := n.Node(name)
	if node == nil {
		return netip.Prefix{}
	}
	node.mu.Lock()
	defer node.mu.Unlock()
	return node.cidr
}

// breakAll makes what is broken so again, when a node has come.
func (n *Network) breakAll() {
	if n.faults.none() {
		return
	}
	n.mu.Lock()
	nodes := slices.Collect(maps.Values(n.nodes))
	n.mu.Unlock()
	for _, node := range nodes {
		if err := node.breakDown(); err != nil {
			n.config.Log.Warn("break a node again", "node", node.config.Name, "error", err)
		}
	}
}

// linkFault returns what all say of a link.
func linkFault(all []engine.Fault) (link network.Fault) {
	for _, f := range all {
		switch f.Kind {
		case engine.FaultDrop:
			link.Drop, link.DropPattern = f.Share, f.Pattern
		case engine.FaultDelay:
			link.Delay = f.Delay
		case engine.FaultReorder:
			link.Reorder, link.ReorderBy = f.Share, f.Delay
		case engine.FaultCut:
			link.Cut = true
		}
	}
	return link
}

// value returns the fault of a kind; the zero fault when there is none.
func value(all []engine.Fault, kind string) (f engine.Fault, ok bool) {
	i := slices.IndexFunc(all, func(f engine.Fault) bool { return f.Kind == kind })
	if i < 0 {
		return f, false
	}
	return all[i], true
}

// breakDown makes the node as broken as its faults say. A node that is not in the fabric yet is broken when it is.
func (n *Node) breakDown() error {
	all := n.network.faults.of(n.config.Name)
	_, stopped := value(all, engine.FaultProxy)
	n.SetProxy(!stopped)
	f, _ := n.attached()
	if f == nil {
		return nil
	}
	link := linkFault(all)
	mtu, _ := value(all, engine.FaultMTU)
	link.MTU = mtu.MTU
	if err := f.SetFault(link); err != nil {
		return err
	}
	_, filter := value(all, engine.FaultICMP)
	f.SetICMPFilter(filter)
	_, noDNS := value(all, engine.FaultDNS)
	f.SetDNSFilter(noDNS)
	var machines []netip.Addr
	if _, alone := value(all, engine.FaultIsolate); alone {
		machines = append(machines, n.network.config.APIServer.Addr())
	}
	f.SetCutFrom("the control plane", machines...)
	var missing []netip.Prefix
	for _, fault := range all {
		if cidr := n.network.podCIDR(fault.To); fault.Kind == engine.FaultRoute && cidr.IsValid() {
			missing = append(missing, cidr)
		}
	}
	f.SetMissingRoutes(missing...)
	return nil
}

// breakPods makes the sandboxes of a Pod, "default/web", as broken as all say.
func (n *Node) breakPods(name string, all []engine.Fault) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.sandboxes {
		if s.name() == name {
			if err := breakPod(s.pod, all); err != nil {
				return err
			}
		}
	}
	return nil
}

func breakPod(p *fabric.Pod, all []engine.Fault) error {
	link := linkFault(all)
	_, link.FilterICMP = value(all, engine.FaultICMP)
	if err := p.SetFault(link); err != nil {
		return err
	}
	mtu, _ := value(all, engine.FaultMTU)
	return p.SetMTU(mtu.MTU)
}

func (s *sandbox) name() string { return s.of.PodNamespace + "/" + s.of.PodName }

// podNames returns the Pods that have a network here.
func (n *Node) podNames() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var names []string
	for _, s := range n.sandboxes {
		names = append(names, s.name())
	}
	return names
}
