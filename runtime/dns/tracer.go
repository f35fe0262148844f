package dns

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// Tracer reports the DNS queries of one lab. A query at the server is caused, exactly, by the resolver's event: they find
// each other by the message's ID and question. A nil Tracer reports nothing. It is safe for concurrent use.
type Tracer struct {
	tap *trace.Tap

	mu    sync.Mutex
	asked map[question]*exchange // queries without an answer yet
}

// exchange is the events of one query.
type exchange struct{ ask, serve uint64 }

type question struct {
	id    uint16
	name  string
	qtype uint16
}

// NewTracer returns a tracer that reports to tap, nil when there is no tap.
func NewTracer(tap *trace.Tap) *Tracer {
	if tap == nil {
		return nil
	}
	return &Tracer{tap: tap, asked: map[question]*exchange{}}
}

// Observer returns what reports the queries of one program's resolver, with verb "ask". actor is the program as a learner
// knows it, "pod default/client". The gate may hold a query before it is sent; no time-out runs then. It returns nil for
// a nil Tracer.
func (t *Tracer) Observer(actor string, pod trace.Object) resolver.Observer {
	if t == nil {
		return nil
	}
	return &observer{t: t, actor: actor, pod: pod}
}

type observer struct {
	t     *Tracer
	actor string
	pod   trace.Object
}

// Ask implements [resolver.Observer].
func (o *observer) Ask(ctx context.Context, q resolver.Query) (func(resolver.Reply), error) {
	d := trace.DNSDetail{
		Host: q.Host, Lookup: q.Lookup, Name: q.Name, Type: dns.TypeToString[q.Type], ID: q.ID, SearchIndex: q.Index, SearchDomain: q.Domain,
		Search: q.Search, Ndots: q.Ndots, Server: q.Server, Transport: transport(q.TCP), Attempt: q.Attempt,
	}
	begun := d
	span, err := o.t.tap.Begin(ctx, trace.Event{Kind: trace.DNSQuery, Actor: o.actor, Verb: "ask", Object: o.pod,
		Detail: &begun})
	if err != nil {
		return nil, err
	}
	key := question{q.ID, strings.ToLower(q.Name), q.Type}
	o.t.mu.Lock()
	mine := &exchange{ask: span.Seq()}
	o.t.asked[key] = mine
	o.t.mu.Unlock()
	return func(r resolver.Reply) {
		o.t.mu.Lock()
		if o.t.asked[key] == mine {
			delete(o.t.asked, key)
		}
		o.t.mu.Unlock()
		err := r.Err
		if errors.Is(err, resolver.ErrAbandoned) {
			err = nil // the program has what it wanted
		}
		span.End(err, func(e *trace.Event) {
			done := d
			done.RTTMs = milliseconds(r.RTT)
			fill(&done, r.Message)
			e.Detail = &done
		})
	}, nil
}

// Served is one query at a server.
type Served struct {
	Actor  string // "coredns"
	Pod    trace.Object
	Client netip.AddrPort
	TCP    bool
	Query  *dns.Msg // with one question
}

// Serve reports, with verb "serve", that a server has got a query. done reports its answer, which may be nil, and the
// plugin that gave it. Queries are not held here: the client's time-out is running.
func (t *Tracer) Serve(ctx context.Context, s Served) (seq uint64, done func(answer *dns.Msg, plugin string, err error)) {
	if t == nil {
		return 0, func(*dns.Msg, string, error) {}
	}
	q := s.Query.Question[0]
	d := trace.DNSDetail{Name: q.Name, Type: dns.TypeToString[q.Qtype], ID: s.Query.Id, Client: s.Client,
		Transport: transport(s.TCP)}
	e := trace.Event{Kind: trace.DNSQuery, Actor: s.Actor, Verb: "serve", Object: s.Pod, Detail: &d}
	t.mu.Lock()
	of := t.asked[question{s.Query.Id, strings.ToLower(q.Name), q.Qtype}]
	if of != nil {
		e.Cause, e.CauseLink = of.ask, trace.Exact
	}
	t.mu.Unlock()
	began := time.Now()
	seq = t.tap.Record(ctx, e)
	if of != nil {
		t.mu.Lock()
		of.serve = seq
		t.mu.Unlock()
	}
	return seq, func(answer *dns.Msg, plugin string, err error) {
		took := time.Since(began)
		t.tap.Amend(seq, func(e *trace.Event) {
			full := d
			full.Plugin = plugin
			fill(&full, answer)
			e.Detail, e.DurationMs = &full, milliseconds(took)
			if err != nil {
				e.Error = err.Error()
			}
		})
	}
}

// Message returns the event of whoever has sent a DNS message: of the resolver that asks, or of the server that answers.
// It is 0 for a message that nobody waits for, and for a nil Tracer.
func (t *Tracer) Message(raw []byte) (seq uint64) {
	m := new(dns.Msg)
	if t == nil || m.Unpack(raw) != nil && !m.Truncated || len(m.Question) != 1 {
		return 0
	}
	q := m.Question[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	switch of := t.asked[question{m.Id, strings.ToLower(q.Name), q.Qtype}]; {
	case of == nil:
		return 0
	case m.Response:
		return of.serve
	default:
		return of.ask
	}
}

// fill puts an answer into a detail.
func fill(d *trace.DNSDetail, m *dns.Msg) {
	if m == nil {
		return
	}
	d.Rcode, d.Truncated = dns.RcodeToString[m.Rcode], m.Truncated
	for _, rr := range m.Answer {
		d.Answers = append(d.Answers, strings.Join(strings.Fields(rr.String()), " "))
	}
}

func transport(tcp bool) string {
	if tcp {
		return "tcp"
	}
	return "udp"
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
