package fabric

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubestep/kubestep/runtime/network"
)

// Policy is a NetworkPolicy whose selectors have been resolved to addresses. A Pod that any policy selects for a
// direction is isolated in it: then only what some policy allows gets through (networking.k8s.io/v1 NetworkPolicySpec).
type Policy struct {
	Name string // "default/deny-all"
	// Pods are the addresses of the Pods that it selects.
	Pods []netip.Addr
	// IsolatesIngress and IsolatesEgress are its policyTypes.
	IsolatesIngress bool
	IsolatesEgress  bool
	Ingress         []PolicyRule
	Egress          []PolicyRule
}

// PolicyRule allows what comes from, or goes to, one of the peers on one of the ports. No peers mean everybody, no ports
// mean every port.
type PolicyRule struct {
	Peers []Peer
	Ports []PolicyPort
}

// Peer is a set of addresses: of the Pods that selectors chose, or a block.
type Peer struct {
	Pods   []netip.Addr
	Block  netip.Prefix // ipBlock.cidr
	Except []netip.Prefix
}

// PolicyPort is a port or a range of ports of one protocol.
type PolicyPort struct {
	Protocol string // "tcp", "udp"; "" means "tcp", as in the API
	Port     uint16 // 0 means every port
	EndPort  uint16 // 0 means Port alone
	// Pods, when not empty, limits the entry to connections to these: a named port has its number by the Pod.
	Pods []netip.Addr
}

// SetPolicies replaces all policies. Connections that are open stay so.
func (f *Fabric) SetPolicies(policies []Policy) error {
	for i := range policies {
		for _, rules := range [][]PolicyRule{policies[i].Ingress, policies[i].Egress} {
			for _, r := range rules {
				for _, p := range r.Ports {
					if p.EndPort != 0 && p.EndPort < p.Port {
						return fmt.Errorf("policy %s: port range %d-%d ends before it begins", policies[i].Name, p.Port, p.EndPort)
					}
				}
			}
		}
	}
	set := compilePolicies(policies)
	f.change(func() { f.policies = set })
	return nil
}

// policySet finds the policies of an address. It does not change after it was made.
type policySet struct {
	ingress, egress map[ip4][]*compiledPolicy
}

type compiledPolicy struct {
	name  string
	rules []compiledRule
}

type compiledRule struct {
	all   bool // peers
	pods  map[ip4]struct{}
	peers []Peer // blocks
	ports []PolicyPort
}

func compilePolicies(policies []Policy) *policySet {
	s := &policySet{ingress: map[ip4][]*compiledPolicy{}, egress: map[ip4][]*compiledPolicy{}}
	for i := range policies {
		p := &policies[i]
		in := &compiledPolicy{p.Name, compileRules(p.Ingress)}
		out := &compiledPolicy{p.Name, compileRules(p.Egress)}
		for _, pod := range p.Pods {
			if !pod.Is4() {
				continue
			}
			if p.IsolatesIngress {
				s.ingress[toIP4(pod)] = append(s.ingress[toIP4(pod)], in)
			}
			if p.IsolatesEgress {
				s.egress[toIP4(pod)] = append(s.egress[toIP4(pod)], out)
			}
		}
	}
	return s
}

func compileRules(rules []PolicyRule) (all []compiledRule) {
	for _, r := range rules {
		c := compiledRule{all: len(r.Peers) == 0, pods: map[ip4]struct{}{}, ports: slices.Clone(r.Ports)}
		for _, p := range r.Peers {
			for _, a := range p.Pods {
				if a.Is4() {
					c.pods[toIP4(a)] = struct{}{}
				}
			}
			if p.Block.IsValid() {
				c.peers = append(c.peers, Peer{Block: p.Block.Masked(), Except: slices.Clone(p.Except)})
			}
		}
		all = append(all, c)
	}
	return all
}

func (r *compiledRule) matches(peer, dst ip4, proto uint8, port uint16) bool {
	return r.matchesPeer(peer) && r.matchesPort(dst, proto, port)
}

func (r *compiledRule) matchesPeer(peer ip4) bool {
	if _, ok := r.pods[peer]; ok || r.all {
		return true
	}
	a := peer.addr()
	return slices.ContainsFunc(r.peers, func(p Peer) bool {
		return p.Block.Contains(a) && !slices.ContainsFunc(p.Except, func(x netip.Prefix) bool { return x.Contains(a) })
	})
}

func (r *compiledRule) matchesPort(dst ip4, proto uint8, port uint16) bool {
	if len(r.ports) == 0 {
		return true
	}
	return slices.ContainsFunc(r.ports, func(p PolicyPort) bool {
		name := p.Protocol
		if name == "" {
			name = "tcp"
		}
		return name == protoName(proto) && (p.Port == 0 || port >= p.Port && port <= max(p.Port, p.EndPort)) &&
			(len(p.Pods) == 0 || slices.Contains(p.Pods, dst.addr()))
	})
}

// judge looks for a policy that allows a connection, among those that isolate the Pod. allowed names the policy, denied
// those that had nothing to say for it.
func judge(policies []*compiledPolicy, peer, dst ip4, proto uint8, port uint16) (allowed, denied string) {
	for _, p := range policies {
		for i := range p.rules {
			if p.rules[i].matches(peer, dst, proto, port) {
				return p.name, ""
			}
		}
		if denied != "" {
			denied += ", "
		}
		denied += p.name
	}
	return "", denied
}

// allowed passes a packet through the policies of the Pods of this node that it comes from or goes to; this is the point
// "forward" of its path. Only a connection's first packet is judged. A Pod always reaches itself; what the node itself
// sends, or is sent, does not come by here, and is always allowed.
func (n *Node) allowed(p *packet, out *place) bool {
	rule := ""
	if c := p.conn; n.bridge != nil && !p.related && (c == nil || !c.allowed) {
		ip := p.ip()
		t, _ := tupleOf(ip)
		if t.proto == 0 {
			t = tuple{proto: ip[9], src: srcOf(ip), dst: dstOf(ip)}
		}
		var denied string
		if rule, denied = n.judgePolicies(t); denied != "" {
			n.f.report(p, sight{at: out, point: network.PointForward, direction: network.Out, verdict: network.Dropped,
				reason: denied})
			return false
		}
		if c != nil {
			c.allowed = true
		}
	}
	n.f.report(p, sight{at: out, point: network.PointForward, direction: network.Out, rule: rule})
	return true
}

// judgePolicies returns the rules that allow a packet, or why it is denied.
func (n *Node) judgePolicies(t tuple) (rule, denied string) {
	if t.src == t.dst {
		return "", ""
	}
	local := func(a ip4) bool { return n.cfg.PodCIDR.Contains(a.addr()) }
	if policies := n.f.policies.egress[t.src]; local(t.src) && len(policies) > 0 {
		by, why := judge(policies, t.dst, t.dst, t.proto, t.dp)
		if by == "" {
			return "", "network policy " + why + ": egress to it is not allowed"
		}
		rule = "network policy " + by + " allows egress"
	}
	if policies := n.f.policies.ingress[t.dst]; local(t.dst) && len(policies) > 0 {
		by, why := judge(policies, t.src, t.dst, t.proto, t.dp)
		if by == "" {
			return "", "network policy " + why + ": ingress from it is not allowed"
		}
		if rule != "" {
			rule += "; "
		}
		rule += "network policy " + by + " allows ingress"
	}
	return rule, ""
}
