package fabric

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// echo answers datagrams on a port.
func (l *lab) echo(h *Namespace, port int) {
	l.t.Helper()
	c, err := h.ListenPacket(l.t.Context(), "udp", fmt.Sprintf(":%d", port))
	if err != nil {
		l.t.Fatal(err)
	}
	go func() {
		b := make([]byte, 65536)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo([]byte(strings.ToUpper(string(b[:n]))), from)
		}
	}()
	l.t.Cleanup(func() { _ = c.Close() })
}

// ask sends a datagram and waits for the answer, for d of virtual time.
func (l *lab) ask(h *Namespace, to, what string, d time.Duration) (string, error) {
	c, err := h.Dial(l.t.Context(), "udp", to)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(l.f.clock.Now().Add(d)); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte(what)); err != nil {
		return "", err
	}
	b := make([]byte, 65536)
	n, err := c.Read(b)
	return string(b[:n]), err
}

func (l *lab) probe(h *Namespace, p Probe) (ProbeReply, error) {
	ctx, cancel := l.f.clock.WithTimeout(l.t.Context(), 2*time.Second)
	defer cancel()
	return h.Probe(ctx, p)
}

// quiet waits until no packet is under way.
func (l *lab) quiet() {
	for before := ^uint64(0); ; {
		l.settle()
		s := l.f.Stats()
		if s.Waiting == 0 && s.Moved == before {
			return
		}
		before = s.Moved
	}
}

// TestHops compares what happens to packets, hop by hop, with testdata/hops. Run with -update after a change that is
// meant, and read the difference.
func TestHops(t *testing.T) {
	udpService := func(endpoints ...string) Service {
		s := web(endpoints...)
		s.Name, s.PortName, s.Protocol = "default/dns", "dns", "udp"
		return s
	}
	for _, test := range []struct {
		name string
		cfg  Config
		edit func(c *NodeConfig)
		// prepare runs before hops are written down, which it may use to fill ARP tables.
		prepare func(l *lab)
		do      func(l *lab) string
		arp     bool // keep ARP in the transcript
	}{
		{name: "same-node", arp: true, do: func(l *lab) string {
			return said(l.ask(l.pods["a1"].Namespace, "10.244.1.3:53", "hello", time.Second))
		}},
		{name: "across-nodes-vxlan", arp: true, do: func(l *lab) string {
			return said(l.ask(l.pods["a1"].Namespace, "10.244.2.2:53", "hello", time.Second))
		}},
		{name: "across-nodes-host-gw", cfg: Config{Mode: HostGW}, arp: true, do: func(l *lab) string {
			return said(l.ask(l.pods["a1"].Namespace, "10.244.2.2:53", "hello", time.Second))
		}},
		{name: "service-across-nodes", prepare: func(l *lab) { l.services(udpService("10.244.2.2:53")) },
			do: func(l *lab) string {
				return said(l.ask(l.pods["a1"].Namespace, "10.96.0.10:80", "hello", time.Second))
			}},
		{name: "service-same-node", prepare: func(l *lab) { l.services(udpService("10.244.1.3:53")) },
			do: func(l *lab) string {
				return said(l.ask(l.pods["a1"].Namespace, "10.96.0.10:80", "hello", time.Second))
			}},
		{name: "service-without-br-netfilter", cfg: Config{NoBridgeNetfilter: true},
			prepare: func(l *lab) { l.services(udpService("10.244.1.3:53")) },
			do: func(l *lab) string {
				return said(l.ask(l.pods["a1"].Namespace, "10.96.0.10:80", "hello", 200*time.Millisecond))
			}},
		{name: "hairpin", prepare: func(l *lab) { l.services(udpService("10.244.1.2:53")) },
			do: func(l *lab) string {
				return said(l.ask(l.pods["a1"].Namespace, "10.96.0.10:80", "hello", time.Second))
			}},
		{name: "no-endpoints", prepare: func(l *lab) { l.services(udpService()) },
			do: func(l *lab) string {
				return said(l.ask(l.pods["a1"].Namespace, "10.96.0.10:80", "hello", time.Second))
			}},
		{name: "node-port", prepare: func(l *lab) {
			s := udpService("10.244.2.2:53")
			s.NodePort = 30053
			l.services(s)
		}, do: func(l *lab) string {
			laptop := l.host("laptop", "192.168.50.100")
			return said(l.ask(laptop.Namespace, "192.168.50.11:30053", "hello", time.Second))
		}},
		{name: "node-port-local", prepare: func(l *lab) {
			s := udpService("10.244.2.2:53")
			s.NodePort, s.ExternalLocal = 30053, true
			l.services(s)
		}, do: func(l *lab) string {
			laptop := l.host("laptop", "192.168.50.100")
			out := said(l.ask(laptop.Namespace, "192.168.50.12:30053", "to the endpoint's node", time.Second)) + "\n"
			return out + said(l.ask(laptop.Namespace, "192.168.50.11:30053", "to the other", 100*time.Millisecond))
		}},
		{name: "ping-service", prepare: func(l *lab) { l.services(udpService("10.244.2.2:53")) },
			do: func(l *lab) string { return reply(l.probe(l.pods["a1"].Namespace, Probe{To: ip("10.96.0.10")})) }},
		{name: "ping-outside", do: func(l *lab) string {
			return reply(l.probe(l.pods["a1"].Namespace, Probe{To: ip("93.184.216.34")}))
		}},
		{name: "ping-node-from-other-node", do: func(l *lab) string {
			return reply(l.probe(l.pods["a1"].Namespace, Probe{To: ip("192.168.50.12")}))
		}},
		{name: "probe-from-node", do: func(l *lab) string {
			return said(l.ask(l.nodes["node-1"].Host(), "10.244.1.2:53", "healthy?", time.Second))
		}},
		{name: "node-to-service", prepare: func(l *lab) { l.services(udpService("10.244.2.2:53")) },
			do: func(l *lab) string {
				return said(l.ask(l.nodes["node-1"].Host(), "10.96.0.10:80", "hello", time.Second))
			}},
		{name: "traceroute", do: func(l *lab) string {
			var lines []string
			for ttl := range 4 {
				lines = append(lines, reply(l.probe(l.pods["a1"].Namespace,
					Probe{To: ip("10.244.2.2"), Port: uint16(33434 + ttl), TTL: uint8(ttl + 1)})))
			}
			return strings.Join(lines, "\n")
		}},
		{name: "too-big", edit: func(c *NodeConfig) { c.PodMTU = 1500 }, do: func(l *lab) string {
			p := Probe{To: ip("10.244.2.2"), Size: 1472, DontFragment: true}
			return reply(l.probe(l.pods["a1"].Namespace, p))
		}},
		{name: "too-big-black-hole", edit: func(c *NodeConfig) { c.PodMTU = 1500 }, prepare: func(l *lab) {
			l.nodes["node-1"].SetICMPFilter(true)
		}, do: func(l *lab) string {
			return reply(l.probe(l.pods["a1"].Namespace, Probe{To: ip("10.244.2.2"), Size: 1472, DontFragment: true}))
		}},
		{name: "fragments", edit: func(c *NodeConfig) { c.PodMTU = 1500 }, do: func(l *lab) string {
			return reply(l.probe(l.pods["a1"].Namespace, Probe{To: ip("10.244.2.2"), Size: 1472}))
		}},
		{name: "policy-ingress", prepare: func(l *lab) {
			l.policies(Policy{Name: "default/deny-all", Pods: []netip.Addr{ip("10.244.2.2")}, IsolatesIngress: true})
		}, do: func(l *lab) string {
			return said(l.ask(l.pods["a1"].Namespace, "10.244.2.2:53", "hello", 100*time.Millisecond))
		}},
		{name: "policy-same-node", prepare: func(l *lab) {
			l.policies(Policy{Name: "default/allow-a2", Pods: []netip.Addr{ip("10.244.1.2")}, IsolatesEgress: true,
				Egress: []PolicyRule{{Peers: []Peer{{Pods: []netip.Addr{ip("10.244.2.2")}}}}}})
		}, do: func(l *lab) string {
			out := said(l.ask(l.pods["a1"].Namespace, "10.244.1.3:53", "to a2", 100*time.Millisecond)) + "\n"
			return out + said(l.ask(l.pods["a1"].Namespace, "10.244.2.2:53", "to b1", time.Second))
		}},
		{name: "node-off", prepare: func(l *lab) { l.nodes["node-2"].SetPower(false) }, do: func(l *lab) string {
			return said(l.ask(l.pods["a1"].Namespace, "10.244.2.2:53", "hello", 100*time.Millisecond))
		}},
		{name: "route-missing", prepare: func(l *lab) {
			l.nodes["node-1"].SetMissingRoutes(netip.MustParsePrefix("10.244.2.0/24"))
		}, do: func(l *lab) string {
			return said(l.ask(l.pods["a1"].Namespace, "10.244.2.2:53", "hello", time.Second))
		}},
		{name: "no-dns", prepare: func(l *lab) { l.nodes["node-1"].SetDNSFilter(true) }, do: func(l *lab) string {
			out := said(l.ask(l.pods["a1"].Namespace, "10.244.2.2:53", "asked here", 100*time.Millisecond)) + "\n"
			return out + said(l.ask(l.pods["b1"].Namespace, "10.244.1.3:53", "asked there", time.Second))
		}},
		{name: "cut-from-control-plane", prepare: func(l *lab) {
			l.echo(l.host("control-plane", "192.168.50.2").Namespace, 6443)
			l.nodes["node-1"].SetCutFrom("the control plane", ip("192.168.50.2"))
		}, do: func(l *lab) string {
			out := said(l.ask(l.pods["a1"].Namespace, "192.168.50.2:6443", "from here", 100*time.Millisecond)) + "\n"
			return out + said(l.ask(l.pods["b1"].Namespace, "192.168.50.2:6443", "from there", time.Second))
		}},
		{name: "pod-mtu-too-large", prepare: func(l *lab) { l.mtu("a1", 1500) }, do: func(l *lab) string {
			p := Probe{To: ip("10.244.2.2"), Size: 1472, DontFragment: true}
			out := reply(l.probe(l.pods["a1"].Namespace, p)) + "\n"
			p.To = ip("10.244.1.3") // on the same bridge, which tells nobody
			return out + reply(l.probe(l.pods["a1"].Namespace, p))
		}},
		{name: "nobody-there", do: func(l *lab) string {
			return said(l.ask(l.pods["a1"].Namespace, "10.244.2.77:53", "hello", 3500*time.Millisecond))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cfg.Seed = 1
			var edits []func(*NodeConfig)
			if test.edit != nil {
				edits = append(edits, test.edit)
			}
			l := newLab(t, test.cfg, edits...)
			for name, p := range l.pods {
				l.echo(p.Namespace, 53)
				if !test.arp && name != "a1" {
					if _, err := l.probe(l.pods["a1"].Namespace, Probe{To: p.Addresses()[0]}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if test.prepare != nil {
				test.prepare(l)
			}
			l.quiet()
			r := &recorder{}
			l.f.Observe(r)
			out := test.do(l)
			l.quiet()
			var b strings.Builder
			for _, h := range r.all() {
				if h.Data.Headers().ARP == nil || test.arp {
					b.WriteString(line(h) + "\n")
				}
			}
			golden(t, test.name, b.String()+"=> "+out+"\n")
		})
	}
}

func (l *lab) mtu(pod string, mtu int) {
	l.t.Helper()
	if err := l.pods[pod].SetMTU(mtu); err != nil {
		l.t.Fatal(err)
	}
	l.settle()
}

func said(got string, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprintf("%q", got)
}

func reply(r ProbeReply, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	s := fmt.Sprintf("from %v type %d code %d ttl %d", r.From, r.Type, r.Code, r.TTL)
	if r.MTU != 0 {
		s += fmt.Sprintf(" mtu %d", r.MTU)
	}
	return s
}

func (l *lab) host(name, address string) *Host {
	l.t.Helper()
	h, err := l.f.AddHost(HostConfig{Name: name, Address: ip(address)})
	if err != nil {
		l.t.Fatal(err)
	}
	return h
}

func (l *lab) policies(p ...Policy) {
	l.t.Helper()
	if err := l.f.SetPolicies(p); err != nil {
		l.t.Fatal(err)
	}
	l.settle()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "hops", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("hops differ from %s\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
