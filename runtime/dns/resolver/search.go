package resolver

import (
	"context"
	"errors"
	"strings"

	"github.com/miekg/dns"
)

// verdict is how a query for one form of a name ended: what glibc has in h_errno, and in errno.
type verdict struct {
	result   error // nil: found
	servfail bool  // ErrTryAgain because the servers said SERVFAIL
	noServer bool  // no server was there: ECONNREFUSED
	stopped  error // ctx has ended, or the observer refused
}

func (v verdict) err() error {
	if v.stopped != nil {
		return v.stopped
	}
	return v.result
}

// search is __res_context_search.
func (l *lookup) search(ctx context.Context, types []uint16, res *Result) error {
	dots := strings.Count(l.host, ".")
	absolute := strings.HasSuffix(l.host, ".")
	asIs := name{fqdn: dns.Fqdn(l.host)}

	var first *verdict // of the name as it is, when that came first
	if dots >= l.cfg.Ndots || absolute {
		v := l.query(ctx, asIs, types, res)
		if v.err() == nil || absolute || v.stopped != nil {
			return v.err()
		}
		first = &v
	}
	last := verdict{result: ErrNotFound}
	if first != nil {
		last = *first
	}
	var noData, servfail, root bool
	for i, domain := range l.cfg.Search {
		n := name{fqdn: dns.Fqdn(l.host + "." + domain), index: i + 1, domain: domain}
		if domain == "." {
			n.fqdn, root = dns.Fqdn(l.host), true
		}
		last = l.query(ctx, n, types, res)
		if last.err() == nil || last.stopped != nil {
			return last.err()
		}
		if last.noServer {
			return ErrTryAgain
		}
		if errors.Is(last.result, ErrNoData) {
			noData = true // another domain may have the type
			continue
		}
		if errors.Is(last.result, ErrNotFound) {
			continue
		}
		if !last.servfail {
			break // a server that is silent, or refuses, is not asked about the other domains
		}
		servfail = true
	}
	if (dots > 0 || len(l.cfg.Search) == 0 || !l.cfg.NoTLDQuery) && first == nil && !root {
		last = l.query(ctx, asIs, types, res)
		if last.err() == nil || last.stopped != nil {
			return last.err()
		}
	}
	switch {
	case first != nil:
		return first.result
	case noData:
		return ErrNoData
	case servfail:
		return ErrTryAgain
	}
	return last.result
}

// query is __res_context_query: it asks the servers for one form of the name, and tells what all answers together mean.
func (l *lookup) query(ctx context.Context, n name, types []uint16, res *Result) verdict {
	if _, ok := dns.IsDomainName(n.fqdn); !ok {
		return verdict{result: ErrNoRecovery}
	}
	out := l.send(ctx, n, types)
	switch {
	case out.err != nil:
		return verdict{stopped: out.err}
	case len(out.replies) == 0:
		return verdict{result: ErrTryAgain, servfail: out.servfail, noServer: !out.got}
	}
	rcode := dns.RcodeSuccess
	for _, m := range out.replies {
		if m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0 {
			res.Name, res.Replies = n.fqdn, out.replies
			return verdict{}
		}
		if rcode == dns.RcodeSuccess {
			rcode = m.Rcode
		}
	}
	switch rcode {
	case dns.RcodeNameError:
		return verdict{result: ErrNotFound}
	case dns.RcodeServerFailure: // over TCP, where no other server is asked
		return verdict{result: ErrTryAgain, servfail: true}
	case dns.RcodeSuccess:
		return verdict{result: ErrNoData}
	}
	return verdict{result: ErrNoRecovery}
}
