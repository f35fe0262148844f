package server

import (
	"context"
	"strings"

	"github.com/miekg/dns"
)

// outside stands for all DNS servers beyond the cluster. It answers as a recursive resolver does, from what
// [externalNames] has.
type outside struct{}

// externalNames are the only names outside of the cluster, in zone file format. The names are reserved by RFC 2606, the
// addresses by RFC 5737. That they have no IPv6 addresses makes AAAA queries answer "no data", as for most of the world.
func externalNames() []string {
	return []string{
		"example.com. 300 IN A 192.0.2.10",
		"www.example.com. 300 IN CNAME example.com.",
		"api.example.com. 300 IN A 192.0.2.20",
		"example.net. 300 IN A 198.51.100.10",
		"example.org. 300 IN A 203.0.113.10",
	}
}

// rootAuthority is the SOA of the root zone, whose last number is how long "does not exist" may be kept, in seconds.
const rootAuthority = ". 86400 IN SOA a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400"

// Name implements plugin.Handler.
func (outside) Name() string { return "forward" }

// ServeDNS implements plugin.Handler.
func (outside) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	q := r.Question[0]
	var err error
	var exists bool
	if m.Answer, exists, err = lookUp(strings.ToLower(q.Name), q.Qtype); err != nil {
		return dns.RcodeServerFailure, err
	}
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	if len(m.Answer) == 0 {
		soa, err := dns.NewRR(rootAuthority)
		if err != nil {
			return dns.RcodeServerFailure, err
		}
		m.Ns = []dns.RR{soa}
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// lookUp returns the records of a name with a type, and whether the name exists at all. It follows one alias.
func lookUp(name string, qtype uint16) (found []dns.RR, exists bool, err error) {
	for _, line := range externalNames() {
		rr, err := dns.NewRR(line)
		if err != nil {
			return nil, false, err
		}
		owner := rr.Header().Name
		exists = exists || dns.IsSubDomain(name, owner)
		if owner != name {
			continue
		}
		if alias, ok := rr.(*dns.CNAME); ok && qtype != dns.TypeCNAME {
			target, _, err := lookUp(alias.Target, qtype)
			return append([]dns.RR{rr}, target...), true, err
		}
		if rr.Header().Rrtype == qtype {
			found = append(found, rr)
		}
	}
	return found, exists, nil
}
