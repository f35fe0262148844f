package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// healthChecks answers load balancers that ask a node whether it has endpoints of a Service: on the node's address, at the
// healthCheckNodePort of Services with externalTrafficPolicy: Local. It is what pkg/proxy/healthcheck does, on the lab's
// network. It belongs to one life of a proxy.
type healthChecks struct {
	listen func(ctx context.Context, port uint16) (net.Listener, error)
	log    *slog.Logger
	open   map[types.NamespacedName]*healthCheck
	served sync.WaitGroup
}

type healthCheck struct {
	port   uint16
	server *http.Server

	mu    sync.Mutex
	local int // ready endpoints on the node
}

func newHealthChecks(listen func(ctx context.Context, port uint16) (net.Listener, error), log *slog.Logger) *healthChecks {
	return &healthChecks{listen: listen, log: log, open: map[types.NamespacedName]*healthCheck{}}
}

// sync listens at exactly these ports and answers with these numbers of endpoints.
func (h *healthChecks) sync(ctx context.Context, ports map[types.NamespacedName]uint16, local map[types.NamespacedName]int) {
	for name, c := range h.open {
		if ports[name] != c.port {
			_ = c.server.Close() // whoever asks finds out
			delete(h.open, name)
		}
	}
	for name, port := range ports {
		c := h.open[name]
		if c == nil {
			var err error
			if c, err = h.serve(ctx, name, port); err != nil {
				h.log.Warn("listen for health checks", "service", name.String(), "port", port, "error", err)
				continue // the next change tries again
			}
			h.open[name] = c
		}
		c.mu.Lock()
		c.local = local[name]
		c.mu.Unlock()
	}
}

func (h *healthChecks) serve(ctx context.Context, name types.NamespacedName, port uint16) (*healthCheck, error) {
	l, err := h.listen(ctx, port)
	if err != nil {
		return nil, err
	}
	c := &healthCheck{port: port}
	c.server = &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w, name) }),
	}
	h.served.Go(func() {
		if err := c.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			h.log.Info("health checks ended", "service", name.String(), "error", err) // as when the node loses its power
		}
	})
	return c, nil
}

// answer says what kube-proxy says.
func (c *healthCheck) answer(w http.ResponseWriter, name types.NamespacedName) {
	c.mu.Lock()
	local := c.local
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Load-Balancing-Endpoint-Weight", strconv.Itoa(local))
	if local == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "\t")
	_ = out.Encode(healthAnswer{healthService{name.Namespace, name.Name}, local, true}) // or the client has gone
}

type healthAnswer struct {
	Service             healthService `json:"service"`
	LocalEndpoints      int           `json:"localEndpoints"`
	ServiceProxyHealthy bool          `json:"serviceProxyHealthy"`
}

type healthService struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// close ends all of them.
func (h *healthChecks) close() {
	for _, c := range h.open {
		_ = c.server.Close()
	}
	h.served.Wait()
}
