package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// TestHealthChecks asks a node, from another one, whether it has endpoints of a Service.
func TestHealthChecks(t *testing.T) {
	n := newNetwork(t)
	node, off := newNode(t, n, "node-1", 11, "10.244.1.0/24")
	defer off()
	other, otherOff := newNode(t, n, "node-2", 12, "10.244.2.0/24")
	defer otherOff()
	checks := newHealthChecks(node.listen, slog.New(slog.DiscardHandler))
	defer checks.close()
	web := types.NamespacedName{Namespace: "default", Name: "web"}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return other.Dial(ctx, network, address)
		}}}
	ask := func(port int) string {
		resp, err := client.Get(fmt.Sprintf("http://192.168.50.11:%d/healthz", port))
		if err != nil {
			return "refused"
		}
		defer resp.Body.Close()
		return fmt.Sprint(resp.StatusCode, " weight ", resp.Header.Get("X-Load-Balancing-Endpoint-Weight"))
	}
	for end := time.Now().Add(deadline); ; { // until the nodes have joined
		_, err := other.Dial(t.Context(), "tcp", "192.168.50.11:1")
		if errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		ports map[types.NamespacedName]uint16
		local int
		want  string
	}{
		{map[types.NamespacedName]uint16{web: 30100}, 2, "30100: 200 weight 2, 30101: refused"},
		{map[types.NamespacedName]uint16{web: 30100}, 0, "30100: 503 weight 0, 30101: refused"},
		{map[types.NamespacedName]uint16{web: 30101}, 1, "30100: refused, 30101: 200 weight 1"},
		{nil, 1, "30100: refused, 30101: refused"},
	} {
		checks.sync(t.Context(), step.ports, map[types.NamespacedName]int{web: step.local})
		var got []string
		for _, port := range []int{30100, 30101} {
			got = append(got, fmt.Sprintf("%d: %s", port, ask(port)))
		}
		if s := strings.Join(got, ", "); s != step.want {
			t.Errorf("%v with %d endpoints: %s, want %s", step.ports, step.local, s, step.want)
		}
	}
}
