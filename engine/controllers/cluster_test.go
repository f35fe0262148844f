package controllers_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubestep/kubestep/engine/apiserver"
	"github.com/kubestep/kubestep/engine/controllers"
	"github.com/kubestep/kubestep/engine/etcd"
	"github.com/kubestep/kubestep/engine/kubeglobal"
	"github.com/kubestep/kubestep/engine/pki"
	"github.com/kubestep/kubestep/engine/scheduler"
	"github.com/kubestep/kubestep/engine/tap"
	"github.com/kubestep/kubestep/engine/trace"
)

// patience bounds every wait of the tests.
const patience = 60 * time.Second

// cluster is a control plane without nodes. A process can have one.
type cluster struct {
	t     *testing.T
	store *trace.Store
	gate  *gate
	// admin asks as somebody outside the lab does, tapped as "kubectl".
	admin kubernetes.Interface
	stop  []func() // in the order of stopping
}

// gate is a gate that tests can close.
type gate struct {
	mu    sync.Mutex
	match func(e *trace.Event) bool
	held  chan trace.Event
	open  chan struct{}
}

func (g *gate) Admit(ctx context.Context, e *trace.Event) error {
	g.mu.Lock()
	match, held, open := g.match, g.held, g.open
	g.mu.Unlock()
	if match == nil || !match(e) {
		return nil
	}
	held <- *e
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hold holds from now on what matches. What is held comes on the channel; release lets all of it go.
func (g *gate) hold(match func(e *trace.Event) bool) (held <-chan trace.Event, release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h, open := make(chan trace.Event, 1000), make(chan struct{})
	g.match, g.held, g.open = match, h, open
	return h, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.match = nil
		close(open)
	}
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	logFile, err := os.Create(filepath.Join(dir, "log"))
	check(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			raw, _ := os.ReadFile(logFile.Name())
			t.Logf("the end of the components' log:\n%s", raw[max(0, len(raw)-8000):])
		}
	})
	check(t, kubeglobal.Setup(kubeglobal.Options{Log: logFile}))
	log := slog.New(slog.NewTextHandler(logFile, nil))

	c := &cluster{t: t, store: trace.NewStore(trace.Limits{}), gate: &gate{}}
	t.Cleanup(c.close)
	tapped := trace.NewTap(c.store, c.gate)
	certs, err := pki.Ensure(pki.Options{Dir: filepath.Join(dir, "pki"), ServiceIP: net.IPv4(10, 96, 0, 1)})
	check(t, err)

	sockets, err := os.MkdirTemp("", "ks") // short: the path of a socket is
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	etcdConfig, err := etcd.Options{Dir: filepath.Join(dir, "etcd"), SocketDir: sockets, Log: logFile}.Complete()
	check(t, err)
	member, err := etcd.New(etcdConfig)
	check(t, err)
	c.run("etcd", member.Run, member.Ready())
	c.run("commits", func(ctx context.Context) error { return member.Report(ctx, tapped) }, nil)

	serverConfig, err := apiserver.Options{
		Etcd: member.Endpoint(), Certificates: certs, ServiceRange: "10.96.0.0/16", Tap: tapped, Log: log,
	}.Complete()
	check(t, err)
	server, err := apiserver.New(serverConfig)
	check(t, err)
	c.run("apiserver", server.Run, server.Ready())

	identity := func(p pki.Pair) *rest.Config {
		return &rest.Config{Host: server.URL(), QPS: 500, Burst: 1000, TLSClientConfig: rest.TLSClientConfig{
			CAFile: certs.CA.CertFile, CertFile: p.CertFile, KeyFile: p.KeyFile,
		}}
	}
	manager, err := controllers.New(controllers.Options{
		Config: identity(certs.ControllerManager), Tap: tapped, Log: log,
		CACertFile: certs.CA.CertFile, CAKeyFile: certs.CA.KeyFile, RootCAFile: certs.CA.CertFile,
		ServiceAccountKeyFile: certs.ServiceAccountKeyFile,
		ClusterCIDR:           "10.244.0.0/16", ServiceCIDR: "10.96.0.0/16",
	})
	check(t, err)
	c.run("controllers", manager.Run, manager.Ready())
	sched, err := scheduler.New(scheduler.Options{Config: identity(certs.Scheduler), Tap: tapped, Log: log})
	check(t, err)
	c.run("scheduler", sched.Run, sched.Ready())

	admin := identity(certs.Admin)
	admin.Wrap(tap.New(tapped, tap.Client{Actor: "kubectl", Root: true}))
	c.admin, err = kubernetes.NewForConfig(admin)
	check(t, err)
	return c
}

// run starts a part and waits until it is ready. It is stopped before all that were started earlier.
func (c *cluster) run(name string, run func(ctx context.Context) error, ready <-chan struct{}) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.t.Context()))
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- run(ctx) }()
	stop := func() {
		began := time.Now()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				c.t.Errorf("%s stopped with %v", name, err)
			}
			c.t.Logf("%s stopped after %v", name, time.Since(began).Round(time.Millisecond))
		case <-time.After(patience):
			c.t.Errorf("%s does not stop", name)
		}
	}
	c.stop = append([]func(){stop}, c.stop...)
	if ready == nil {
		return
	}
	select {
	case <-ready:
		c.t.Logf("%s is ready after %v", name, time.Since(began).Round(time.Millisecond))
	case err := <-ended:
		ended <- err
		c.t.Fatalf("%s ended before it was ready: %v", name, err)
	case <-time.After(patience):
		c.t.Fatalf("%s does not become ready", name)
	}
}

func (c *cluster) close() {
	for _, stop := range c.stop {
		stop()
	}
}

// until waits until the events so far satisfy done.
func (c *cluster) until(what string, done func(events []trace.Event) bool) []trace.Event {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		b := c.store.Since(0)
		if done(b.Events) {
			return b.Events
		}
		if c.store.Wait(ctx, b.Next) != nil {
			c.t.Fatalf("waiting for %s took too long", what)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
