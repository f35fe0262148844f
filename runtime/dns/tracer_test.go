package dns_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/dns"
	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// gate holds queries about one name until it is told.
type gate struct {
	name    string
	held    chan struct{}
	release chan struct{}
}

func (g *gate) Admit(ctx context.Context, e *trace.Event) error {
	if d, ok := e.Detail.(*trace.DNSDetail); !ok || d.Name != g.name {
		return nil
	}
	close(g.held)
	select {
	case <-g.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func query(name string) resolver.Query {
	return resolver.Query{Host: "web", Name: name, Type: mdns.TypeA, ID: 7, Index: 1, Domain: "default.svc.cluster.local",
		Ndots: 5, Server: netip.MustParseAddrPort("10.96.0.10:53"), Attempt: 1}
}

func TestTracer(t *testing.T) {
	tap := trace.NewTap(trace.NewStore(trace.Limits{}), nil)
	tracer := dns.NewTracer(tap)
	pod := trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "client"}
	const name = "web.default.svc.cluster.local."
	cause := tap.Record(t.Context(), trace.Event{Actor: "client", Kind: trace.CRICall, Verb: "Exec", Root: true})

	answered, err := tracer.Observer("pod default/client", pod).Ask(trace.WithCause(t.Context(), cause), query(name))
	if err != nil {
		t.Fatal(err)
	}
	m := new(mdns.Msg).SetQuestion("WEB.default.svc.cluster.local.", mdns.TypeA)
	m.Id = 7
	served := dns.Served{Actor: "coredns", Client: netip.MustParseAddrPort("10.244.0.3:40000"), Query: m}
	_, done := tracer.Serve(t.Context(), served)
	answer := new(mdns.Msg).SetReply(m)
	rr, err := mdns.NewRR(name + " 30 IN A 10.96.0.11")
	if err != nil {
		t.Fatal(err)
	}
	answer.Answer = []mdns.RR{rr}
	done(answer, "kubernetes", nil)
	answered(resolver.Reply{Message: answer})
	_, late := tracer.Serve(t.Context(), served) // somebody else's, with the same ID
	late(nil, "", errors.New("no answer"))

	events := tap.Store().Since(0).Events[1:]
	if len(events) != 3 {
		t.Fatalf("%d events, want 3", len(events))
	}
	asked, serve, stranger := events[0], events[1], events[2]
	if asked.Cause != cause || asked.CauseLink != trace.Exact || asked.Open || asked.Object != pod {
		t.Errorf("asked: %+v", asked)
	}
	d := asked.Detail.(*trace.DNSDetail)
	if d.Rcode != "NOERROR" || len(d.Answers) != 1 || d.Answers[0] != name+" 30 IN A 10.96.0.11" || d.SearchIndex != 1 {
		t.Errorf("asked: %+v", d)
	}
	if serve.Cause != asked.Seq || serve.CauseLink != trace.Exact || serve.Detail.(*trace.DNSDetail).Plugin != "kubernetes" {
		t.Errorf("served: %+v %+v", serve, serve.Detail)
	}
	if stranger.Cause == asked.Seq || stranger.Error != "no answer" {
		t.Errorf("a query whose answer has come caused another: %+v", stranger)
	}
}

func TestHeld(t *testing.T) {
	g := &gate{name: "held.", held: make(chan struct{}), release: make(chan struct{})}
	tap := trace.NewTap(trace.NewStore(trace.Limits{}), g)
	o := dns.NewTracer(tap).Observer("pod default/client", trace.Object{})
	asked := make(chan error, 1)
	go func() {
		_, err := o.Ask(t.Context(), query("held."))
		asked <- err
	}()
	<-g.held
	if _, last := tap.Store().Len(); last != 0 {
		t.Error("a held query is in the store")
	}
	close(g.release)
	if err := <-asked; err != nil {
		t.Error(err)
	}

	g.held, g.release = make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-g.held; cancel() }()
	if _, err := o.Ask(ctx, query("held.")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestNoTracer(t *testing.T) {
	tracer := dns.NewTracer(nil)
	if o := tracer.Observer("x", trace.Object{}); o != nil {
		t.Errorf("observer %v without a tracer", o)
	}
	_, done := tracer.Serve(t.Context(), dns.Served{Query: new(mdns.Msg).SetQuestion("x.", mdns.TypeA)})
	done(nil, "", nil)
}
