package resolver_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// answerer answers a query; nil is silence.
type answerer func(server netip.Addr, q *dns.Msg, tcp bool) *dns.Msg

// asked notes what a server was asked.
type asked struct {
	server netip.Addr
	port   int // of the client, 0 over TCP
	name   string
	qtype  uint16
	tcp    bool
	edns   bool
}

// world is a network of DNS servers in memory.
type world struct {
	t      *testing.T
	answer answerer
	refuse map[netip.Addr]bool // no server at that address

	mu    sync.Mutex
	ports int
	log   []asked
}

func (w *world) asked() []asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log
}

func (w *world) note(a asked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, a)
}

// udpConn is a connected UDP socket.
type udpConn struct {
	net.Conn
	w  *world
	to netip.Addr
}

// message frames datagrams on a pipe's stream: the far end answers each one.
func (w *world) serve(far net.Conn, to netip.Addr, port int, tcp bool) {
	defer far.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	var writing sync.Mutex
	for {
		var size [2]byte
		if _, err := io.ReadFull(far, size[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(far, body); err != nil {
			return
		}
		q := new(dns.Msg)
		if err := q.Unpack(body); err != nil {
			w.t.Errorf("a query that does not parse: %v", err)
			return
		}
		w.note(asked{to, port, q.Question[0].Name, q.Question[0].Qtype, tcp, q.IsEdns0() != nil})
		a := w.answer(to, q, tcp)
		if a == nil {
			continue
		}
		out, err := a.Pack()
		if err != nil {
			w.t.Errorf("pack %v: %v", a, err)
			return
		}
		wg.Go(func() {
			writing.Lock()
			defer writing.Unlock()
			_, _ = far.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)) // the client may have gone
		})
	}
}

func (u *udpConn) Write(b []byte) (int, error) {
	if u.w.refuse[u.to] {
		return len(b), nil
	}
	_, err := u.Conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return len(b), err
}

func (u *udpConn) Read(b []byte) (int, error) {
	if u.w.refuse[u.to] {
		return 0, errRefused
	}
	var size [2]byte
	if _, err := io.ReadFull(u.Conn, size[:]); err != nil {
		return 0, err
	}
	return io.ReadFull(u.Conn, b[:binary.BigEndian.Uint16(size[:])])
}

var errRefused = &net.OpError{Op: "read", Net: "udp", Err: syscall.ECONNREFUSED}

// dial is the clients' [resolver.Options].Dial.
func (w *world) dial(_ context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil || to.Port() != 53 {
		w.t.Errorf("dial %s: %v", address, err)
	}
	if network == "tcp" && w.refuse[to.Addr()] {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	port := 0
	if network == "udp" {
		w.mu.Lock()
		w.ports++
		port = w.ports
		w.mu.Unlock()
	}
	go w.serve(far, to.Addr(), port, network == "tcp")
	if network == "tcp" {
		return near, nil
	}
	return &udpConn{Conn: near, w: w, to: to.Addr()}, nil
}

// zone answers as an authoritative server with these records does.
func zone(records ...string) answerer {
	return func(_ netip.Addr, q *dns.Msg, _ bool) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		m.Rcode = dns.RcodeNameError
		for _, r := range records {
			rr, err := dns.NewRR(r)
			if err != nil {
				panic(err)
			}
			if rr.Header().Name != q.Question[0].Name {
				continue
			}
			m.Rcode = dns.RcodeSuccess
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		return m
	}
}

// rcode answers everything with a code.
func rcode(code int) answerer {
	return func(_ netip.Addr, q *dns.Msg, _ bool) *dns.Msg { return new(dns.Msg).SetRcode(q, code) }
}

// silent answers nothing.
func silent(netip.Addr, *dns.Msg, bool) *dns.Msg { return nil }
