package program_test

import (
	"context"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/runtime/network"
	"github.com/kubestep/kubestep/runtime/program"
)

// times are round trips and durations in what ping and traceroute print.
var times = regexp.MustCompile(`\d+\.\d+(/\d+\.\d+)* ms|time \d+ms|time=\S+ ms`)

func TestPing(t *testing.T) {
	c := newCluster(t)
	for _, tt := range []struct {
		name, line, out, errOut string
		code                    int
	}{
		{"replies", "ping -c 2 -i 0.01 web", `PING web (10.244.2.2) 56(84) bytes of data.
64 bytes from 10.244.2.2: icmp_seq=1 ttl=62 T
64 bytes from 10.244.2.2: icmp_seq=2 ttl=62 T

--- web ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, T
rtt min/avg/max/mdev = T
`, "", 0},
		{"quiet", "ping -qc1 web", `PING web (10.244.2.2) 56(84) bytes of data.

--- web ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, T
rtt min/avg/max/mdev = T
`, "", 0},
		{"TTL runs out", "ping -c1 -t1 web", `PING web (10.244.2.2) 56(84) bytes of data.
From 10.244.1.1 icmp_seq=1 Time to live exceeded

--- web ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, T

`, "", 1},
		{"too long", "ping -c1 -M do -s 1423 web", `PING web (10.244.2.2) 1423(1451) bytes of data.

--- web ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, T

`, "ping: local error: message too long, mtu: 1450\n", 1},
		{"nobody there", "ping -c1 -W 0.1 10.244.1.99", `PING 10.244.1.99 (10.244.1.99) 56(84) bytes of data.

--- 10.244.1.99 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, T

`, "", 1},
		{"no such name", "ping nope", "", "ping: nope: Name or service not known\n", 2},
		{"no destination", "ping -c 1", "", "ping: usage error: Destination address required\n", 1},
		{"bad count", "ping -c x web", "", "ping: invalid argument: 'x'\n", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, code := c.run(tt.line)
			errOut = strings.Replace(errOut, "Temporary failure in name resolution", "Name or service not known", 1) // no DNS here
			if out = times.ReplaceAllString(out, "T"); out != tt.out || errOut != tt.errOut || code != tt.code {
				t.Errorf("%s:\n%s\nerrors %q, exit code %d; want\n%s\n%q, %d", tt.line, out, errOut, code, tt.out, tt.errOut, tt.code)
			}
		})
	}
}

func TestPingSumsUpWhenInterrupted(t *testing.T) {
	c := newCluster(t)
	p := c.world(c.client, "ping", "web")
	p.start(t, nil)
	p.out.await(t, "icmp_seq=1")
	p.signals.ch <- program.SIGINT
	if code := <-p.code; code != 0 || !strings.Contains(p.out.String(), "1 received, 0% packet loss") {
		t.Errorf("exit code %d, %s", code, p.out)
	}
}

// A Pod whose MTU is larger than the tunnel's learns of it from the node.
func TestPingFindsThePathMTU(t *testing.T) {
	c := newClusterMTU(t, 1500)
	for _, tt := range []struct{ line, want string }{
		{"ping -c1 -M do -s 1472 web", "From 10.244.1.1 icmp_seq=1 Frag needed and DF set (mtu = 1450)\n"},
		{"traceroute -nF -q 1 web 1500", " 2  10.244.1.1  T !F-1450\n"},
		{"ping -c1 -M do -s 1422 web", "1430 bytes from 10.244.2.2: icmp_seq=1 ttl=62 "},
		{"ping -c1 -s 1472 web", "1480 bytes from 10.244.2.2: icmp_seq=1 ttl=62 "},
	} {
		out, errOut, _ := c.run(tt.line)
		if !strings.Contains(times.ReplaceAllString(out, "T"), tt.want) || errOut != "" {
			t.Errorf("%s: %s, errors %q, want %s", tt.line, out, errOut, tt.want)
		}
	}
}

// answering is a network whose probes are all answered in one way.
type answering struct {
	program.Network
	reply network.ProbeReply
}

func (a answering) Probe(context.Context, network.Probe) (network.ProbeReply, error) {
	return a.reply, nil
}

func TestPingWordsErrorsOfRouters(t *testing.T) {
	c := newCluster(t)
	from := netip.MustParseAddr("10.244.1.1")
	for _, tt := range []struct {
		reply network.ProbeReply
		want  string
	}{
		{network.ProbeReply{Type: 3, Code: 0}, "Destination Net Unreachable"},
		{network.ProbeReply{Type: 3, Code: 1}, "Destination Host Unreachable"},
		{network.ProbeReply{Type: 3, Code: 3}, "Destination Port Unreachable"},
		{network.ProbeReply{Type: 3, Code: 4, MTU: 1450}, "Frag needed and DF set (mtu = 1450)"},
		{network.ProbeReply{Type: 3, Code: 13}, "Packet filtered"},
		{network.ProbeReply{Type: 11}, "Time to live exceeded"},
	} {
		p := c.world(c.client, "ping", "-c1", "10.244.2.2")
		tt.reply.From = from
		p.Network = answering{p.Network, tt.reply}
		p.start(t, nil)
		want := "From 10.244.1.1 icmp_seq=1 " + tt.want + "\n"
		if code := <-p.code; code != 1 || !strings.Contains(p.out.String(), want) {
			t.Errorf("exit code %d, %s; want %s", code, p.out, want)
		}
	}
}

func TestTraceroute(t *testing.T) {
	c := newCluster(t)
	for _, tt := range []struct {
		name, line, out, errOut string
		code                    int
	}{
		{"UDP", "traceroute -n web", `traceroute to web (10.244.2.2), 30 hops max, 60 byte packets
 1  10.244.1.1  T  T  T
 2  10.244.2.0  T  T  T
 3  10.244.2.2  T  T  T
`, "", 0},
		{"ICMP", "traceroute -nI -q 1 web", `traceroute to web (10.244.2.2), 30 hops max, 60 byte packets
 1  10.244.1.1  T
 2  10.244.2.0  T
 3  10.244.2.2  T
`, "", 0},
		{"names", "traceroute -f 3 -q 1 web", `traceroute to web (10.244.2.2), 30 hops max, 60 byte packets
 3  web (10.244.2.2)  T
`, "", 0},
		{"no answer", "traceroute -n -m 1 -w 0.05 10.244.1.99", `traceroute to 10.244.1.99 (10.244.1.99), 1 hops max, 60 byte packets
 1  * * *
`, "", 0},
		{"most hops", "traceroute -n -m 1 -q 2 web", `traceroute to web (10.244.2.2), 1 hops max, 60 byte packets
 1  10.244.1.1  T  T
`, "", 0},
		{"unknown option", "traceroute -Y web", "", "traceroute: invalid option -- 'Y'\n", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, code := c.run(tt.line)
			if out = times.ReplaceAllString(out, "T"); out != tt.out || errOut != tt.errOut || code != tt.code {
				t.Errorf("%s:\n%s\nerrors %q, exit code %d; want\n%s\n%q, %d", tt.line, out, errOut, code, tt.out, tt.errOut, tt.code)
			}
		})
	}
}

func TestProbingNeedsANetworkThatCan(t *testing.T) {
	for _, line := range []string{"ping 127.0.0.1", "traceroute 127.0.0.1", "ss", "netstat", "ip addr"} {
		c := newCluster(t)
		p := c.world(c.client, strings.Fields(line)...)
		p.Network = bare{p.Network}
		p.start(t, nil)
		if code := <-p.code; code == 0 || p.errOut.String() == "" {
			t.Errorf("%s: exit code %d, errors %q", line, code, p.errOut)
		}
	}
}

// bare hides what a network can do beyond [program.Network].
type bare struct{ program.Network }
