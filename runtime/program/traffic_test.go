package program_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
	"github.com/kubestep/kubestep/runtime/program"
)

func TestNetcat(t *testing.T) {
	c := newCluster(t)
	c.serve(c.listen("80"))
	echo := c.world(c.server, "tcp-echo", "--port", "7")
	echo.start(t, program.TCPEcho)
	echo.out.await(t, "listening")
	for _, tt := range []struct {
		name, line, out, errOut string
		code                    int
	}{
		{"scan", "nc -zv web 80", "", "Connection to web (10.244.2.2) 80 port [tcp/http] succeeded!\n", 0},
		{"scan a closed port", "nc -zv web 81", "", "nc: connect to web port 81 (tcp) failed: Connection refused\n", 1},
		{"scan quietly", "nc -z web 81", "", "", 1},
		{"scan a range", "nc -zv web 79-81", "", "nc: connect to web port 79 (tcp) failed: Connection refused\n" +
			"Connection to web (10.244.2.2) 80 port [tcp/http] succeeded!\n" +
			"nc: connect to web port 81 (tcp) failed: Connection refused\n", 0},
		{"scan UDP", "nc -zvu web 7", "", "Connection to web (10.244.2.2) 7 port [udp/*] succeeded!\n", 0},
		{"scan a closed UDP port", "nc -zu web 8", "", "", 1},
		{"talk", "echo hello | nc -N web 7", "hello\n", "", 0},
		{"talk and wait", "echo hello | nc -w 0.2 web 7", "hello\n", "", 0},
		{"talk by UDP", "echo hello | nc -u -w 0.2 web 7", "hello\n", "", 0},
		{"no such host", "nc nope 80", "", "nc: getaddrinfo for host \"nope\" port 80: Temporary failure in name resolution\n", 1},
		{"no such port", "nc web http", "", "nc: port number invalid: http\n", 1},
		{"time-out", "nc -w 0.1 10.244.1.99 80", "", "nc: connect to 10.244.1.99 port 80 (tcp) timed out: Operation now in progress\n", 1},
		{"usage", "nc web", "", "usage: nc [-klNnuvz] [-p source_port] [-q seconds] [-w timeout]\n\t  [destination] [port]\n", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, code := c.run(tt.line)
			if out != tt.out || errOut != tt.errOut || code != tt.code {
				t.Errorf("%s: %q, errors %q, exit code %d; want %q, %q, %d", tt.line, out, errOut, code, tt.out, tt.errOut, tt.code)
			}
		})
	}
}

func TestNetcatListens(t *testing.T) {
	for _, tt := range []struct{ name, listen, send string }{
		{"TCP", "nc -lv 9000", "echo hello | nc -N web 9000"},
		{"TCP with -p", "nc -lvp 9000", "echo hello | nc -N web 9000"},
		{"UDP", "nc -luvw 0.2 9000", "echo hello | nc -uw 0.1 web 9000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t)
			server := c.world(c.server, strings.Fields(tt.listen)...)
			server.start(t, nil)
			server.errOut.await(t, "Listening on 0.0.0.0 9000\n")
			if out, errOut, code := c.run(tt.send); out+errOut != "" || code != 0 {
				t.Errorf("sender: %q, errors %q, exit code %d", out, errOut, code)
			}
			if code := <-server.code; code != 0 || server.out.String() != "hello\n" {
				t.Errorf("listener: %q, exit code %d", server.out, code)
			}
			server.errOut.await(t, "Connection received on 10.244.1.2 ")
		})
	}
}

func TestTCPEchoLetsConnectionsEnd(t *testing.T) {
	c := newCluster(t)
	echo := c.world(c.server, "tcp-echo", "--port", "7", "--greet", "--drain", "1m")
	echo.start(t, program.TCPEcho)
	echo.out.await(t, "listening")
	conn, err := c.client.Dial(t.Context(), "tcp", "10.244.2.2:7")
	if err != nil {
		t.Fatal(err)
	}
	echo.out.await(t, "connection from "+conn.LocalAddr().String())
	echo.signals.ch <- program.SIGTERM
	echo.out.await(t, "got SIGTERM, 1 connections open")
	if _, err := c.client.Dial(t.Context(), "tcp", "10.244.2.2:7"); err == nil {
		t.Error("accepts connections after SIGTERM")
	}
	want := fmt.Sprintf("pod (10.244.2.2:7) answers %s\nx", conn.LocalAddr())
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for len(got) < len(want) {
		b := make([]byte, 100)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	if string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	conn.Close()
	if code := <-echo.code; code != 0 || !strings.Contains(echo.out.String(), "stopped: 1 connections, 1 bytes") {
		t.Errorf("exit code %d, %s", code, echo.out)
	}
}

func TestLoad(t *testing.T) {
	c := newCluster(t)
	web := c.world(c.server, "web", "--port", "80")
	web.start(t, program.Web)
	web.out.await(t, "listening")
	for _, tt := range []struct {
		args string
		want []string
		code int
	}{
		{"-c 3 -n 50 http://web/", []string{"requests:  50 in ", "succeeded: 50\nfailed:    0\n", "latency:   p50 ", "status 200: 50\nhost pod: 50\n"}, 0},
		{"-c 3 -n 9 --keepalive http://web/", []string{"succeeded: 9\n"}, 0},
		{"-n 4 http://web/nope", []string{"succeeded: 0\nfailed:    4\nstatus 404: 4\nerror HTTP status 404: 4\n"}, 1},
		{"-n 3 http://web:81/", []string{"failed:    3\nerror connect: Connection refused: 3\n"}, 1},
		{"-c 2 -d 10ms http://web/", []string{"failed:    0\n"}, 0},
	} {
		p := c.world(c.client, append([]string{"load"}, strings.Fields(tt.args)...)...)
		p.start(t, program.Load)
		if code := <-p.code; code != tt.code {
			t.Errorf("%s: exit code %d, want %d", tt.args, code, tt.code)
		}
		for _, want := range tt.want {
			if !strings.Contains(p.out.String(), want) {
				t.Errorf("%s: %q is not in\n%s", tt.args, want, p.out)
			}
		}
	}
	p := c.world(c.client, "load", "-d", "1h", "http://web/")
	p.start(t, program.Load)
	p.signals.ch <- program.SIGTERM
	if code := <-p.code; code != 0 || !strings.Contains(p.out.String(), "requests: ") {
		t.Errorf("after SIGTERM: exit code %d, %s", code, p.out)
	}
}

func TestClientCounts(t *testing.T) {
	c := newCluster(t)
	l := c.listen("80")
	n := 0
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if n++; n == 2 {
			http.Error(rw, "sorry", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(rw, "fine")
	})}
	go func() { _ = server.Serve(l) }() // closed below
	defer server.Close()
	p := c.world(c.client, "client", "--interval", "1ms", "--count", "3", "http://web/")
	p.start(t, program.Client)
	want := "1 ok=1 failed=0 200 fine\n2 ok=1 failed=1 error: 503 sorry\n3 ok=2 failed=1 200 fine\nclient: 3 requests, 2 ok, 1 failed\n"
	if code := <-p.code; code != 1 || p.out.String() != want {
		t.Errorf("exit code %d, %s; want 1, %s", code, p.out, want)
	}
}

func TestClientGivesUpOnItsOwnClock(t *testing.T) {
	c := newCluster(t)
	own := clocktesting.NewFakeClock(time.Unix(0, 0))
	c.clock = own
	asked := c.serve(c.listen("80"))
	p := c.world(c.client, "client", "--count", "1", "--timeout", "2s", "http://web/hang")
	p.start(t, program.Client)
	<-asked
	own.Step(time.Second)
	select {
	case <-p.code:
		t.Fatalf("gave up too early: %s", p.out)
	default:
	}
	own.Step(time.Second)
	if code := <-p.code; code != 1 || !strings.Contains(p.out.String(), "failed=1 error: no answer within 2s") {
		t.Errorf("exit code %d, %s", code, p.out)
	}
}

// answerDNS runs a DNS server in the server's Pod that knows one name.
func (c *cluster) answerDNS(name, address string) {
	c.t.Helper()
	conn, err := c.server.ListenPacket(c.t.Context(), "udp", ":53")
	if err != nil {
		c.t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(rw dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		switch {
		case q.Question[0].Name != name:
			m.Rcode = dns.RcodeNameError
		case q.Question[0].Qtype == dns.TypeA:
			rr, _ := dns.NewRR(name + " 5 IN A " + address)
			m.Answer = append(m.Answer, rr)
		}
		_ = rw.WriteMsg(m) // the client counts a failure
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ActivateAndServe() // shut down below
	}()
	c.t.Cleanup(func() {
		conn.Close()
		<-done
	})
}

func TestDNSClient(t *testing.T) {
	c := newCluster(t)
	c.answerDNS("web.svc.", "10.96.0.9")
	for _, tt := range []struct {
		name, want string
		code       int
	}{
		{"web", "dns-client: 2 questions, 2 ok, 0 failed\n", 0},
		{"nope", "dns-client: 2 questions, 0 ok, 2 failed\n", 1},
	} {
		p := c.world(c.client, "dns-client", "--interval", "1ms", "--count", "2", tt.name)
		p.write("etc/resolv.conf", "nameserver 10.244.2.2\nsearch first svc\noptions ndots:5\n")
		p.start(t, program.DNSClient)
		code := <-p.code
		if code != tt.code || !strings.HasSuffix(p.out.String(), tt.want) {
			t.Errorf("%s: exit code %d, %s; want %d, %s", tt.name, code, p.out, tt.code, tt.want)
		}
		if tt.code == 0 && !strings.Contains(p.out.String(), "1 ok=1 failed=0 web.svc. 10.96.0.9 (queries: 2, ") {
			t.Errorf("%s: the name found and the two queries for it are not in %s", tt.name, p.out)
		}
	}
}

func TestWebIsReadyOnDemand(t *testing.T) {
	c := newCluster(t)
	web := c.world(c.server, "web", "--port", "80")
	web.start(t, program.Web)
	web.out.await(t, "listening")
	for _, tt := range []struct{ line, want string }{
		{"curl -s web/hostname", "pod\n"},
		{"curl -s web/from | grep -q 10.244.1.2: && echo the source is the Pod", "the source is the Pod\n"},
		{"curl -s web/readyz", "ready\n"},
		{"curl -s -X POST 'web/ready?ok=false'", "ready: false\n"},
		{"curl -sfS web/readyz 2>&1", "curl: (22) The requested URL returned error: 503\n"},
		{"curl -s -d ok=true web/ready", "ready: true\n"},
		{"curl -s web/readyz", "ready\n"},
		{"curl -s -o /dev/null -w '%{http_code}' -X POST web/ready", "400"},
	} {
		if out, errOut, _ := c.run(tt.line); out != tt.want || errOut != "" {
			t.Errorf("%s: %q, errors %q, want %q", tt.line, out, errOut, tt.want)
		}
	}
	web.signals.ch <- program.SIGTERM
	if code := <-web.code; code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// asked is the queries that a resolver has sent.
type asked struct {
	mu    sync.Mutex
	names []string
}

// Ask implements [resolver.Observer].
func (a *asked) Ask(_ context.Context, q resolver.Query) (func(resolver.Reply), error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names = append(a.names, q.Name+" "+dns.TypeToString[q.Type])
	return func(resolver.Reply) {}, nil
}

// TestProgramsAskOnce counts the queries for a name that a program connects to.
func TestProgramsAskOnce(t *testing.T) {
	c := newCluster(t)
	c.serve(c.listen("80"))
	c.answerDNS("web.svc.", "10.244.2.2")
	for _, line := range []string{"wget -qO- http://web/", "curl -s http://web/", "nc -z web 80", "ping -c 1 web"} {
		asked := &asked{}
		p := c.world(c.client, strings.Fields(line)...)
		p.write("etc/hosts", "127.0.0.1 localhost\n")
		p.write("etc/resolv.conf", "nameserver 10.244.2.2\nsearch svc\noptions ndots:5\n")
		p.DNS = asked
		p.Network = program.WithResolver(c.client, p.Resolver())
		p.start(t, nil)
		if code := <-p.code; code != 0 {
			t.Errorf("%s: exit code %d, %s", line, code, p.errOut)
		}
		if got := strings.Join(asked.names, ", "); got != "web.svc. A, web.svc. AAAA" {
			t.Errorf("%s asks for %s", line, got)
		}
	}
}

func TestWget(t *testing.T) {
	c := newCluster(t)
	c.serve(c.listen("80"))
	for _, tt := range []struct {
		line, out, errOut string
		code              int
	}{
		{"wget -qO- web/x", "GET /x   \n", "", 0},
		{"wget -q -O - --header 'X-Own: me' web", "GET /  me \n", "", 0},
		{"wget web/name; cat name", "GET /name   \n", "Connecting to web (10.244.2.2:80)\nsaving to 'name'\n'name' saved\n", 0},
		{"wget -q --spider web", "", "", 0},
		{"wget -qO- web/nope", "", "wget: server returned error: HTTP/1.1 404 Not Found\n", 1},
		{"wget -qO- nope", "", "wget: bad address 'nope'\n", 1},
		{"wget -qO- web:81", "", "wget: can't connect to remote host (10.244.2.2): Connection refused\n", 1},
		{"wget -q -T 0.1 -O- web/hang", "", "wget: download timed out\n", 1},
	} {
		out, errOut, code := c.run(tt.line)
		if out != tt.out || errOut != tt.errOut || code != tt.code {
			t.Errorf("%s: %q, errors %q, exit code %d; want %q, %q, %d", tt.line, out, errOut, code, tt.out, tt.errOut, tt.code)
		}
	}
}
