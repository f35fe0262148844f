package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/inproc"
	"github.com/kubestep/kubestep/runtime/network/fabric"
	"github.com/kubestep/kubestep/runtime/program"
)

// Node is one node's part of the network: it gives sandboxes their namespaces and runs the node's service proxy. Its
// methods are safe for concurrent use.
type Node struct {
	network *Network
	config  engine.NodeConfig
	address netip.Addr
	proxy   *serviceProxy

	mu        sync.Mutex
	cidr      netip.Prefix
	fabric    *fabric.Node // nil until the CIDR is known
	off       bool         // has no power any more
	addresses addresses
	sandboxes map[string]*sandbox // by ID
}

type sandbox struct {
	of      inproc.SandboxNetwork
	pod     *fabric.Pod
	address netip.Addr
}

var (
	_ inproc.Networks = (*Node)(nil)
	_ program.Network = (*fabric.Pod)(nil)
)

// NewNode returns a node's part of the network. A node that is made again takes the place of the one with its name.
func (n *Network) NewNode(c engine.NodeConfig) (*Node, error) {
	address, ok := netip.AddrFromSlice(c.Address)
	if !ok {
		return nil, fmt.Errorf("network of %s: it has no address", c.Name)
	}
	node := &Node{network: n, config: c, address: address.Unmap(), sandboxes: map[string]*sandbox{}}
	node.proxy = newServiceProxy(c, node.install, node.learnPodCIDR)
	node.proxy.listen = node.listen
	n.mu.Lock()
	former := n.nodes[c.Name]
	n.nodes[c.Name] = node
	n.mu.Unlock()
	if former != nil {
		former.remove()
	}
	return node, node.breakDown()
}

// Run runs the node's service proxy until ctx ends; then the node has no power: its Pods' network is gone, and nothing
// that is sent to it arrives. It is called once.
func (n *Node) Run(ctx context.Context) error {
	defer n.powerOff()
	return n.proxy.run(ctx)
}

// Clock returns the network's time: it stands still while a packet is held.
func (n *Node) Clock() *fabric.Clock { return n.network.fabric.Clock() }

// SetProxy stops the node's service proxy, as when its process is killed: its rules stay as they are. When it is started
// again, it learns everything anew.
func (n *Node) SetProxy(running bool) { n.proxy.setRunning(running) }

// Rules returns what the node's service proxy has installed, by name.
func (n *Node) Rules() []fabric.Rule {
	if f, _ := n.attached(); f != nil {
		return f.Rules()
	}
	return nil
}

// Dial connects from the node itself to an address of the lab's network.
func (n *Node) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	f, _ := n.attached()
	if f == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: n.Ready()}
	}
	return f.Host().Dial(ctx, network, address)
}

// attached returns the node in the fabric, nil when it is not there, and its Pods' addresses.
func (n *Node) attached() (*fabric.Node, netip.Prefix) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.off {
		return nil, netip.Prefix{}
	}
	return n.fabric, n.cidr
}

var (
	errNoCIDR = errors.New("the node has no Pod CIDR yet")
	errOff    = errors.New("the node has no power")
)

// Ready implements [inproc.Networks].
func (n *Node) Ready() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ready()
}

// ready is Ready with n.mu held.
func (n *Node) ready() error {
	switch {
	case n.off:
		return errOff
	case n.fabric == nil:
		return errNoCIDR
	}
	return nil
}

// SetPodCIDR implements [inproc.Networks]: the node joins the others, who get routes to its Pods. Pods of an earlier range
// lose their network.
func (n *Node) SetPodCIDR(cidr netip.Prefix) error {
	if err := n.join(cidr); err != nil {
		return err
	}
	n.network.breakAll() // there are new routes as well
	return nil
}

func (n *Node) join(cidr netip.Prefix) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	cidr = cidr.Masked()
	if n.off || cidr == n.cidr {
		return nil
	}
	if n.fabric != nil {
		n.fabric.Close()
		n.fabric, n.cidr = nil, netip.Prefix{}
	}
	f, err := n.network.fabric.AddNode(fabric.NodeConfig{Name: n.config.Name, Address: n.address, PodCIDR: cidr})
	if err != nil {
		return err
	}
	n.fabric, n.cidr, n.addresses = f, cidr, newAddresses(cidr)
	n.proxy.again() // what it knows goes to the new node
	return nil
}

// learnPodCIDR takes the Pod CIDR from the Node object, as flannel's agent does. The kubelet tells it as well, but looks at
// the runtime's state before it does, so that the node would be Ready a tenth of a second later.
func (n *Node) learnPodCIDR(text string) {
	if text == "" {
		return
	}
	cidr, err := netip.ParsePrefix(text)
	if err == nil {
		err = n.SetPodCIDR(cidr)
	}
	if err != nil {
		n.config.Log.Warn("set the node's Pod CIDR", "cidr", text, "error", err)
	}
}

// Add implements [inproc.Networks].
func (n *Node) Add(_ context.Context, s inproc.SandboxNetwork) (program.Network, error) {
	ns, err := n.add(s)
	if err == nil && !s.Host {
		n.network.policies.again() // before the Pod's first packet, not only when the API knows its address
	}
	return ns, err
}

func (n *Node) add(s inproc.SandboxNetwork) (program.Network, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.ready(); err != nil {
		return nil, err
	}
	if s.Host {
		return n.fabric.Host(), nil
	}
	address, err := n.addresses.take()
	if err != nil {
		return nil, err
	}
	pod, err := n.fabric.AddPod(fabric.PodConfig{Namespace: s.PodNamespace, Name: s.PodName, Address: address})
	if err != nil {
		n.addresses.free(address)
		return nil, err
	}
	made := &sandbox{of: s, pod: pod, address: address}
	n.sandboxes[s.ID] = made
	if all := n.network.faults.of(podTarget + made.name()); len(all) > 0 {
		return pod, breakPod(pod, all)
	}
	return pod, nil
}

// Remove implements [inproc.Networks].
func (n *Node) Remove(_ context.Context, id string) error {
	n.mu.Lock()
	s := n.sandboxes[id]
	delete(n.sandboxes, id)
	n.mu.Unlock()
	if s == nil {
		return nil
	}
	s.pod.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses.free(s.address)
	return nil
}

// podAddresses adds the addresses of the node's sandboxes to all.
func (n *Node) podAddresses(all map[string]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.sandboxes {
		all[s.of.PodUID] = s.address
	}
}

// install gives the proxy's Services to the fabric. Before the node is part of it there is nothing to install.
func (n *Node) install(services []fabric.Service) error {
	f, _ := n.attached()
	if f == nil {
		return nil
	}
	return f.SetServices(services)
}

// listen opens a port of the node's own address.
func (n *Node) listen(ctx context.Context, port uint16) (net.Listener, error) {
	f, _ := n.attached()
	if f == nil {
		return nil, n.Ready()
	}
	return f.Host().Listen(ctx, "tcp", net.JoinHostPort(n.address.String(), strconv.Itoa(int(port))))
}

// powerOff takes the power away. The other nodes keep their routes to it.
func (n *Node) powerOff() {
	n.mu.Lock()
	f := n.fabric
	n.off = true
	all := n.sandboxes
	n.sandboxes = map[string]*sandbox{}
	n.mu.Unlock()
	if f != nil {
		f.SetPower(false) // first: what has no power resets no connections
	}
	for _, s := range all {
		s.pod.Close()
	}
}

// remove takes the node out of the fabric.
func (n *Node) remove() {
	n.powerOff()
	n.mu.Lock()
	f := n.fabric
	n.fabric = nil
	n.mu.Unlock()
	if f != nil {
		f.Close()
	}
}
