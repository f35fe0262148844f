package fabric

import (
	"net/netip"
	"slices"
	"time"
)

// proxyAction is what the Service rules do with a new connection.
type proxyAction int

const (
	proxyPass proxyAction = iota // on its way, translated or not
	proxyReject
	proxyDrop
)

type proxyVerdict struct {
	action proxyAction
	rule   string // what matched; the reason when the packet goes no further
}

// install makes rules count, or keeps them for later while the proxy is stopped. UDP connections to endpoints that are
// gone are forgotten, as kube-proxy does: their clients would send to nowhere for as long as they go on.
func (n *Node) install(r *proxyRules) {
	if n.proxyHeld {
		n.pending = r
		return
	}
	n.rules.Store(r)
	n.tracker.removeIf(func(c *conn) bool {
		first := c.tuples[original]
		if first.proto != protoUDP || c.rule == "" {
			return false
		}
		s := r.find(serviceKey{protoUDP, first.dst, first.dp})
		return s == nil || !slices.Contains(s.cluster, addrPortOf(c.tuples[answer].src, c.tuples[answer].sp)) &&
			!slices.Contains(s.local, addrPortOf(c.tuples[answer].src, c.tuples[answer].sp))
	})
}

func (r *proxyRules) find(key serviceKey) *serviceRule {
	if s := r.internal[key]; s != nil {
		return s
	}
	return r.external[key]
}

// proxy applies the Service rules to a new connection; local says that the node itself opens it.
func (n *Node) proxy(c *conn, local bool) proxyVerdict {
	rules := n.rules.Load()
	to := c.tuples[original]
	key := serviceKey{to.proto, to.dst, to.dp}
	inside := n.f.inCluster(to.src) && !local
	if s := rules.internal[key]; s != nil {
		c.masq = !inside // the answers must come back this way
		return n.balance(c, s, s.InternalLocal)
	}
	if s := rules.external[key]; s != nil {
		if !s.admits(to.src, to.dst) {
			return proxyVerdict{proxyDrop, "service " + s.title() + ": loadBalancerSourceRanges leave " + to.src.String() + " out"}
		}
		// Pods and the node itself reach any endpoint even when outsiders only reach local ones.
		useLocal := s.ExternalLocal && !inside && !local
		c.masq = !s.ExternalLocal || local
		return n.balance(c, s, useLocal)
	}
	switch name, ok := rules.clusterIP[to.dst]; {
	case ok && (to.proto == protoTCP || to.proto == protoUDP):
		return proxyVerdict{proxyReject, "service " + name + " has no port " + protoName(to.proto) + " " + portString(to.dp)}
	case ok:
		return proxyVerdict{proxyReject, "service " + name + ": a cluster IP is a rule, nobody has it who could answer"}
	case n.f.cfg.ServiceCIDR.Contains(to.dst.addr()):
		return proxyVerdict{proxyDrop, "no service has this cluster IP"}
	}
	return proxyVerdict{}
}

// admits reports whether a source may reach one of the Service's addresses: kube-proxy's firewall-check. Its exception for
// nodes that have the load balancer's address themselves is not made, as none has.
func (s *serviceRule) admits(src, dst ip4) bool {
	if len(s.SourceRanges) == 0 || !slices.Contains(s.LoadBalancerIPs, dst.addr()) {
		return true
	}
	return slices.ContainsFunc(s.SourceRanges, func(p netip.Prefix) bool { return p.Contains(src.addr()) })
}

// balance chooses an endpoint and translates the connection to it.
func (n *Node) balance(c *conn, s *serviceRule, local bool) proxyVerdict {
	list := s.cluster
	if local {
		list = s.local
	}
	if len(list) == 0 {
		c.masq = false
		if local && s.any {
			return proxyVerdict{proxyDrop, "service " + s.title() + " has no endpoint on " + n.cfg.Name}
		}
		return proxyVerdict{proxyReject, "service " + s.title() + " has no endpoints"}
	}
	client := c.tuples[original].src
	e, sticky := n.affinity.find(n.f.now, s, client, list)
	if !sticky {
		e = list[n.rng.IntN(len(list))]
	}
	if s.Affinity > 0 {
		n.affinity.note(n.f.now, s, client, e)
	}
	c.rule = s.title() + " -> " + e.String()
	c.kinds[0] = "DNAT"
	c.tuples[answer].src, c.tuples[answer].sp = toIP4(e.Addr()), e.Port()
	if c.tuples[answer].src == client {
		c.masq = true // hairpin: the endpoint must not see itself as the client
	}
	return proxyVerdict{rule: c.rule}
}

// affinities remember which endpoint a client has.
type affinities map[affinityKey]affinity

type affinityKey struct {
	service string
	client  ip4
}

type affinity struct {
	endpoint netip.AddrPort
	until    time.Duration
}

// affinityLimit bounds the table by the size of nftables' sets in kube-proxy's rules.
const affinityLimit = 1 << 16

func (a affinities) find(now time.Duration, s *serviceRule, client ip4, list []netip.AddrPort) (netip.AddrPort, bool) {
	if s.Affinity == 0 {
		return netip.AddrPort{}, false
	}
	e, ok := a[affinityKey{s.title(), client}]
	return e.endpoint, ok && now < e.until && slices.Contains(list, e.endpoint)
}

func (a affinities) note(now time.Duration, s *serviceRule, client ip4, e netip.AddrPort) {
	if len(a) >= affinityLimit {
		for key, old := range a {
			if now >= old.until {
				delete(a, key)
			}
		}
		if len(a) >= affinityLimit {
			return
		}
	}
	a[affinityKey{s.title(), client}] = affinity{e, now + s.Affinity}
}

func addrPort(a ip4) netip.AddrPort                { return netip.AddrPortFrom(a.addr(), 0) }
func addrPortOf(a ip4, port uint16) netip.AddrPort { return netip.AddrPortFrom(a.addr(), port) }
