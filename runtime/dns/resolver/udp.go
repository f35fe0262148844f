package resolver

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/miekg/dns"
)

// udp asks over UDP, all questions at once from one socket unless that was found not to work: send_dg.
func (a *asking) udp(ctx context.Context) outcome {
	for {
		u := &datagrams{asking: a, serial: len(a.questions) > 1 && (a.single || a.reopen)}
		lost := u.run(ctx)
		if !u.keep {
			a.closeSockets()
		}
		switch {
		case !lost:
			return u.out
		// One answer came and not the other. Some servers, and some connection tracking, lose one of two packets from the
		// same port: for the rest of this lookup ask one after the other, and if that fails too, from different ports.
		case !a.single && !a.reopen:
			a.single = true
		case !a.reopen:
			a.reopen = true
			a.closeSockets()
		default:
			return u.out // what there is must do
		}
	}
}

// datagrams is one try to get all answers of one server over UDP.
type datagrams struct {
	*asking
	serial   bool // ask the next question when the one before is answered
	timedOut bool // the server had its time
	keep     bool // ask it again from the same socket
	out      outcome
}

// run asks and waits. The outcome is in u.out; lost means that one of two answers did not come.
func (u *datagrams) run(ctx context.Context) (lost bool) {
	batch := u.questions
	if u.serial {
		batch = batch[:1]
	}
	if !u.put(ctx, batch) {
		return false
	}
	for answered := 1; ; answered++ {
		m, ok := u.get(ctx)
		if !ok {
			return u.timedOut && len(u.out.replies) > 0
		}
		if !u.out.heard {
			u.out.heard, u.out.servfail = true, m.Rcode == dns.RcodeServerFailure
		}
		switch {
		case m.Rcode == dns.RcodeFormatError && u.cfg.EDNS0:
			return false
		case u.rejected(m) && (answered == len(u.questions) || u.serial):
			u.keep = len(u.questions) > 1 && answered > 1
			return false // the other question's answer will do, if there is one
		case u.rejected(m): // the other answer may be better
		case m.Truncated:
			u.out.replies, u.out.truncated = nil, true
			return false
		default:
			u.out.replies = append(u.out.replies, m)
		}
		if answered == len(u.questions) {
			return false
		}
		if u.serial {
			if u.reopen {
				u.closeSockets()
			}
			if !u.put(ctx, u.questions[answered:answered+1]) {
				return false
			}
		}
	}
}

// put sends questions: all are shown to the observer before the first is sent, because glibc sends them in one system
// call.
func (u *datagrams) put(ctx context.Context, batch []*question) (ok bool) {
	for _, q := range batch {
		if u.out.err = u.ask(ctx, q, false); u.out.err != nil {
			return false
		}
	}
	s := u.sockets[u.at]
	if s == nil {
		var err error
		if s, err = u.dial(ctx, "udp"); err != nil {
			u.broken(ctx, err)
			return false
		}
		u.sockets[u.at] = s
	}
	for _, q := range batch {
		q.sent = u.r.now()
		if _, err := s.Write(q.wire); err != nil {
			u.broken(ctx, err)
			return false
		}
	}
	if err := s.SetReadDeadline(time.Now().Add(u.timeout())); err != nil {
		u.broken(ctx, err)
		return false
	}
	return true
}

// get waits for an answer.
func (u *datagrams) get(ctx context.Context) (m *dns.Msg, ok bool) {
	m, q, err := u.read(u.sockets[u.at])
	switch {
	case err == nil:
		u.out.got = true
		q.done = true
		u.answer(q, Reply{Message: m})
		return m, true
	case errors.Is(err, os.ErrDeadlineExceeded):
		u.out.got, u.timedOut, u.keep = true, true, true
		u.broken(ctx, ErrTimeout)
	default:
		u.out.replies = nil // another server is asked both
		u.broken(ctx, err)
	}
	return nil, false
}

// broken ends what is open: nothing more comes from this socket.
func (u *datagrams) broken(ctx context.Context, err error) {
	if u.out.err = ctx.Err(); u.out.err != nil {
		err = u.out.err
	}
	u.fail(err)
}
