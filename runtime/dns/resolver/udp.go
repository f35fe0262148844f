package resolver

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/miekg/dns"
)

// udp asks over UDP, all questions at once from one socket unless that was found not to work: send_dg.
func (a *asking) udp(ctx context.Context) outcome {
	for {
		s := &socket{asking: a, serial: len(a.questions) > 1 && (a.single || a.reopen)}
		lost := s.run(ctx)
		s.close()
		switch {
		case !lost:
			return s.out
		// One answer came and not the other. Some servers, and some connection tracking, lose one of two packets from the
		// same port: for the rest of this lookup ask one after the other, and if that fails too, from different ports.
		case !a.single && !a.reopen:
			a.single = true
		case !a.reopen:
			a.reopen = true
		default:
			return s.out // what there is must do
		}
	}
}

// socket is one try to get all answers of one server over UDP.
type socket struct {
	*asking
	serial bool // ask the next question when the one before is answered
	conn   net.Conn
	shut   func()
	out    outcome
	// timedOut is set when the server had its time.
	timedOut bool
}

// run asks and waits. The outcome is in s.out; lost means that one of two answers did not come.
func (s *socket) run(ctx context.Context) (lost bool) {
	batch := s.questions
	if s.serial {
		batch = batch[:1]
	}
	if !s.put(ctx, batch) {
		return false
	}
	for answered := 1; ; answered++ {
		m, ok := s.get(ctx)
		if !ok {
			return s.timedOut && len(s.out.replies) > 0
		}
		if !s.out.heard {
			s.out.heard, s.out.servfail = true, m.Rcode == dns.RcodeServerFailure
		}
		switch {
		case m.Rcode == dns.RcodeFormatError && s.cfg.EDNS0:
			return false
		case rejected(m) && (len(s.out.replies) > 0 || s.serial):
			return false // the other question's answer will do, if there is one
		case rejected(m): // the other answer may be better
		case m.Truncated:
			s.out.replies, s.out.truncated = nil, true
			return false
		default:
			s.out.replies = append(s.out.replies, m)
		}
		if answered == len(s.questions) {
			return false
		}
		if s.serial {
			if s.reopen {
				s.close()
			}
			if !s.put(ctx, s.questions[answered:answered+1]) {
				return false
			}
		}
	}
}

// put sends questions: all are shown to the observer before the first is sent, because glibc sends them in one system
// call.
func (s *socket) put(ctx context.Context, batch []*question) (ok bool) {
	for _, q := range batch {
		if s.out.err = s.ask(ctx, q, false); s.out.err != nil {
			return false
		}
	}
	if s.conn == nil {
		var err error
		if s.conn, s.shut, err = s.dial(ctx, "udp"); err != nil {
			s.broken(ctx, err)
			return false
		}
	}
	for _, q := range batch {
		q.sent = s.r.now()
		if _, err := s.conn.Write(q.wire); err != nil {
			s.broken(ctx, err)
			return false
		}
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(s.timeout())); err != nil {
		s.broken(ctx, err)
		return false
	}
	return true
}

// get waits for an answer.
func (s *socket) get(ctx context.Context) (m *dns.Msg, ok bool) {
	m, q, err := s.read(s.conn)
	switch {
	case err == nil:
		s.out.got = true
		q.done = true
		s.answer(q, Reply{Message: m})
		return m, true
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.out.got, s.timedOut = true, true
		s.broken(ctx, ErrTimeout)
	default:
		s.out.replies = nil // another server is asked both
		s.broken(ctx, err)
	}
	return nil, false
}

// broken ends what is open: nothing more comes from this socket.
func (s *socket) broken(ctx context.Context, err error) {
	if s.out.err = ctx.Err(); s.out.err != nil {
		err = s.out.err
	}
	s.fail(err)
}

func (s *socket) close() {
	if s.conn != nil {
		s.shut()
		s.conn = nil
	}
}
