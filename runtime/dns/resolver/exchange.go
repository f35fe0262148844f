package resolver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

var (
	// ErrTimeout is that no answer came in time.
	ErrTimeout = errors.New("timed out")
	// ErrAbandoned is that nobody waited for the answer any more: the answer to the other question was enough, or no use.
	ErrAbandoned = errors.New("not waited for")
)

// lookup is the state of one lookup: what glibc keeps in res_state.
type lookup struct {
	r      *Resolver
	cfg    *Config
	host   string
	id     uint32 // of this look-up
	tries  []Try
	single bool // RES_SNGLKUP, set when a server does not answer two questions at once
	reopen bool // RES_SNGLKUPREOP
	offset int  // of the first server
	// sockets are open UDP sockets by server: a server that was silent is asked again from the same port.
	sockets map[int]*socket
}

// socket is a connection to a server.
type socket struct {
	net.Conn
	stop func() bool
}

// closeSockets is __res_iclose.
func (l *lookup) closeSockets() {
	for at, s := range l.sockets {
		s.stop()
		s.Close()
		delete(l.sockets, at)
	}
}

// name is one form of the host that is asked for.
type name struct {
	fqdn   string
	index  int
	domain string
}

// outcome is what one server has said.
type outcome struct {
	// replies are the usable ones, in the order in which they came; none of them means: try the next server.
	replies   []*dns.Msg
	truncated bool // ask again over TCP
	heard     bool // a message came
	servfail  bool // the first one was SERVFAIL
	got       bool // anything came, or time ran out; otherwise the server is not there
	err       error
}

// send asks the servers for all types of a name, until one of them answers: __res_context_send. The outcome's err is only
// set when ctx has ended or the observer refused.
func (l *lookup) send(ctx context.Context, n name, types []uint16) outcome {
	defer l.closeSockets()
	var questions []*question
	for _, t := range types {
		id := l.r.id()
		wire, err := newMessage(l.cfg, n.fqdn, t, id).Pack()
		if err != nil {
			return outcome{err: fmt.Errorf("ask for %q: %w", n.fqdn, err)}
		}
		questions = append(questions, &question{qtype: t, id: id, wire: wire})
	}
	var all outcome
	tcp := l.cfg.UseTCP
	servers := l.cfg.Servers
	for attempt := 1; attempt <= l.cfg.Attempts; attempt++ {
		for i := range servers {
			at := (i + l.offset) % len(servers)
			ask := &asking{lookup: l, name: n, at: at, server: servers[at], attempt: attempt, questions: questions}
			var one outcome
			if !tcp {
				one = ask.udp(ctx)
				ask.abandon()
				tcp = one.truncated
			}
			if tcp {
				attempt = l.cfg.Attempts // at most one attempt over TCP
				one = ask.tcp(ctx)
				ask.abandon()
			}
			all.got = all.got || one.got
			if one.heard {
				all.servfail = one.servfail
			}
			if len(one.replies) > 0 || one.err != nil {
				return one
			}
		}
	}
	return all
}

// asking is one server being asked.
type asking struct {
	*lookup
	name      name
	at        int // the server's index
	server    netip.AddrPort
	attempt   int
	questions []*question
}

// timeout is how long the server has: send_dg gives later servers longer, divided by their number.
func (a *asking) timeout() time.Duration {
	s := int(a.cfg.Timeout/time.Second) << a.at
	if a.at > 0 {
		s /= len(a.cfg.Servers)
	}
	return time.Duration(max(s, 1)) * time.Second
}

// ask reports a question to the observer before it is sent.
func (a *asking) ask(ctx context.Context, q *question, tcp bool) error {
	if q.answered != nil {
		a.answer(q, Reply{Err: ErrTimeout}) // it is asked again
	}
	q.done = false
	q.query = Query{Host: a.host, Lookup: a.id, Name: a.name.fqdn, Type: q.qtype, ID: q.id, Index: a.name.index, Domain: a.name.domain,
		Search: a.cfg.Search, Ndots: a.cfg.Ndots, Server: a.server, TCP: tcp, Attempt: a.attempt}
	q.answered = func(Reply) {}
	if o := a.r.opts.Observer; o != nil {
		answered, err := o.Ask(ctx, q.query)
		if err != nil {
			q.answered = nil
			return err
		}
		q.answered = answered
	}
	q.sent = a.r.now()
	return ctx.Err()
}

// answer ends a question.
func (a *asking) answer(q *question, r Reply) {
	if q.answered == nil {
		return
	}
	r.RTT = a.r.now().Sub(q.sent)
	a.tries = append(a.tries, Try{q.query, r})
	q.answered(r)
	q.answered = nil
}

// fail ends all open questions with an error.
func (a *asking) fail(err error) {
	for _, q := range a.questions {
		a.answer(q, Reply{Err: err})
	}
}

func (a *asking) abandon() { a.fail(ErrAbandoned) }

// dial connects a socket to the server. The socket is closed when ctx ends, which wakes up who reads from it.
func (a *asking) dial(ctx context.Context, network string) (*socket, error) {
	c, err := a.r.opts.Dial(ctx, network, a.server.String())
	if err != nil {
		return nil, err
	}
	return &socket{Conn: c, stop: context.AfterFunc(ctx, func() { c.Close() })}, nil
}

// read returns the next message that answers an open question. What does not parse is an error, what belongs to no
// question is passed over.
func (a *asking) read(r io.Reader) (*dns.Msg, *question, error) {
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, err := r.Read(buf)
		if err != nil {
			return nil, nil, err
		}
		m := new(dns.Msg)
		if err := m.Unpack(buf[:n]); err != nil && !m.Truncated {
			return nil, nil, fmt.Errorf("read the answer of %v: %w", a.server, err)
		}
		if q := a.match(m); q != nil {
			return m, q, nil
		}
	}
}

func (a *asking) match(m *dns.Msg) *question {
	for _, q := range a.questions {
		if q.done || q.answered == nil || q.id != m.Id || !m.Response {
			continue
		}
		if len(m.Question) == 0 && m.Rcode == dns.RcodeFormatError {
			return q
		}
		if len(m.Question) == 1 && m.Question[0].Qtype == q.qtype && strings.EqualFold(m.Question[0].Name, a.name.fqdn) {
			return q
		}
	}
	return nil
}

// rejected reports whether a server's answer makes the next server be asked: what send_dg calls rejected, or referred.
func (a *asking) rejected(m *dns.Msg) bool {
	if a.cfg.AnyAnswer {
		return false
	}
	switch m.Rcode {
	case dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
		return true
	case dns.RcodeSuccess:
		return len(m.Answer) == 0 && !m.Authoritative && !m.RecursionAvailable && len(m.Extra) == 0
	}
	return false
}

// tcp asks all questions over one TCP connection: send_vc. It has no time-out of its own, as in glibc.
func (a *asking) tcp(ctx context.Context) outcome {
	var out outcome
	fail := func(err error) outcome {
		a.fail(err)
		return outcome{err: ctx.Err(), got: !errors.Is(err, syscall.ECONNREFUSED)}
	}
	for _, q := range a.questions {
		if out.err = a.ask(ctx, q, true); out.err != nil {
			return out
		}
	}
	c, err := a.dial(ctx, "tcp")
	if err != nil {
		return fail(err)
	}
	defer c.Close()
	defer c.stop()
	var wire []byte
	for _, q := range a.questions {
		wire = append(binary.BigEndian.AppendUint16(wire, uint16(len(q.wire))), q.wire...)
	}
	if _, err := c.Write(wire); err != nil {
		return fail(err)
	}
	for len(out.replies) < len(a.questions) {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return fail(err)
		}
		body := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, body); err != nil {
			return fail(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(body); err != nil {
			return fail(fmt.Errorf("read the answer of %v: %w", a.server, err))
		}
		if q := a.match(m); q != nil {
			a.answer(q, Reply{Message: m})
			q.done = true
			out.got = true
			out.replies = append(out.replies, m)
		}
	}
	return out
}
