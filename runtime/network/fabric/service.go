package fabric

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Service is one port of one Kubernetes Service with its endpoints, as a proxy sees it. What it leads to follows
// kube-proxy in nftables mode (pkg/proxy/topology.go, pkg/proxy/nftables/proxier.go of v1.36.3), without topology hints.
type Service struct {
	Name     string // "default/web"
	PortName string // "http"; empty for a Service's only port
	Protocol string // "tcp" or "udp"
	Port     uint16
	// ClusterIP may be invalid, for a headless Service: then only its node port and other addresses count.
	ClusterIP netip.Addr
	// ExternalIPs are the addresses in spec.externalIPs, LoadBalancerIPs those that a load balancer has in the status.
	ExternalIPs     []netip.Addr
	LoadBalancerIPs []netip.Addr
	// SourceRanges are spec.loadBalancerSourceRanges: from elsewhere nobody reaches LoadBalancerIPs. None means everybody
	// does.
	SourceRanges []netip.Prefix
	NodePort     uint16 // 0 for none
	Endpoints    []Endpoint
	// Affinity is how long a client stays with its endpoint (sessionAffinity: ClientIP); 0 for no affinity.
	Affinity time.Duration
	// InternalLocal and ExternalLocal are internalTrafficPolicy and externalTrafficPolicy: Local.
	InternalLocal bool
	ExternalLocal bool
}

// Endpoint is one backend of a Service, with the conditions of its EndpointSlice.
type Endpoint struct {
	Addr        netip.AddrPort
	Node        string
	Ready       bool
	Serving     bool
	Terminating bool
}

// Rule is one line of what a node's proxy has installed.
type Rule struct {
	Name   string `json:"name"`   // "default/web:http"
	Match  string `json:"match"`  // "tcp 10.96.0.10:80"
	Action string `json:"action"` // "one of 10.244.1.2:8080, 10.244.2.5:8080"
}

// SetServices replaces all Services on all nodes whose proxy runs, but those that have been given their own.
func (f *Fabric) SetServices(services []Service) error {
	if err := checkServices(services); err != nil {
		return err
	}
	services = slices.Clone(services)
	f.change(func() {
		f.services = services
		for _, n := range f.nodes {
			n.install(f.compile(n))
		}
	})
	return nil
}

// SetServices replaces the Services as this node's own proxy knows them: each node has its own watches, and one may be
// behind. From then on the fabric's Services do not count here.
func (n *Node) SetServices(services []Service) error {
	if err := checkServices(services); err != nil {
		return fmt.Errorf("services of %s: %w", n.cfg.Name, err)
	}
	services = slices.Clone(services)
	n.f.change(func() {
		n.services, n.ownServices = services, true
		n.install(n.f.compile(n))
	})
	return nil
}

func checkServices(services []Service) error {
	for i := range services {
		s := &services[i]
		if s.Protocol != "tcp" && s.Protocol != "udp" {
			return fmt.Errorf("service %s: protocol %q: want \"tcp\" or \"udp\"", s.title(), s.Protocol)
		}
		for _, a := range slices.Concat([]netip.Addr{s.ClusterIP}, s.ExternalIPs, s.LoadBalancerIPs) {
			if a.IsValid() && !a.Is4() {
				return fmt.Errorf("service %s: address %v: the network is IPv4 only", s.title(), a)
			}
		}
		for _, e := range s.Endpoints {
			if !e.Addr.Addr().Is4() {
				return fmt.Errorf("service %s: endpoint %v: the network is IPv4 only", s.title(), e.Addr)
			}
		}
	}
	return nil
}

// Rules returns what the node's proxy has installed, by name.
func (n *Node) Rules() []Rule { return slices.Clone(n.rules.Load().list) }

func (s *Service) title() string {
	if s.PortName == "" {
		return s.Name
	}
	return s.Name + ":" + s.PortName
}

// proxyRules are all Services as one node sees them. They do not change after they were made.
type proxyRules struct {
	internal  map[serviceKey]*serviceRule // by ClusterIP
	external  map[serviceKey]*serviceRule // by other addresses, the node's own with node ports among them
	clusterIP map[ip4]string              // the Service that has it
	list      []Rule
}

type serviceKey struct {
	proto uint8
	addr  ip4
	port  uint16
}

type serviceRule struct {
	*Service
	cluster []netip.AddrPort // usable endpoints anywhere
	local   []netip.AddrPort // usable endpoints on this node
	any     bool             // whether there are usable endpoints at all
}

// compile makes a node's rules.
func (f *Fabric) compile(n *Node) *proxyRules {
	r := &proxyRules{internal: map[serviceKey]*serviceRule{}, external: map[serviceKey]*serviceRule{},
		clusterIP: map[ip4]string{}}
	if n.bridge == nil {
		return r
	}
	services := f.services
	if n.ownServices {
		services = n.services
	}
	for i := range services {
		s := &services[i]
		rule := &serviceRule{Service: s}
		rule.categorize(n.cfg.Name)
		proto := uint8(protoTCP)
		if s.Protocol == "udp" {
			proto = protoUDP
		}
		add := func(to map[serviceKey]*serviceRule, addr netip.Addr, port uint16, local bool) {
			to[serviceKey{proto, toIP4(addr), port}] = rule
			r.list = append(r.list, Rule{s.title(), s.Protocol + " " + netip.AddrPortFrom(addr, port).String(),
				rule.action(local)})
		}
		if s.ClusterIP.IsValid() {
			r.clusterIP[toIP4(s.ClusterIP)] = s.Name
			add(r.internal, s.ClusterIP, s.Port, s.InternalLocal)
		}
		for _, a := range slices.Concat(s.ExternalIPs, s.LoadBalancerIPs) {
			add(r.external, a, s.Port, s.ExternalLocal)
		}
		if s.NodePort != 0 {
			add(r.external, n.cfg.Address, s.NodePort, s.ExternalLocal)
		}
	}
	slices.SortStableFunc(r.list, func(a, b Rule) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// categorize chooses the usable endpoints: those that are ready, or when there are none, those that still serve while they
// terminate; for local traffic separately (CategorizeEndpoints in pkg/proxy/topology.go).
func (r *serviceRule) categorize(node string) {
	pick := func(match func(e Endpoint) bool) (list []netip.AddrPort) {
		for _, e := range r.Endpoints {
			if match(e) {
				list = append(list, e.Addr)
			}
		}
		return list
	}
	ready := func(e Endpoint) bool { return e.Ready }
	ending := func(e Endpoint) bool { return !e.Ready && e.Serving && e.Terminating }
	if r.cluster = pick(ready); len(r.cluster) == 0 {
		r.cluster = pick(ending)
	}
	if r.local = pick(func(e Endpoint) bool { return e.Node == node && ready(e) }); len(r.local) == 0 {
		r.local = pick(func(e Endpoint) bool { return e.Node == node && ending(e) })
	}
	r.any = len(r.cluster) > 0
}

func (r *serviceRule) action(local bool) string {
	list := r.cluster
	if local {
		list = r.local
	}
	switch {
	case len(list) == 0 && local && r.any:
		return "drop: no endpoint on this node"
	case len(list) == 0:
		return "reject: no endpoints"
	case len(list) == 1:
		return "to " + list[0].String()
	}
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = e.String()
	}
	return "one of " + strings.Join(words, ", ")
}
