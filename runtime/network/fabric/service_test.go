package fabric

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestProxy is a table of what a node's Service rules do with new connections; the node is node-1.
func TestProxy(t *testing.T) {
	ready := func(addr string) Endpoint {
		a := netip.MustParseAddrPort(addr)
		return Endpoint{Addr: a, Node: fmt.Sprintf("node-%d", a.Addr().As4()[2]), Ready: true, Serving: true}
	}
	ending := func(addr string) Endpoint {
		e := ready(addr)
		e.Ready, e.Terminating = false, true
		return e
	}
	notReady := func(addr string) Endpoint {
		e := ready(addr)
		e.Ready, e.Serving = false, false
		return e
	}
	service := func(edit func(s *Service), endpoints ...Endpoint) Service {
		s := Service{Name: "default/web", PortName: "http", Protocol: "tcp", Port: 80, ClusterIP: ip("10.96.0.10"),
			ExternalIPs: []netip.Addr{ip("203.0.113.7")}, NodePort: 30080, Endpoints: endpoints}
		if edit != nil {
			edit(&s)
		}
		return s
	}
	internalLocal := func(s *Service) { s.InternalLocal = true }
	externalLocal := func(s *Service) { s.ExternalLocal = true }
	const (
		pod     = "10.244.1.9"
		remote  = "10.244.2.9"
		outside = "192.168.50.100"
		node    = "192.168.50.11"
		vip     = "10.96.0.10:80"
		nodeIP  = "192.168.50.11:30080"
		ext     = "203.0.113.7:80"
	)
	here, there := "10.244.1.2:8080", "10.244.2.2:8080"
	balanced := func(s *Service) {
		s.LoadBalancerIPs = []netip.Addr{ip("203.0.113.8")}
		s.SourceRanges = []netip.Prefix{netip.MustParsePrefix("192.168.50.0/24")}
	}
	const lb = "203.0.113.8:80"
	for _, test := range []struct {
		name     string
		s        Service
		from, to string
		want     string // endpoints that may be chosen, with "masq" in front, or the refusal
	}{
		{"cluster IP", service(nil, ready(here), ready(there)), pod, vip, here + " " + there},
		{"cluster IP from the node", service(nil, ready(here)), node, vip, "masq " + here},
		{"cluster IP from outside", service(nil, ready(here)), outside, vip, "masq " + here},
		{"load balancer", service(balanced, ready(there)), outside, lb, "masq " + there},
		{"load balancer, not from there", service(balanced, ready(there)), pod, lb, "drop"},
		{"source ranges are not for other addresses", service(balanced, ready(there)), pod, ext, "masq " + there},
		{"hairpin", service(nil, ready("10.244.1.9:8080")), pod, vip, "masq 10.244.1.9:8080"},
		{"not ready", service(nil, notReady(here), ready(there)), pod, vip, there},
		{"none ready", service(nil, notReady(here)), pod, vip, "reject"},
		{"no endpoints", service(nil), pod, vip, "reject"},
		{"terminating is not used while others are ready", service(nil, ending(here), ready(there)), pod, vip, there},
		{"terminating is used when none is ready", service(nil, ending(here), notReady(there)), pod, vip, here},
		{"another port", service(nil, ready(here)), pod, "10.96.0.10:81", "reject"},
		{"nobody's cluster IP", service(nil, ready(here)), pod, "10.96.0.11:80", "drop"},
		{"pod IP", service(nil, ready(here)), pod, "10.244.2.2:8080", ""},
		{"internal local", service(internalLocal, ready(here), ready(there)), pod, vip, here},
		{"internal local, none here", service(internalLocal, ready(there)), pod, vip, "drop"},
		{"internal local, none at all", service(internalLocal), pod, vip, "reject"},
		{"internal local, terminating here", service(internalLocal, ending(here), ready(there)), pod, vip, here},
		{"node port", service(nil, ready(here), ready(there)), outside, nodeIP, "masq " + here + " " + there},
		{"node port from a pod", service(nil, ready(there)), pod, nodeIP, "masq " + there},
		{"another node's address", service(nil, ready(there)), outside, "192.168.50.12:30080", ""},
		{"external IP", service(nil, ready(here)), outside, ext, "masq " + here},
		{"external local", service(externalLocal, ready(here), ready(there)), outside, nodeIP, here},
		{"external local, none here", service(externalLocal, ready(there)), outside, nodeIP, "drop"},
		{"external local from a pod", service(externalLocal, ready(there)), pod, nodeIP, there},
		{"external local from a remote pod", service(externalLocal, ready(there)), remote, ext, there},
		{"external local from the node", service(externalLocal, ready(there)), node, nodeIP, "masq " + there},
		{"external local leaves the cluster IP alone", service(externalLocal, ready(there)), pod, vip, there},
		{"headless", service(func(s *Service) { s.ClusterIP, s.NodePort, s.ExternalIPs = netip.Addr{}, 0, nil }, ready(here)),
			pod, here, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t, Config{Seed: 7})
			l.services(test.s)
			n := l.nodes["node-1"]
			seen := map[string]bool{}
			for i := range 40 {
				to := netip.MustParseAddrPort(test.to)
				key := tuple{protoTCP, toIP4(ip(test.from)), toIP4(to.Addr()), uint16(40000 + i), to.Port()}
				done := make(chan string)
				l.f.change(func() {
					c := &conn{tuples: [2]tuple{key, key.inverse()}}
					v := n.proxy(c, test.from == node)
					got := ""
					switch {
					case v.action == proxyReject:
						got = "reject"
					case v.action == proxyDrop:
						got = "drop"
					case v.rule != "":
						got = addrPortOf(c.tuples[answer].src, c.tuples[answer].sp).String()
						if want := "default/web:http -> " + got; v.rule != want {
							t.Errorf("rule %q, want %q", v.rule, want)
						}
					}
					if c.masq {
						got = "masq " + got
					}
					done <- got
				})
				seen[<-done] = true
			}
			want := map[string]bool{}
			prefix := ""
			if rest, ok := strings.CutPrefix(test.want, "masq "); ok {
				prefix, test.want = "masq ", rest
			}
			for _, w := range append(strings.Fields(test.want), "")[:max(1, len(strings.Fields(test.want)))] {
				want[prefix+w] = true
			}
			if fmt.Sprint(seen) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", seen, want)
			}
		})
	}
}

func TestAffinity(t *testing.T) {
	l := newLab(t, Config{Seed: 3})
	for _, name := range []string{"a2", "b1", "b2"} {
		l.serve(l.pods[name].Namespace, name, 8080)
	}
	s := web("10.244.1.3:8080", "10.244.2.2:8080", "10.244.2.3:8080")
	s.Affinity = 300 * time.Millisecond
	l.services(s)
	first, err := l.get(l.pods["a1"].Namespace, "http://10.96.0.10/", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		l.mustGet(l.pods["a1"].Namespace, "http://10.96.0.10/", first)
	}
	// The endpoint goes away: the client gets another, and stays with that.
	var left []Endpoint
	for _, e := range s.Endpoints {
		if p := l.pods[strings.Fields(first)[0]]; e.Addr.Addr() != p.Addresses()[0] {
			left = append(left, e)
		}
	}
	s.Endpoints = left
	l.services(s)
	second, err := l.get(l.pods["a1"].Namespace, "http://10.96.0.10/", time.Second)
	if err != nil || second == first {
		t.Fatalf("got %q, %v after %q", second, err, first)
	}
	for range 5 {
		l.mustGet(l.pods["a1"].Namespace, "http://10.96.0.10/", second)
	}
}

// TestStoppedProxy checks that a node whose proxy is stopped goes on with its old rules, and catches up.
func TestStoppedProxy(t *testing.T) {
	l := newLab(t, Config{Seed: 3})
	l.serve(l.pods["a2"].Namespace, "a2", 8080)
	l.serve(l.pods["b1"].Namespace, "b1", 8080)
	l.services(web("10.244.1.3:8080"))
	n := l.nodes["node-1"]
	n.SetProxy(false)
	l.services(web("10.244.2.2:8080"))
	l.mustGet(l.pods["a1"].Namespace, "http://10.96.0.10/", "a2 to 10.244.1.2")
	l.mustGet(l.pods["b2"].Namespace, "http://10.96.0.10/", "b1 to 10.244.2.3")
	if got := n.Rules(); len(got) != 1 || got[0].Action != "to 10.244.1.3:8080" {
		t.Errorf("rules %v", got)
	}
	n.SetProxy(true)
	l.settle()
	l.mustGet(l.pods["a1"].Namespace, "http://10.96.0.10/", "b1 to 10.244.1.2")
	want := Rule{"default/web:http", "tcp 10.96.0.10:80", "to 10.244.2.2:8080"}
	if got := n.Rules(); len(got) != 1 || got[0] != want {
		t.Errorf("rules %v, want %v", got, want)
	}
}
