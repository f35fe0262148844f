package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// podConf is the resolv.conf of a Pod with dnsPolicy ClusterFirst in namespace default.
const podConf = "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"

func files(resolvConf string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		switch name {
		case "/etc/resolv.conf":
			return []byte(resolvConf), nil
		case "/etc/hosts":
			return []byte("127.0.0.1\tlocalhost\n10.244.1.2\tclient.default.pod client # the Pod\nbad line\n"), nil
		}
		return nil, fs.ErrNotExist
	}
}

// transcript writes what was asked: a line for each name, server and socket, with the types in their order.
func transcript(log []asked) []string {
	var lines []string
	var last string
	for _, a := range log {
		head := a.name
		if a.server != netip.MustParseAddr("10.96.0.10") {
			head = "@" + a.server.String() + " " + head
		}
		if a.tcp {
			head += " tcp"
		}
		if a.edns {
			head += " edns"
		}
		key := fmt.Sprint(head, a.port)
		if key == last {
			lines[len(lines)-1] += " " + dns.TypeToString[a.qtype]
		} else {
			lines = append(lines, head+" "+dns.TypeToString[a.qtype])
		}
		last = key
	}
	return lines
}

// both is each server answering in its own way.
func both(by map[string]answerer) answerer {
	return func(server netip.Addr, q *dns.Msg, tcp bool) *dns.Msg { return by[server.String()](server, q, tcp) }
}

func TestResolve(t *testing.T) {
	cluster := zone(
		"web.default.svc.cluster.local. 30 IN A 10.96.0.11",
		"web.shop.svc.cluster.local. 30 IN A 10.96.0.12",
		"web-0.web.default.svc.cluster.local. 30 IN A 10.244.1.5",
		"example.com. 300 IN A 192.0.2.10",
	)
	ndots1 := strings.Replace(podConf, "ndots:5", "ndots:1", 1)
	two := "nameserver 10.96.0.10\nnameserver 10.0.0.2\nsearch a.test b.test\n"
	for _, tt := range []struct {
		name, conf, host string
		answer           answerer
		refuse           string
		want             []string
		addresses        string
		err              error
		took             time.Duration
	}{
		{name: "short name", host: "web", want: []string{"web.default.svc.cluster.local. A AAAA"}, addresses: "10.96.0.11"},
		{name: "name and namespace", host: "web.shop", want: []string{
			"web.shop.default.svc.cluster.local. A AAAA",
			"web.shop.svc.cluster.local. A AAAA",
		}, addresses: "10.96.0.12"},
		{name: "name, namespace, svc", host: "web.shop.svc", want: []string{
			"web.shop.svc.default.svc.cluster.local. A AAAA",
			"web.shop.svc.svc.cluster.local. A AAAA",
			"web.shop.svc.cluster.local. A AAAA",
		}, addresses: "10.96.0.12"},
		{name: "full name, four dots", host: "web.default.svc.cluster.local", want: []string{
			"web.default.svc.cluster.local.default.svc.cluster.local. A AAAA",
			"web.default.svc.cluster.local.svc.cluster.local. A AAAA",
			"web.default.svc.cluster.local.cluster.local. A AAAA",
			"web.default.svc.cluster.local. A AAAA",
		}, addresses: "10.96.0.11"},
		{name: "full name of a Pod, five dots", host: "web-0.web.default.svc.cluster.local",
			want: []string{"web-0.web.default.svc.cluster.local. A AAAA"}, addresses: "10.244.1.5"},
		{name: "full name of a Pod, final dot", host: "web-0.web.default.svc.cluster.local.",
			want: []string{"web-0.web.default.svc.cluster.local. A AAAA"}, addresses: "10.244.1.5"},
		{name: "five dots do not rule the search list out", host: "nope.web.default.svc.cluster.local", want: []string{
			"nope.web.default.svc.cluster.local. A AAAA",
			"nope.web.default.svc.cluster.local.default.svc.cluster.local. A AAAA",
			"nope.web.default.svc.cluster.local.svc.cluster.local. A AAAA",
			"nope.web.default.svc.cluster.local.cluster.local. A AAAA",
		}, err: resolver.ErrNotFound},
		{name: "external name", host: "example.com", want: []string{
			"example.com.default.svc.cluster.local. A AAAA",
			"example.com.svc.cluster.local. A AAAA",
			"example.com.cluster.local. A AAAA",
			"example.com. A AAAA",
		}, addresses: "192.0.2.10"},
		{name: "external name, ndots 1", host: "example.com", conf: ndots1, want: []string{"example.com. A AAAA"},
			addresses: "192.0.2.10"},
		{name: "external name, final dot", host: "example.com.", want: []string{"example.com. A AAAA"},
			addresses: "192.0.2.10"},
		{name: "missing name, final dot", host: "nope.", want: []string{"nope. A AAAA"}, err: resolver.ErrNotFound},
		{name: "missing short name", host: "nope", want: []string{
			"nope.default.svc.cluster.local. A AAAA", "nope.svc.cluster.local. A AAAA", "nope.cluster.local. A AAAA",
			"nope. A AAAA",
		}, err: resolver.ErrNotFound},
		{name: "no-tld-query", host: "nope", conf: podConf + "options no-tld-query\n", want: []string{
			"nope.default.svc.cluster.local. A AAAA", "nope.svc.cluster.local. A AAAA", "nope.cluster.local. A AAAA",
		}, err: resolver.ErrNotFound},
		{name: "the root in the search list", host: "x", conf: "nameserver 10.96.0.10\nsearch a.test .\n",
			want: []string{"x.a.test. A AAAA", "x. A AAAA"}, err: resolver.ErrNotFound},
		{name: "no aaaa", host: "web", conf: podConf + "options no-aaaa\n",
			want: []string{"web.default.svc.cluster.local. A"}, addresses: "10.96.0.11"},
		{name: "edns0", host: "web", conf: podConf + "options edns0\n",
			want: []string{"web.default.svc.cluster.local. edns A AAAA"}, addresses: "10.96.0.11"},
		{name: "single-request asks from one port", host: "web", conf: podConf + "options single-request\n",
			want: []string{"web.default.svc.cluster.local. A AAAA"}, addresses: "10.96.0.11"},
		{name: "single-request-reopen asks from two", host: "web", conf: podConf + "options single-request-reopen\n",
			want: []string{"web.default.svc.cluster.local. A", "web.default.svc.cluster.local. AAAA"}, addresses: "10.96.0.11"},
		{name: "use-vc", host: "web", conf: podConf + "options use-vc\n",
			want: []string{"web.default.svc.cluster.local. tcp A AAAA"}, addresses: "10.96.0.11"},

		{name: "no data goes on", host: "web", answer: zone("web.default.svc.cluster.local. 30 IN TXT x",
			"web.svc.cluster.local. 30 IN A 10.96.0.13"), want: []string{
			"web.default.svc.cluster.local. A AAAA", "web.svc.cluster.local. A AAAA",
		}, addresses: "10.96.0.13"},
		{name: "no data is what is said at the end", host: "web", answer: zone("web.default.svc.cluster.local. 30 IN TXT x"),
			want: []string{
				"web.default.svc.cluster.local. A AAAA", "web.svc.cluster.local. A AAAA", "web.cluster.local. A AAAA",
				"web. A AAAA",
			}, err: resolver.ErrNoData},
		{name: "server failure: again, then on", host: "x", conf: "nameserver 10.96.0.10\nsearch a.test b.test\n",
			answer: rcode(dns.RcodeServerFailure), want: []string{
				"x.a.test. A AAAA A AAAA", "x.b.test. A AAAA A AAAA", "x. A AAAA A AAAA",
			}, err: resolver.ErrTryAgain},
		{name: "refused: again, then as it is", host: "x", conf: "nameserver 10.96.0.10\nsearch a.test b.test\n",
			answer: rcode(dns.RcodeRefused), want: []string{
				"x.a.test. A AAAA A AAAA", "x. A AAAA A AAAA",
			}, err: resolver.ErrTryAgain},
		{name: "server failure: the second server", host: "x", conf: two, answer: both(map[string]answerer{
			"10.96.0.10": rcode(dns.RcodeServerFailure), "10.0.0.2": zone("x.a.test. 1 IN A 10.0.0.9"),
		}), want: []string{"x.a.test. A AAAA", "@10.0.0.2 x.a.test. A AAAA"}, addresses: "10.0.0.9"},
		{name: "one answer is enough", host: "x", conf: two, answer: func(_ netip.Addr, q *dns.Msg, _ bool) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeAAAA {
				return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			}
			return zone("x.a.test. 1 IN A 10.0.0.9")(netip.Addr{}, q, false)
		}, want: []string{"x.a.test. A AAAA"}, addresses: "10.0.0.9"},

		{name: "silence", host: "x", conf: "nameserver 10.96.0.10\nsearch a.test b.test\n", answer: silent, want: []string{
			"x.a.test. A AAAA A AAAA", "x. A AAAA A AAAA",
		}, err: resolver.ErrTryAgain, took: 20 * time.Second},
		{name: "silence: the second server", host: "x", conf: two, answer: both(map[string]answerer{
			"10.96.0.10": silent, "10.0.0.2": zone("x.a.test. 1 IN A 10.0.0.9"),
		}), want: []string{"x.a.test. A AAAA", "@10.0.0.2 x.a.test. A AAAA"}, addresses: "10.0.0.9", took: 5 * time.Second},
		{name: "silence: time-out and attempts", host: "x.", conf: two + "options timeout:2 attempts:3\n", answer: silent,
			want: []string{"x. A AAAA", "@10.0.0.2 x. A AAAA", "x. A AAAA", "@10.0.0.2 x. A AAAA", "x. A AAAA",
				"@10.0.0.2 x. A AAAA"}, err: resolver.ErrTryAgain, took: 12 * time.Second},
		{name: "one of two answers is lost", host: "x.", conf: "nameserver 10.96.0.10\n", answer: lose(1),
			want: []string{"x. A AAAA A AAAA"}, addresses: "10.0.0.9", took: 5 * time.Second},
		{name: "one of two answers is lost twice", host: "x.", conf: "nameserver 10.96.0.10\n", answer: lose(2),
			want: []string{"x. A AAAA A AAAA", "x. A", "x. AAAA"}, addresses: "10.0.0.9", took: 10 * time.Second},
		{name: "one of two answers is always lost", host: "x.", conf: "nameserver 10.96.0.10\n", answer: lose(9),
			want: []string{"x. A AAAA A AAAA", "x. A", "x. AAAA"}, addresses: "10.0.0.9", took: 15 * time.Second},

		{name: "no server there", host: "x", conf: "nameserver 10.96.0.10\nsearch a.test b.test\n", answer: silent,
			refuse: "10.96.0.10", want: nil, err: resolver.ErrTryAgain},
		{name: "no server there: the second one", host: "x", conf: two, refuse: "10.96.0.10",
			answer: zone("x.a.test. 1 IN A 10.0.0.9"), want: []string{"@10.0.0.2 x.a.test. A AAAA"}, addresses: "10.0.0.9"},
		{name: "truncated", host: "x", conf: "nameserver 10.96.0.10\nsearch a.test b.test\n",
			answer: func(s netip.Addr, q *dns.Msg, tcp bool) *dns.Msg {
				m := zone("x.a.test. 1 IN A 10.0.0.9")(s, q, tcp)
				m.Truncated = !tcp
				return m
			}, want: []string{"x.a.test. A AAAA", "x.a.test. tcp A AAAA"}, addresses: "10.0.0.9"},
		{name: "alias", host: "www.test.", answer: func(_ netip.Addr, q *dns.Msg, _ bool) *dns.Msg {
			m := new(dns.Msg).SetReply(q)
			for _, r := range []string{"www.test. 1 IN CNAME a.test.", "other.test. 1 IN A 10.0.0.1", "a.test. 1 IN A 10.0.0.2"} {
				rr, _ := dns.NewRR(r)
				m.Answer = append(m.Answer, rr)
			}
			return m
		}, want: []string{"www.test. A AAAA"}, addresses: "10.0.0.2 10.0.0.2"},
		{name: "alias to nothing", host: "www.test.", answer: zone("www.test. 1 IN CNAME gone.test."),
			want: []string{"www.test. A AAAA"}, err: resolver.ErrNoData},

		{name: "hosts", host: "Client", addresses: "10.244.1.2"},
		{name: "localhost", host: "localhost", addresses: "127.0.0.1"},
		{name: "address", host: "10.1.2.3", addresses: "10.1.2.3"},
		{name: "no name", host: strings.Repeat("x", 64), err: resolver.ErrNoRecovery},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, answer: tt.answer, refuse: map[netip.Addr]bool{}}
				if w.answer == nil {
					w.answer = cluster
				}
				if tt.refuse != "" {
					w.refuse[netip.MustParseAddr(tt.refuse)] = true
				}
				if tt.conf == "" {
					tt.conf = podConf
				}
				r := resolver.New(resolver.Options{ReadFile: files(tt.conf), Dial: w.dial})
				began := time.Now()
				got, err := r.Resolve(t.Context(), tt.host)
				if !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if a := strings.Trim(fmt.Sprint(got), "[]"); a != tt.addresses {
					t.Errorf("addresses %q, want %q", a, tt.addresses)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if log := transcript(w.asked()); !slices.Equal(log, tt.want) {
					t.Errorf("asked\n  %s\nwant\n  %s", strings.Join(log, "\n  "), strings.Join(tt.want, "\n  "))
				}
			})
		})
	}
}

// lose answers A, and AAAA only from the time on when it was asked for more often than n times.
func lose(n int) answerer {
	var mu sync.Mutex
	return func(s netip.Addr, q *dns.Msg, tcp bool) *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		if q.Question[0].Qtype == dns.TypeAAAA {
			if n > 0 {
				n--
				return nil
			}
		}
		return zone("x. 1 IN A 10.0.0.9")(s, q, tcp)
	}
}

// observer notes queries and may hold or refuse them.
type observer struct {
	mu      sync.Mutex
	queries []resolver.Query
	replies []resolver.Reply
	hold    func() error
}

func (o *observer) Ask(_ context.Context, q resolver.Query) (func(resolver.Reply), error) {
	if o.hold != nil {
		if err := o.hold(); err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queries = append(o.queries, q)
	return func(r resolver.Reply) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.replies = append(o.replies, r)
	}, nil
}

func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: zone("web.svc.cluster.local. 30 IN A 10.96.0.11")}
		o := &observer{}
		r := resolver.New(resolver.Options{ReadFile: files(podConf), Dial: w.dial, Observer: o})
		if _, err := r.Resolve(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		if len(o.queries) != 4 || len(o.replies) != 4 {
			t.Fatalf("%d queries, %d replies, want 4 of each", len(o.queries), len(o.replies))
		}
		q := o.queries[2]
		want := resolver.Query{Host: "web", Lookup: q.Lookup, Name: "web.svc.cluster.local.", Type: dns.TypeA, ID: q.ID, Index: 2,
			Domain: "svc.cluster.local", Ndots: 5, Server: netip.MustParseAddrPort("10.96.0.10:53"), Attempt: 1}
		want.Search, q.Search = nil, nil
		if fmt.Sprint(q) != fmt.Sprint(want) {
			t.Errorf("query %+v, want %+v", q, want)
		}
		if m := o.replies[0].Message; m == nil || m.Rcode != dns.RcodeNameError {
			t.Errorf("first reply %+v, want NXDOMAIN", o.replies[0])
		}
	})
}

// TestHeldQuery holds each query for a minute: no time-out runs meanwhile, and nothing is asked twice.
func TestHeldQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: zone("web.default.svc.cluster.local. 30 IN A 10.96.0.11")}
		o := &observer{hold: func() error { time.Sleep(time.Minute); return nil }}
		r := resolver.New(resolver.Options{ReadFile: files(podConf), Dial: w.dial, Observer: o})
		if _, err := r.Resolve(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		if got := len(w.asked()); got != 2 {
			t.Errorf("%d queries, want 2", got)
		}
	})
}

func TestRefusedQueryIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		w := &world{t: t, answer: silent}
		r := resolver.New(resolver.Options{ReadFile: files(podConf), Dial: w.dial,
			Observer: &observer{hold: func() error { return refused }}})
		if _, err := r.Resolve(t.Context(), "web"); !errors.Is(err, refused) {
			t.Errorf("error %v, want the observer's", err)
		}
		if got := w.asked(); len(got) != 0 {
			t.Errorf("sent %v", got)
		}
	})
}

// TestCancel ends a lookup that waits.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: silent}
		r := resolver.New(resolver.Options{ReadFile: files(podConf), Dial: w.dial})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := r.Resolve(ctx, "web")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("error %v after %v, want the deadline's after 1s", err, time.Since(began))
		}
		var temporary net.Error
		if errors.As(err, &temporary) && !temporary.Timeout() {
			t.Errorf("%v is no time-out", err)
		}
	})
}

func TestRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: zone("x. 1 IN A 10.0.0.9")}
		conf := "nameserver 10.96.0.10\nnameserver 10.0.0.2\noptions rotate\n"
		r := resolver.New(resolver.Options{ReadFile: files(conf), Dial: w.dial})
		first := map[netip.Addr]int{}
		for range 10 {
			before := len(w.asked())
			if _, err := r.Resolve(t.Context(), "x."); err != nil {
				t.Fatal(err)
			}
			first[w.asked()[before].server]++
		}
		if len(first) != 2 || first[netip.MustParseAddr("10.0.0.2")] != 5 {
			t.Errorf("servers were first %v, want 5 times each", first)
		}
	})
}

// TestForgedAnswers has answers that belong to no question: they are passed over.
func TestForgedAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		w.answer = func(_ netip.Addr, q *dns.Msg, _ bool) *dns.Msg {
			m := zone("x. 1 IN A 10.0.0.9")(netip.Addr{}, q, false)
			if q.Question[0].Qtype == dns.TypeA {
				m.Id++
			}
			return m
		}
		r := resolver.New(resolver.Options{ReadFile: files("nameserver 10.96.0.10\noptions attempts:1\n"), Dial: w.dial})
		if got, err := r.Resolve(t.Context(), "x."); !errors.Is(err, resolver.ErrTryAgain) {
			t.Errorf("%v, %v: an answer with a foreign ID was taken", got, err)
		}
	})
}
