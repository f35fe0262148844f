package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/engine/trace"
	lab "github.com/kubestep/kubestep/runtime/dns"
)

// reporter is the first of all plugins: it reports queries to the trace, and does the work of errors and log.
type reporter struct {
	next        plugin.Handler
	opts        *Options
	errors, log bool
}

// Name implements [plugin.Handler].
func (*reporter) Name() string { return "errors" }

// ServeDNS implements [plugin.Handler].
func (p *reporter) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	began := time.Now()
	state := request.Request{W: w, Req: r}
	seq, done := p.opts.Tracer.Serve(ctx, lab.Served{Actor: p.opts.Actor, Pod: p.opts.Pod, Client: client(w),
		TCP: state.Proto() == "tcp", Query: r})
	ctx = trace.WithCause(ctx, seq)
	at := &whereabouts{}
	rec := &recorder{ResponseWriter: w, at: at}
	rcode, err := plugin.NextOrFailure(p.Name(), p.next, context.WithValue(ctx, atKey{}, at), rec, r)
	answer, by := rec.answer()
	if answer == nil && !plugin.ClientWrite(rcode) {
		// The server will write this itself.
		answer = new(dns.Msg).SetRcode(r, rcode)
		by = at.get()
	}
	done(answer, by, err)
	if p.errors && err != nil {
		fmt.Fprintf(p.opts.Output, "[ERROR] plugin/errors: %d %s %s: %v\n", rcode, state.Name(), state.Type(), err)
	}
	if p.log {
		p.line(state, answer, time.Since(began))
	}
	return rcode, err
}

// line writes a line in the format of CoreDNS' log plugin.
func (p *reporter) line(state request.Request, answer *dns.Msg, took time.Duration) {
	rcode, flags, size := "-", "-", 0
	if answer != nil {
		rcode, size = dns.RcodeToString[answer.Rcode], answer.Len()
		flags = strings.Join(headerFlags(answer), ",")
	}
	fmt.Fprintf(p.opts.Output, "[INFO] %s - %d \"%s %s %s %s %d %t %d\" %s %s %d %.9fs\n", client(state.W), state.Req.Id,
		state.Type(), state.Class(), state.Name(), state.Proto(), state.Req.Len(), state.Do(), state.Size(), rcode, flags,
		size, took.Seconds())
}

func headerFlags(m *dns.Msg) []string {
	var flags []string
	for _, f := range []struct {
		set  bool
		name string
	}{{m.Response, "qr"}, {m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"},
		{m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"}} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	return flags
}

func client(w dns.ResponseWriter) netip.AddrPort {
	switch a := w.RemoteAddr().(type) {
	case *net.UDPAddr:
		return a.AddrPort()
	case *net.TCPAddr:
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// whereabouts is how far a query has got in the chain of plugins.
type whereabouts struct {
	mu     sync.Mutex
	plugin string
}

type atKey struct{}

func (a *whereabouts) get() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.plugin
}

func (a *whereabouts) set(plugin string) (before string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, a.plugin = a.plugin, plugin
	return before
}

// marker notes that a query is in a plugin.
type marker struct{ plugin.Handler }

// ServeDNS implements [plugin.Handler].
func (m marker) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	at, ok := ctx.Value(atKey{}).(*whereabouts)
	if !ok {
		return m.Handler.ServeDNS(ctx, w, r)
	}
	before := at.set(m.Name())
	rcode, err := m.Handler.ServeDNS(ctx, w, r)
	if err == nil && before != "" {
		at.set(before)
	}
	return rcode, err
}

// recorder keeps the answer and who gave it.
type recorder struct {
	dns.ResponseWriter
	at *whereabouts

	mu  sync.Mutex
	msg *dns.Msg
	by  string
}

// WriteMsg implements [dns.ResponseWriter].
func (r *recorder) WriteMsg(m *dns.Msg) error {
	r.mu.Lock()
	if r.msg == nil {
		r.msg, r.by = m.Copy(), r.at.get()
	}
	r.mu.Unlock()
	return r.ResponseWriter.WriteMsg(m)
}

func (r *recorder) answer() (*dns.Msg, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.msg, r.by
}
