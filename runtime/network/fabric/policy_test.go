package fabric

import (
	"net/netip"
	"strings"
	"testing"
)

// TestPolicies is a table of NetworkPolicy semantics at the level of resolved addresses: which connections a set of
// policies lets through. It follows the API's documentation (networking.k8s.io/v1 NetworkPolicy) and the cases of
// upstream's test/e2e/network/netpol. Pods: a = 10.244.1.2 and b = 10.244.1.3 on this node, c = 10.244.2.2 on another;
// w = 8.8.8.8 is outside.
func TestPolicies(t *testing.T) {
	addresses := map[string]string{"a": "10.244.1.2", "b": "10.244.1.3", "c": "10.244.2.2", "w": "8.8.8.8", "n": "192.168.50.12"}
	addrs := func(names string) (list []netip.Addr) {
		for _, n := range strings.Fields(names) {
			list = append(list, ip(addresses[n]))
		}
		return list
	}
	pods := func(names string) Peer { return Peer{Pods: addrs(names)} }
	block := func(cidr string, except ...string) Peer {
		p := Peer{Block: netip.MustParsePrefix(cidr)}
		for _, e := range except {
			p.Except = append(p.Except, netip.MustParsePrefix(e))
		}
		return p
	}
	peers := func(p ...Peer) PolicyRule { return PolicyRule{Peers: p} }
	ports := func(p ...PolicyPort) PolicyRule { return PolicyRule{Ports: p} }
	both := func(peer Peer, p ...PolicyPort) PolicyRule { return PolicyRule{Peers: []Peer{peer}, Ports: p} }
	tcp := func(port uint16) PolicyPort { return PolicyPort{Protocol: "tcp", Port: port} }
	in := func(pod string, rules ...PolicyRule) Policy {
		return Policy{Name: "in-" + pod, Pods: addrs(pod), IsolatesIngress: true, Ingress: rules}
	}
	out := func(pod string, rules ...PolicyRule) Policy {
		return Policy{Name: "out-" + pod, Pods: addrs(pod), IsolatesEgress: true, Egress: rules}
	}
	named := func(name string, p Policy) Policy {
		p.Name = name
		return p
	}
	for _, test := range []struct {
		name     string
		policies []Policy
		open     string // "from>to:port" with "/udp" for UDP, separated by spaces
		shut     string
	}{
		{"no policy", nil, "a>b:80 b>a:80 c>a:80 w>a:80 a>c:80 a>w:53/udp", ""},
		{"ingress isolation", []Policy{in("a")}, "a>b:80 a>c:80 b>c:80", "b>a:80 c>a:80 w>a:80 c>a:53/udp"},
		{"egress isolation", []Policy{out("a")}, "b>a:80 c>a:80", "a>b:80 a>c:80 a>w:80 a>w:53/udp"},
		{"both", []Policy{in("a"), out("a")}, "b>c:80", "b>a:80 a>b:80"},
		{"a policy that isolates nothing", []Policy{{Name: "none", Pods: addrs("a")}}, "b>a:80 a>b:80", ""},
		{"a policy that selects nobody", []Policy{in("")}, "b>a:80", ""},
		{"ingress rules do not isolate egress", []Policy{in("a", peers(pods("b")))}, "b>a:80 a>c:80 a>w:80", "c>a:80"},
		{"itself is always allowed", []Policy{in("a"), out("a")}, "a>a:80", ""},
		{"empty rule allows all", []Policy{in("a", PolicyRule{})}, "b>a:80 c>a:1/udp w>a:80", ""},
		{"empty egress rule allows all", []Policy{out("a", PolicyRule{})}, "a>b:80 a>w:53/udp", ""},
		{"peer pods", []Policy{in("a", peers(pods("b")))}, "b>a:80 b>a:53/udp", "c>a:80 w>a:80"},
		{"peer pods on another node", []Policy{in("a", peers(pods("c")))}, "c>a:80", "b>a:80"},
		{"two peers are alternatives", []Policy{in("a", peers(pods("b"), pods("c")))}, "b>a:80 c>a:80", "w>a:80"},
		{"two rules are alternatives", []Policy{in("a", peers(pods("b")), peers(pods("c")))}, "b>a:80 c>a:80", "w>a:80"},
		{"a selector that matches no pod", []Policy{in("a", peers(pods("")))}, "", "b>a:80 c>a:80"},
		{"port", []Policy{in("a", ports(tcp(80)))}, "b>a:80 w>a:80", "b>a:81 b>a:80/udp"},
		{"two ports", []Policy{in("a", ports(tcp(80), tcp(443)))}, "b>a:80 b>a:443", "b>a:81"},
		{"port range", []Policy{in("a", ports(PolicyPort{Protocol: "tcp", Port: 80, EndPort: 90}))}, "b>a:80 b>a:85 b>a:90",
			"b>a:79 b>a:91"},
		{"protocol without port", []Policy{in("a", ports(PolicyPort{Protocol: "udp"}))}, "b>a:53/udp b>a:1/udp", "b>a:80"},
		{"protocol defaults to TCP", []Policy{in("a", ports(PolicyPort{Port: 80}))}, "b>a:80", "b>a:80/udp"},
		{"udp port", []Policy{in("a", ports(PolicyPort{Protocol: "udp", Port: 53}))}, "b>a:53/udp", "b>a:53"},
		{"peer and port must both fit", []Policy{in("a", both(pods("b"), tcp(80)))}, "b>a:80", "b>a:81 c>a:80"},
		{"rules do not mix", []Policy{in("a", both(pods("b"), tcp(80)), both(pods("c"), tcp(81)))}, "b>a:80 c>a:81",
			"b>a:81 c>a:80"},
		{"named port by pod", []Policy{in("a b", ports(PolicyPort{Protocol: "tcp", Port: 80, Pods: addrs("a")},
			PolicyPort{Protocol: "tcp", Port: 8080, Pods: addrs("b")}))}, "c>a:80 c>b:8080", "c>a:8080 c>b:80"},
		{"ipBlock", []Policy{in("a", peers(block("8.0.0.0/8")))}, "w>a:80", "b>a:80"},
		{"ipBlock of one address", []Policy{in("a", peers(block("10.244.1.3/32")))}, "b>a:80", "c>a:80"},
		{"ipBlock holds pods", []Policy{in("a", peers(block("10.244.2.0/24")))}, "c>a:80", "b>a:80"},
		{"ipBlock except", []Policy{in("a", peers(block("10.244.0.0/16", "10.244.2.0/24")))}, "b>a:80", "c>a:80 w>a:80"},
		{"an exception is none for other rules", []Policy{in("a", peers(block("10.244.0.0/16", "10.244.2.0/24"), pods("c")))},
			"b>a:80 c>a:80", "w>a:80"},
		{"ipBlock everything", []Policy{in("a", peers(block("0.0.0.0/0")))}, "b>a:80 w>a:80", ""},
		{"ipBlock with host bits", []Policy{in("a", peers(block("10.244.1.77/24")))}, "b>a:80", "c>a:80"},
		{"egress peer", []Policy{out("a", peers(pods("b")))}, "a>b:80", "a>c:80 a>w:80"},
		{"egress port", []Policy{out("a", ports(PolicyPort{Protocol: "udp", Port: 53}))}, "a>w:53/udp a>b:53/udp", "a>b:80"},
		{"egress ipBlock except", []Policy{out("a", peers(block("0.0.0.0/0", "8.8.8.0/24")))}, "a>b:80", "a>w:80"},
		{"egress to a node", []Policy{out("a", peers(block("192.168.50.0/24")))}, "a>n:80", "a>b:80"},
		{"egress then ingress", []Policy{out("a", peers(pods("b"))), in("b")}, "", "a>b:80"},
		{"egress and ingress agree", []Policy{out("a", peers(pods("b"))), in("b", peers(pods("a")))}, "a>b:80", "a>c:80 c>b:80"},
		{"policies add up", []Policy{in("a", peers(pods("b"))), named("more", in("a", peers(pods("c"))))}, "b>a:80 c>a:80",
			"w>a:80"},
		{"deny-all does not take away", []Policy{in("a"), named("allow", in("a", peers(pods("b"))))}, "b>a:80", "c>a:80"},
		{"allow-all wins", []Policy{in("a"), named("allow", in("a", PolicyRule{}))}, "b>a:80 w>a:80", ""},
		{"several pods", []Policy{in("a b")}, "", "c>a:80 c>b:80 a>b:80 b>a:80"},
		{"within a namespace only", []Policy{in("a b", peers(pods("a b")))}, "a>b:80 b>a:80", "c>a:80 c>b:80"},
		{"another node's pods are judged there", []Policy{in("c")}, "a>c:80", ""},
		{"another node's egress is judged there", []Policy{out("c")}, "c>a:80", ""},
		{"deny all traffic, allow DNS", []Policy{in("a b"), out("a b"), named("dns", out("a b",
			ports(PolicyPort{Protocol: "udp", Port: 53}, tcp(53))))}, "a>c:53/udp b>c:53", "a>c:80 a>b:53"},
		{"other protocols", []Policy{in("a", ports(tcp(80)))}, "", "b>a:0/icmp"},
		{"other protocols without ports", []Policy{in("a", peers(pods("b")))}, "b>a:0/icmp", "c>a:0/icmp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			f.policies = compilePolicies(test.policies)
			n := &Node{f: f, cfg: NodeConfig{Name: "node-1", PodCIDR: netip.MustParsePrefix("10.244.1.0/24")}}
			for _, list := range []struct {
				cases string
				open  bool
			}{{test.open, true}, {test.shut, false}} {
				for _, c := range strings.Fields(list.cases) {
					_, denied := n.judgePolicies(parseCase(t, addresses, c))
					if (denied == "") != list.open {
						t.Errorf("%s: denied %q, want open %v", c, denied, list.open)
					}
					if denied != "" && !strings.Contains(denied, "-") {
						t.Errorf("%s: %q does not name the policy", c, denied)
					}
				}
			}
			t.Cleanup(func() { f.byName["gateway"].host.destroy() })
		})
	}
}

func parseCase(t *testing.T, addresses map[string]string, c string) tuple {
	t.Helper()
	c, proto, found := strings.Cut(c, "/")
	from, to, ok := strings.Cut(c, ">")
	to, port, ok2 := strings.Cut(to, ":")
	if !ok || !ok2 {
		t.Fatalf("case %q", c)
	}
	p := tuple{proto: protoTCP, src: toIP4(ip(addresses[from])), dst: toIP4(ip(addresses[to])), sp: 40000}
	if found {
		p.proto = map[string]uint8{"udp": protoUDP, "icmp": protoICMP}[proto]
	}
	for _, d := range port {
		p.dp = p.dp*10 + uint16(d-'0')
	}
	return p
}

// TestPolicyNamesItself checks that the words of a verdict name all policies that could have allowed the packet.
func TestPolicyNamesItself(t *testing.T) {
	set := compilePolicies([]Policy{{Name: "default/one", Pods: []netip.Addr{ip("10.244.1.2")}, IsolatesIngress: true},
		{Name: "default/two", Pods: []netip.Addr{ip("10.244.1.2")}, IsolatesIngress: true}})
	a := toIP4(ip("10.244.1.2"))
	if by, denied := judge(set.ingress[a], toIP4(ip("10.244.1.3")), a, protoTCP, 80); by != "" ||
		denied != "default/one, default/two" {
		t.Errorf("allowed by %q, denied by %q", by, denied)
	}
}
