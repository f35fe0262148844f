package e2e

import (
	"strings"
	"testing"
)

// TestHostGateway has nodes that send Pods' packets to each other as they are, by routes.
func TestHostGateway(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.env = append(u.env, "KUBESTEP_NETWORK=host-gw")
	l := u.up(t)
	l.clientAndWeb(t)
	routed, crossed := false, 0
	for _, h := range hopsOf(traced(t, u, "--", "exec", "client", "--", "curl", "-s", "http://web")) {
		if headers := h.Data.Headers(); headers.VXLAN != nil || strings.HasPrefix(h.Point, "vxlan") {
			t.Fatalf("a packet in a tunnel at %s of %s", h.Point, h.Node)
		}
		routed = routed || h.Point == "routing" && h.Node == "node-1" && strings.HasSuffix(h.Rule, "via 192.168.50.12 dev eth0")
		if h.Point == "wire" && h.To == "default/web" {
			crossed++
		}
	}
	if !routed || crossed == 0 {
		t.Errorf("routed by the other node: %t, %d hops on the wire to the web Pod", routed, crossed)
	}
	if r := u.run(t, "", "up", "--network", "calico"); r.code != 2 || !strings.Contains(r.stderr, "there are [vxlan host-gw]") {
		t.Errorf("another network: %+v", r)
	}
}
