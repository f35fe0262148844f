package fabric

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kubestep/kubestep/runtime/network"
)

// NodeConfig says what a node is.
type NodeConfig struct {
	Name string
	// Address is the node's own, in the fabric's underlay: "192.168.50.11".
	Address netip.Addr
	// PodCIDR holds the addresses of its Pods, "10.244.1.0/24": .0 is the tunnel's, .1 the bridge's.
	PodCIDR netip.Prefix
	// PodMTU is that of Pods and of the bridge. Default: what fits, 1450 in VXLAN and 1500 in host-gw mode.
	PodMTU int
}

// vxlanOverhead is what the tunnel adds to an IP packet: Ethernet, VXLAN, UDP, IPv4.
const vxlanOverhead = 14 + 8 + 8 + 20

const wireMTU = 1500

// Node is one node's network. Its methods are safe for concurrent use and take effect in the order of their calls.
type Node struct {
	f    *Fabric
	cfg  NodeConfig
	host *Namespace

	mu    sync.Mutex
	pods  map[netip.Addr]*Pod
	names map[string]int // how often a device name was used

	rules  atomic.Pointer[proxyRules]      // what the proxy has installed
	listed atomic.Pointer[[]network.Route] // routes as they were made last, for [Namespace.Routes]

	// Only Run's goroutine touches what follows.
	off       bool // powered off
	faults    nodeFaults
	proxyHeld bool
	pending   *proxyRules // what a stopped proxy has not installed
	// services are those of the node's own proxy, when it has been given any.
	services    []Service
	ownServices bool

	address, bridgeAddr, tunnelAddr ip4
	eth0HW, bridgeHW, tunnelHW      hwaddr
	eth0, cni0, flannel, lo         place
	uplink                          *port
	bridge                          *segment // nil for the gateway
	arpEth0, arpCNI0                *neighbours
	routes                          []route
	tracker                         *tracker
	parts                           *reassembler
	affinity                        affinities
	rng                             *rand.Rand
	ipID                            uint16
}

// AddNode adds a node to the fabric and routes to it on all others, as flannel does.
func (f *Fabric) AddNode(cfg NodeConfig) (*Node, error) {
	switch {
	case cfg.Name == "":
		return nil, fmt.Errorf("add node: it has no name")
	case !f.cfg.Underlay.Contains(cfg.Address):
		return nil, fmt.Errorf("add node %s: address %v is not in the underlay %v", cfg.Name, cfg.Address, f.cfg.Underlay)
	case !cfg.PodCIDR.IsValid() || !f.cfg.ClusterCIDR.Contains(cfg.PodCIDR.Addr()) || cfg.PodCIDR.Bits() > 29:
		return nil, fmt.Errorf("add node %s: pod CIDR %v is not a network of /29 or larger in %v", cfg.Name, cfg.PodCIDR,
			f.cfg.ClusterCIDR)
	}
	cfg.PodCIDR = cfg.PodCIDR.Masked()
	if cfg.PodMTU == 0 {
		cfg.PodMTU = wireMTU
		if f.cfg.Mode == VXLAN {
			cfg.PodMTU -= vxlanOverhead
		}
	}
	if cfg.PodMTU < 576 || cfg.PodMTU > 9000 {
		return nil, fmt.Errorf("add node %s: Pod MTU %d: want 576 to 9000", cfg.Name, cfg.PodMTU)
	}
	n := f.newNode(cfg)
	n.bridge = newSegment(f)
	n.bridgeAddr = toIP4(cfg.PodCIDR.Addr()).plus(1)
	n.tunnelAddr = toIP4(cfg.PodCIDR.Addr())
	n.bridgeHW = podHW(n.bridgeAddr)
	n.tunnelHW = hwFor(0xdd, n.address)
	n.arpCNI0 = newNeighbours(f, n.bridgeHW, func(p *packet) { n.bridgeSend(p, nil) },
		func(p *packet) { n.unreachable(p, &n.cni0) })
	if err := f.register(n); err != nil {
		return nil, fmt.Errorf("add node %s: %w", cfg.Name, err)
	}
	return n, nil
}

// addGateway makes the machine at the first address of the underlay, where every default route leads. It knows no way
// out, so it answers that the network is unreachable.
func (f *Fabric) addGateway() error {
	n := f.newNode(NodeConfig{Name: "gateway", Address: ipFrom32(toIP4(f.cfg.Underlay.Addr()).uint32() + 1).addr()})
	if err := f.register(n); err != nil {
		return fmt.Errorf("make the gateway: %w", err)
	}
	return nil
}

// newNode returns what nodes and the gateway have in common.
func (f *Fabric) newNode(cfg NodeConfig) *Node {
	n := &Node{f: f, cfg: cfg, pods: map[netip.Addr]*Pod{}, names: map[string]int{}, address: toIP4(cfg.Address),
		eth0HW: hwFor(0x42, toIP4(cfg.Address)), affinity: affinities{}}
	n.eth0 = place{node: cfg.Name, device: "eth0", mtu: wireMTU}
	n.cni0 = place{node: cfg.Name, device: "cni0", mtu: cfg.PodMTU}
	n.flannel = place{node: cfg.Name, device: "flannel.1", mtu: wireMTU - vxlanOverhead}
	n.lo = place{node: cfg.Name, device: "lo", mtu: loMTU}
	n.rng = rand.New(rand.NewPCG(f.cfg.Seed, uint64(n.address.uint32())))
	n.tracker = newTracker(f, n.rng)
	n.parts = newReassembler(f)
	n.uplink = &port{name: cfg.Name, deliver: n.wireInput}
	n.arpEth0 = newNeighbours(f, n.eth0HW, n.wireSend, func(p *packet) { n.unreachable(p, &n.eth0) })
	n.rules.Store(&proxyRules{})
	return n
}

// register makes a node's own sockets and plugs the node in.
func (f *Fabric) register(n *Node) error {
	f.mu.Lock()
	for _, other := range f.byName {
		if other.cfg.Name == n.cfg.Name || other.address == n.address || n.bridge != nil && other.bridge != nil &&
			other.cfg.PodCIDR.Overlaps(n.cfg.PodCIDR) {
			f.mu.Unlock()
			return fmt.Errorf("node %s (%v, %v) is in the way", other.cfg.Name, other.cfg.Address, other.cfg.PodCIDR)
		}
	}
	f.byName[n.cfg.Name] = n
	f.mu.Unlock()
	host, err := n.newHost()
	if err == nil {
		n.host = host
		err = f.adopt(host)
	}
	if err != nil {
		f.mu.Lock()
		delete(f.byName, n.cfg.Name)
		f.mu.Unlock()
		return err
	}
	f.change(func() {
		f.nodes = append(f.nodes, n)
		f.wire.plug(n.uplink)
		n.install(f.compile(n))
		f.routeAll()
	})
	return nil
}

// Name returns the node's name.
func (n *Node) Name() string { return n.cfg.Name }

// Address returns the node's own address.
func (n *Node) Address() netip.Addr { return n.cfg.Address }

// Host returns the node's own network namespace: for the kubelet's probes, hostNetwork Pods and whatever runs on the node.
func (n *Node) Host() *Namespace { return n.host }

// Close removes the node and its Pods.
func (n *Node) Close() {
	n.mu.Lock()
	pods := make([]*Pod, 0, len(n.pods))
	for _, p := range n.pods {
		pods = append(pods, p)
	}
	n.mu.Unlock()
	for _, p := range pods {
		p.Close()
	}
	n.f.mu.Lock()
	delete(n.f.byName, n.cfg.Name)
	n.f.mu.Unlock()
	n.f.change(func() {
		n.off = true
		n.f.wire.unplug(n.uplink)
		n.f.nodes = slices.DeleteFunc(n.f.nodes, func(o *Node) bool { return o == n })
		n.f.routeAll()
	})
	if n.f.disown(n.host) {
		n.host.destroy()
	}
}

// hwFor makes a locally administered Ethernet address for a device with an IP address.
func hwFor(kind byte, a ip4) hwaddr { return hwaddr{0x02, kind, a[0], a[1], a[2], a[3]} }

// podHW is the address that the CNI bridge plugin gives, derived from the IP address.
func podHW(a ip4) hwaddr { return hwaddr{0x0a, 0x58, a[0], a[1], a[2], a[3]} }
