package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// TestFaults breaks a lab in the ways that lessons do, and looks for the hop or the event that says why.
func TestFaults(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	l := u.up(t)
	l.clientAndWeb(t)
	l.fault(t, "isolate", "node-3") // noticed after 50 seconds, while the rest goes on
	for _, part := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"wrong use", l.refusedFaults},
		{"MTU black hole", l.blackHole},
		{"route missing", l.routeMissing},
		{"no DNS", l.noDNS},
		{"proxy stopped", l.proxyStopped},
		{"packets lost", l.packetsLost},
		{"power", l.powerCycle},
		{"cut from the control plane", l.isolated},
	} {
		t.Run(part.name, part.test)
	}
}

// fault runs kubestep fault and returns what is broken then.
func (l *lab) fault(t *testing.T, words ...string) []string {
	t.Helper()
	r := l.user.run(t, "", append(append([]string{"fault"}, words...), "--json")...)
	var state struct{ Faults []trace.FaultDetail }
	if err := json.Unmarshal([]byte(r.stdout), &state); err != nil || r.code != 0 {
		t.Fatalf("fault %v: %+v", words, r)
	}
	var list []string
	for _, f := range state.Faults {
		list = append(list, f.String())
	}
	return list
}

// inClient runs a command in the client Pod and returns what it printed, whether it succeeded, and the reasons of hops.
func (l *lab) inClient(t *testing.T, command ...string) (out string, ok bool, reasons []string) {
	t.Helper()
	r := l.user.run(t, "", append([]string{"trace", "--json", "--", "exec", "client", "--"}, command...)...)
	for line := range strings.Lines(r.stdout) {
		var e trace.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("a line is no event: %v: %.200s", err, line)
		}
		if h, is := e.Detail.(*trace.HopDetail); is && h.Reason != "" && !slices.Contains(reasons, h.Reason) {
			reasons = append(reasons, h.Reason)
		}
	}
	return r.stderr, r.code == 0, reasons
}

func (l *lab) fetches(t *testing.T, want bool, because string, curl ...string) {
	t.Helper()
	out, ok, reasons := l.inClient(t, append([]string{"curl", "-sS", "-m", "2", "-o", "/dev/null"}, curl...)...)
	if ok != want {
		t.Errorf("curl %.60q: %t, want %t\n%s%q", curl, ok, want, out, reasons)
	}
	if !slices.ContainsFunc(append(reasons, ""), func(r string) bool { return strings.HasSuffix(r, because) }) {
		t.Errorf("curl %.60q: no hop says %q, but %q", curl, because, reasons)
	}
}

func (l *lab) refusedFaults(t *testing.T) {
	for words, want := range map[string]string{
		"cut node-9":       "there is no node node-9; there are node-1, node-2, node-3",
		"cut pod/default/": "is no target",
		"cut pod/nobody":   "there is no Pod default/nobody with a network of its own; in its namespace there are: client, web",
		"drop node-1 lots": `"lots" is no share of the packets`,
		"explode node-1":   `there is no fault "explode"`,
		"cut":              "say where",
	} {
		r := l.user.run(t, "", append([]string{"fault"}, strings.Fields(words)...)...)
		if r.code != 2 || !strings.Contains(r.stderr, want) {
			t.Errorf("fault %s: %+v, want %q", words, r, want)
		}
	}
	r := l.user.run(t, "", "__complete", "fault", "mtu", "pod/default/c")
	expect(t, r.stdout, "pod/default/client")
	r = l.user.run(t, "", "__complete", "fault", "heal", "")
	expect(t, r.stdout, "isolate", "node-3")
}

func (l *lab) blackHole(t *testing.T) {
	large := []string{"-d", strings.Repeat("x", 4000), "http://web/echo"}
	l.fault(t, "mtu", "pod/client", "1500")
	l.fault(t, "mtu", "pod/web", "1500")
	l.fault(t, "filter-icmp", "node-1")
	l.fault(t, "filter-icmp", "node-2")
	l.fetches(t, true, "", "http://web")
	l.fetches(t, false, "fault: ICMP errors are filtered on node-1", large...)
	l.fault(t, "heal", "filter-icmp")
	l.fetches(t, true, "bytes exceed the MTU of 1450 and the packet must not be fragmented", large...)
	if left := l.fault(t, "heal", "mtu"); !slices.Equal(left, []string{"isolate node-3"}) {
		t.Errorf("broken are %q", left)
	}
}

func (l *lab) routeMissing(t *testing.T) {
	cidr := l.kubectl(t, "get", "node", "node-2", "-o", "jsonpath={.spec.podCIDR}")
	l.fault(t, "no-route", "node-1", "node-2")
	l.fetches(t, false, "fault: node-1 has no route to "+cidr, "http://web")
	l.fault(t, "heal", "node-1")
	l.fetches(t, true, "", "http://web")
}

func (l *lab) noDNS(t *testing.T) {
	l.fault(t, "no-dns", "node-1")
	out, ok, reasons := l.inClient(t, "nslookup", "web")
	if ok || !slices.Contains(reasons, "fault: no DNS on node-1") {
		t.Errorf("nslookup: %t, %q\n%s", ok, reasons, out)
	}
	l.fault(t, "heal", "node-1")
	l.fetches(t, true, "", "http://web")
}

func (l *lab) proxyStopped(t *testing.T) {
	l.fault(t, "stop-proxy", "node-1")
	l.kubectl(t, "expose", "pod", "web", "--name=late", "--port=80", "--target-port=8080")
	l.kubectl(t, "wait", `--for=jsonpath={.endpoints[0].conditions.ready}=true`, "endpointslice", "-l",
		"kubernetes.io/service-name=late", "--timeout=30s")
	l.fetches(t, true, "", "http://web")
	l.fetches(t, false, "no service has this cluster IP", "http://late")
	l.fault(t, "heal", "node-1")
	deadline := time.Now().Add(30 * time.Second)
	for ok := false; !ok; {
		if _, ok, _ = l.inClient(t, "curl", "-sS", "-m", "2", "http://late"); time.Now().After(deadline) {
			t.Fatal("the proxy that runs again has not learnt of the new Service")
		}
	}
}

func (l *lab) packetsLost(t *testing.T) {
	for _, lost := range []struct{ fault, because string }{
		{"cut pod/web", "fault: link is cut"},
		{"drop pod/web 1", "fault: lost by chance, 100 %"},
	} {
		// While the node knows who has the Pod's address: whom nobody answers, a packet is not sent to at all.
		l.fetches(t, true, "", "http://web")
		l.fault(t, strings.Fields(lost.fault)...)
		l.fetches(t, false, lost.because, "http://web")
		l.fault(t, "heal", "pod/web")
	}
	l.fetches(t, true, "", "http://web")
}

func (l *lab) powerCycle(t *testing.T) {
	l.fault(t, "power-off", "node-2")
	l.fetches(t, false, "fault: node-2 is powered off", "http://web")
	l.fault(t, "heal", "node-2")
	l.kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/web", "--timeout=60s")
	l.kubectl(t, "wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
	l.fetches(t, true, "", "http://web")
}

// isolated waits for the control plane to miss the node, and for the node to be back.
func (l *lab) isolated(t *testing.T) {
	l.kubectl(t, "wait", "--for=condition=Ready=Unknown", "node/node-3", "--timeout=90s")
	if left := l.fault(t, "heal"); len(left) > 0 {
		t.Errorf("broken are %q", left)
	}
	l.kubectl(t, "wait", "--for=condition=Ready", "node/node-3", "--timeout=60s")
}
