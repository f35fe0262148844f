package e2e

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// dialOut makes this test's program do what the lab must not, see [TestMain].
const dialOut = "KUBESTEP_E2E_DIAL_OUT"

// TestNothingLeaves runs a lab in a network namespace that has a loopback interface only, and looks at what the kernel
// counted: any packet, and any attempt to connect, to something else has no route. What the Pods send, to names and
// addresses outside too, must not be among it.
func TestNothingLeaves(t *testing.T) {
	u := newUser(t)
	alone := func(script string, env ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--map-root-user", "sh", "-ec", "ip link set lo up; "+script+
			"; cat /proc/net/snmp /proc/net/snmp6", kubestep, os.Args[0])
		cmd.Env, cmd.Dir = append(u.env, env...), u.home
		r := finish(t, cmd, "")
		if r.code != 0 {
			t.Fatalf("exit code %d, %s%s", r.code, r.stdout, r.stderr)
		}
		return r.stdout
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "--net", "--map-root-user", "ip", "link").CombinedOutput(); err != nil {
		t.Skipf("no network namespace for a test, or no unshare or ip (packages util-linux, iproute2): %v %s", err, out)
	}
	if n := noRoutes(t, alone(`"$1" -test.run=^$`, dialOut+"=1")); n != 3 {
		t.Fatalf("the kernel counted %d of 3 attempts: this test would not see any", n)
	}
	out := alone(`"$0" trace --json --follow out -- run out --image=kubestep.dev/tools:v1 --restart=Never -- sh -c "` +
		`nslookup example.org; curl -sm 1 http://93.184.216.34; ping -c 1 -W 1 8.8.8.8; sleep 1000" >events`)
	events, err := os.ReadFile(filepath.Join(u.home, "events"))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, string(events), "example.org.", "93.184.216.34", "8.8.8.8") // the Pod has tried
	if n := noRoutes(t, out); n != 0 {
		t.Errorf("the lab sent, or tried to send, %d times to something that is not loopback", n)
	}
}

// tryToLeave is what a lab must not do: connect by TCP and UDP, IPv4 and IPv6.
func tryToLeave() {
	for _, to := range [][2]string{{"tcp4", "192.0.2.1:80"}, {"udp4", "192.0.2.1:53"}, {"udp6", "[2001:db8::1]:53"}} {
		if c, err := net.DialTimeout(to[0], to[1], time.Second); err == nil {
			_ = c.Close()
		} else if _, ok := errors.AsType[*net.OpError](err); !ok {
			panic(err)
		}
	}
}

// noRoutes reads from the kernel's counters how often there was no route.
func noRoutes(t *testing.T, counters string) int {
	t.Helper()
	total, seen := 0, 0
	var names []string
	for line := range strings.Lines(counters) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "Ip6OutNoRoutes":
			names = nil
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			total, seen = total+n, seen+1
		case len(fields) > 1 && fields[0] == "Ip:" && names == nil:
			names = fields
		case len(fields) > 1 && fields[0] == "Ip:":
			for i, name := range names {
				if name == "OutNoRoutes" {
					n, err := strconv.Atoi(fields[i])
					if err != nil {
						t.Fatal(err)
					}
					total, seen = total+n, seen+1
				}
			}
		}
	}
	if seen != 2 {
		t.Fatalf("no counters in:\n%s", counters)
	}
	return total
}
