package resolver

import (
	"context"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Query is one question on its way to one server.
type Query struct {
	Host string // what the program looks for: "web"
	// Lookup is the same number in all questions of one look-up, and another one in the next.
	Lookup uint32
	Name   string // what is asked: "web.default.svc.cluster.local."
	Type   uint16 // dns.TypeA...
	ID     uint16
	// Index is the place of Domain in the search list from 1; 0 when the name is asked as it is.
	Index  int
	Domain string // "default.svc.cluster.local"; empty when the name is asked as it is
	// Search and Ndots are the configuration's.
	Search  []string
	Ndots   int
	Server  netip.AddrPort
	TCP     bool
	Attempt int // the round over all servers, from 1
}

// Reply is what came of a query. Exactly one of Message and Err is set.
type Reply struct {
	Message *dns.Msg
	Err     error         // [ErrTimeout], [ErrAbandoned], or the network's: connection refused
	RTT     time.Duration // from sending to this
}

// Observer sees queries. It must be safe for concurrent use.
type Observer interface {
	// Ask is called before q is sent. It may wait; when it returns an error, which ends the lookup, q is not sent. answered
	// is called once, with what came of q; it must not block.
	Ask(ctx context.Context, q Query) (answered func(Reply), err error)
}

// Try is a query with its reply.
type Try struct {
	Query
	Reply
}

// question is a query that is being asked of a server.
type question struct {
	qtype uint16
	id    uint16
	wire  []byte

	sent     time.Time
	query    Query
	answered func(Reply)
	done     bool // it has a reply, good or bad
}

// newMessage makes a query as glibc's res_mkquery and res_nopt do.
func newMessage(c *Config, name string, qtype, id uint16) *dns.Msg {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: id, RecursionDesired: true, AuthenticatedData: c.TrustAD}}
	m.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	if c.EDNS0 {
		m.SetEdns0(ednsBuffer, false)
	}
	return m
}

// ednsBuffer is RESOLV_EDNS_BUFFER_SIZE in resolv/resolv-internal.h.
const ednsBuffer = 1200
