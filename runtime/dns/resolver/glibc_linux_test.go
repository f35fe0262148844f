package resolver_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// inside is set in the environment of the test's own process in namespaces of its own.
const inside = "KUBESTEP_TEST_GLIBC"

// TestLikeGlibc has the machine's getent, which is linked with glibc, and the resolver ask the same server for the same
// names: both must ask the same questions in the same order. It needs root, for namespaces in which 127.0.0.1:53 is free
// and /etc/resolv.conf is the test's.
func TestLikeGlibc(t *testing.T) {
	if os.Getenv(inside) != "" {
		compare(t)
		return
	}
	for _, tool := range []string{"unshare", "getent", "ip", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not compared with glibc: %v", err)
		}
	}
	if libc, err := exec.Command("getconf", "GNU_LIBC_VERSION").Output(); err != nil {
		t.Skipf("not compared with glibc: this machine's libc is another one: %v %s", err, libc)
	}
	if out, err := exec.Command("unshare", "--net", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("not compared with glibc: no namespaces without root: %v %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"resolv.conf": "", "nsswitch.conf": "hosts: files dns\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script := `set -e
ip link set lo up
mount --bind "$0/resolv.conf" "$(readlink -f /etc/resolv.conf)"
mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf
exec "$1" -test.run='^TestLikeGlibc$' -test.v`
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "sh", "-c", script, dir, self)
	cmd.Env = append(os.Environ(), inside+"="+filepath.Join(dir, "resolv.conf"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestLikeGlibc/") && err == nil {
		t.Errorf("nothing was compared:\n%s", out)
	}
}

// compare runs in namespaces of its own.
func compare(t *testing.T) {
	w := &world{t: t}
	note := func(from netip.AddrPort, tcp bool, q *dns.Msg) *dns.Msg {
		port := int(from.Port())
		if tcp {
			port = 0
		}
		w.note(asked{netip.MustParseAddr("10.96.0.10"), port, q.Question[0].Name, q.Question[0].Qtype, tcp, q.IsEdns0() != nil})
		w.mu.Lock()
		answer := w.answer
		w.mu.Unlock()
		return answer(netip.Addr{}, q, tcp)
	}
	// dns.Server would answer datagrams out of order.
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packets.Close() })
	go func() {
		buf := make([]byte, dns.MaxMsgSize)
		for {
			n, from, err := packets.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			q := new(dns.Msg)
			if err := q.Unpack(buf[:n]); err != nil {
				t.Errorf("a query that does not parse: %v", err)
				continue
			}
			if a := note(from, false, q); a != nil {
				out, err := a.Pack()
				if err == nil {
					_, err = packets.WriteToUDPAddrPort(out, from)
				}
				if err != nil {
					t.Errorf("answer: %v", err)
				}
			}
		}
	}()
	up := make(chan struct{})
	streams := &dns.Server{Net: "tcp", Addr: "127.0.0.1:53", NotifyStartedFunc: func() { close(up) },
		Handler: dns.HandlerFunc(func(out dns.ResponseWriter, q *dns.Msg) {
			if a := note(netip.AddrPort{}, true, q); a != nil {
				_ = out.WriteMsg(a) // the client may have gone
			}
		})}
	go func() {
		if err := streams.ListenAndServe(); err != nil {
			t.Errorf("serve: %v", err)
		}
	}()
	<-up
	t.Cleanup(func() { _ = streams.Shutdown() })
	const conf = "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 127.0.0.1\noptions ndots:5"
	cluster := zone(
		"web.default.svc.cluster.local. 30 IN A 10.96.0.11",
		"web-0.web.default.svc.cluster.local. 30 IN A 10.244.1.5",
		"example.com. 300 IN A 192.0.2.10",
		"text.default.svc.cluster.local. 30 IN TXT x",
		"six.default.svc.cluster.local. 30 IN AAAA 2001:db8::1",
	)
	truncated := func(s netip.Addr, q *dns.Msg, tcp bool) *dns.Msg {
		m := cluster(s, q, tcp)
		// The second one's, so that both have come when the client turns to TCP.
		m.Truncated = !tcp && q.Question[0].Qtype == dns.TypeAAAA
		return m
	}
	for _, tt := range []struct {
		name, conf string
		hosts      []string
		answer     answerer
	}{
		{"names", conf, []string{"web", "web.default", "web.default.svc", "web.default.svc.cluster.local",
			"web.default.svc.cluster.local.", "web-0.web.default.svc.cluster.local", "web-0.web.default.svc.cluster.local.",
			"example.com", "example.com.", "nope", "nope.", "nope.example.com", "a.b.c.d.e", "a.b.c.d.e.f", "text", "six",
			strings.Repeat("x", 63), strings.Repeat("x", 64)}, cluster},
		{"ndots 1", conf + "\noptions ndots:1", []string{"web", "example.com", "web.default", "nope.example.com"}, cluster},
		{"ndots 0", conf + " ndots:0", []string{"web", "nope"}, cluster},
		{"options", conf + " single-request", []string{"web", "nope"}, cluster},
		{"reopen", conf + " single-request-reopen", []string{"web", "nope"}, cluster},
		{"edns0", conf + " edns0", []string{"web", "nope"}, cluster},
		{"use-vc", conf + " use-vc", []string{"web", "nope"}, cluster},
		{"no-tld-query", conf + " no_tld_query", []string{"nope", "nope.com"}, cluster},
		{"root in the list", "nameserver 127.0.0.1\nsearch a.test .", []string{"web", "a.b"}, cluster},
		{"last list counts", "nameserver 127.0.0.1\nsearch a.test\ndomain b.test", []string{"web"}, cluster},
		{"SERVFAIL", conf, []string{"web", "example.com", "x."}, rcode(dns.RcodeServerFailure)},
		{"SERVFAIL, attempts", conf + " attempts:3", []string{"web"}, rcode(dns.RcodeServerFailure)},
		{"REFUSED", conf, []string{"web", "a.b.c.d.e.f"}, rcode(dns.RcodeRefused)},
		{"NOTIMP", conf, []string{"web"}, rcode(dns.RcodeNotImplemented)},
		{"FORMERR", conf, []string{"web"}, rcode(dns.RcodeFormatError)},
		{"truncated", conf, []string{"web", "nope"}, truncated},
		{"silence", conf + " timeout:1 attempts:1", []string{"web"}, silent},
		{"silence, two attempts", conf + " timeout:1", []string{"x."}, silent},
		{"two servers, one of them dead", "nameserver 127.0.0.2\n" + conf, []string{"web", "nope"}, cluster},
	} {
		for _, host := range tt.hosts {
			t.Run(tt.name+"/"+host, func(t *testing.T) {
				w.mu.Lock()
				w.answer = tt.answer
				w.mu.Unlock()
				if err := os.WriteFile(os.Getenv(inside), []byte(tt.conf+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				take := func() []string {
					w.mu.Lock()
					defer w.mu.Unlock()
					log := transcript(w.log)
					w.log = nil
					return log
				}
				out, _ := exec.CommandContext(t.Context(), "getent", "ahosts", host).Output() // it fails for names that are not there
				glibc := take()
				r := resolver.New(resolver.Options{ReadFile: os.ReadFile, Dial: new(net.Dialer).DialContext})
				found, err := r.Resolve(context.WithoutCancel(t.Context()), host)
				ours := take()
				if !slices.Equal(ours, glibc) {
					t.Errorf("asked\n  %s\nglibc asks\n  %s", strings.Join(ours, "\n  "), strings.Join(glibc, "\n  "))
				}
				if theirs := stream(out); !slices.Equal(found, theirs) {
					t.Errorf("found %v (%v), glibc finds %v", found, err, theirs)
				}
			})
		}
	}
}

// stream returns the addresses in the output of getent ahosts.
func stream(out []byte) []netip.Addr {
	var found []netip.Addr
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if a, err := netip.ParseAddr(words[0]); err == nil && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	return found
}
