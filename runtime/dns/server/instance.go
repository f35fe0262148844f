package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/kubernetes"
	"github.com/miekg/dns"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// instance is a Corefile that is being served.
type instance struct {
	server   *Server
	corefile *corefile
	dns      *dnsserver.Server
	kube     []*kubernetes.Kubernetes
	stops    []func() error
	starts   sync.WaitGroup // of upstream's start functions
	up       chan struct{}  // closed when the fields above are complete

	mu   sync.Mutex
	http []*http.Server
	wg   sync.WaitGroup // of http
}

// start makes the plugins of a Corefile and waits until they can answer.
func (s *Server) start(ctx context.Context, text string) (_ *instance, err error) {
	in := &instance{server: s, up: make(chan struct{})}
	defer func() {
		if err != nil {
			in.stop()
		}
	}()
	if in.corefile, err = parseCorefile(text); err != nil {
		return nil, err
	}
	if err := in.startHTTP(ctx); err != nil { // first, so that the kubelet's first probe finds it
		return nil, err
	}
	var configs []*dnsserver.Config
	for i := range in.corefile.blocks {
		b := &in.corefile.blocks[i]
		for _, zone := range b.zones {
			config, err := in.config(ctx, b, zone)
			if err != nil {
				return nil, fmt.Errorf("set up the Corefile: %w", err)
			}
			configs = append(configs, config)
		}
	}
	if in.dns, err = dnsserver.NewServer("dns://:53", configs); err != nil {
		return nil, fmt.Errorf("set up the Corefile: %w", err)
	}
	close(in.up)
	return in, nil
}

// config makes the chain of plugins for one zone.
func (in *instance) config(ctx context.Context, b *block, zone string) (*dnsserver.Config, error) {
	config := &dnsserver.Config{Zone: zone, ListenHosts: []string{""}, Port: "53", Transport: "dns"}
	config.AddPlugin(func(next plugin.Handler) plugin.Handler {
		return &reporter{next: next, opts: &in.server.opts, errors: b.errors, log: b.log}
	})
	for _, d := range b.directives {
		var made []plugin.Plugin
		var err error
		switch d.name {
		case "kubernetes":
			made, err = in.kubernetes(ctx, b, d)
		case "forward":
			made = []plugin.Plugin{func(next plugin.Handler) plugin.Handler { return outside{} }}
		default:
			made, err = b.setup(d)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		for _, p := range made {
			config.AddPlugin(func(next plugin.Handler) plugin.Handler { return marker{p(next)} })
		}
	}
	return config, nil
}

// kubernetes makes upstream's kubernetes plugin with our client and starts it.
func (in *instance) kubernetes(ctx context.Context, b *block, d directive) ([]plugin.Plugin, error) {
	c := b.controller(d)
	c.Next()
	k, err := kubernetes.ParseStanza(c) // New alone would leave the start-up time-out zero
	if err != nil {
		return nil, err
	}
	k.ClientConfig = fixedConfig{in.server.opts.Config}
	start, stop, err := k.InitKubeCache(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	in.stops = append(in.stops, stop)
	// start looks for the end of its work every tenth of a second, which is long for a lab.
	started := make(chan error, 1)
	in.starts.Go(func() { started <- start() })
	in.kube = append(in.kube, k)
	tick := time.NewTicker(syncInterval)
	defer tick.Stop()
	for !k.Ready() {
		select {
		case err := <-started: // it has given up waiting
			if err != nil {
				return nil, err
			}
		case <-tick.C:
			continue
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		break
	}
	return []plugin.Plugin{func(next plugin.Handler) plugin.Handler { k.Next = next; return k }}, nil
}

// serve answers a query.
func (in *instance) serve(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) {
	ctx = context.WithValue(ctx, dnsserver.Key{}, in.dns)
	ctx = context.WithValue(ctx, dnsserver.LoopKey{}, 0)
	in.dns.ServeDNS(ctx, w, r)
}

// startHTTP serves health and readiness.
func (in *instance) startHTTP(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, one := range []struct {
		address, path string
		ready         func(ctx context.Context) bool
	}{
		{in.corefile.health, "/health", func(context.Context) bool { return true }},
		{in.corefile.ready, "/ready", in.ready},
	} {
		if one.address == "" {
			continue
		}
		l, err := in.server.opts.Sockets.Listen(ctx, "tcp", one.address)
		if err != nil {
			return fmt.Errorf("listen for %s: %w", one.path, err)
		}
		mux := http.NewServeMux()
		mux.HandleFunc(one.path, func(w http.ResponseWriter, r *http.Request) {
			if !one.ready(r.Context()) {
				http.Error(w, "kubernetes", http.StatusServiceUnavailable) // the plugin that is not ready
				return
			}
			fmt.Fprint(w, "OK")
		})
		h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second,
			BaseContext: func(net.Listener) context.Context { return ctx }}
		in.http = append(in.http, h)
		in.wg.Go(func() {
			if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				fmt.Fprintf(in.server.opts.Output, "[ERROR] %s: %v\n", one.path, err)
			}
		})
	}
	return nil
}

func (in *instance) stopHTTP() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, h := range in.http {
		_ = h.Close() // whoever probes finds out
	}
	in.http = nil // each Serve returns
	in.wg.Wait()
}

// syncInterval is how often the kubernetes plugin is asked whether it has read everything; patience is how long an answer
// about readiness waits for that. The kubelet asks for the first time when the container has just started, and then not for
// ten seconds.
const (
	syncInterval = 5 * time.Millisecond
	patience     = 500 * time.Millisecond
)

// ready reports whether queries are answered and all that the API knows was read.
func (in *instance) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, done := range []<-chan struct{}{in.up, in.server.ready} {
		select {
		case <-done:
		case <-ctx.Done():
			return false
		}
	}
	for _, k := range in.kube {
		if !k.Ready() {
			return false
		}
	}
	return true
}

func (in *instance) stop() {
	in.stopHTTP()
	for _, stop := range in.stops {
		_ = stop() // it is an error only when it is stopped already
	}
	in.stops = nil
	in.starts.Wait()
}

// fixedConfig is a [clientcmd.ClientConfig] that is known.
type fixedConfig struct{ c *rest.Config }

var _ clientcmd.ClientConfig = fixedConfig{}

func (f fixedConfig) RawConfig() (clientcmdapi.Config, error) { return clientcmdapi.Config{}, nil }
func (f fixedConfig) ClientConfig() (*rest.Config, error)     { return rest.CopyConfig(f.c), nil }
func (f fixedConfig) Namespace() (string, bool, error)        { return "default", false, nil }
func (f fixedConfig) ConfigAccess() clientcmd.ConfigAccess    { return nil }
