package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// Server is one API server. Its methods are safe for concurrent use.
type Server struct {
	config   Config
	listener net.Listener
	ready    chan struct{}
	steps    steps
	// complete is set when the server has set itself up: its own requests are events of the lab only from then on.
	complete atomic.Bool
}

// New takes the port, so that the URL is known and nobody else can have it.
func New(c Config) (*Server, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(c.options.Port))
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listening on %s: the port is taken; end what listens there, or choose another port (0 takes any): %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return &Server{config: c, listener: listener, ready: make(chan struct{})}, nil
}

// Close gives the port back when Run is not going to be called.
func (s *Server) Close() error { return s.listener.Close() }

// URL returns where the server listens: "https://127.0.0.1:6443".
func (s *Server) URL() string { return "https://" + s.listener.Addr().String() }

// Address returns where the server listens: "127.0.0.1:6443".
func (s *Server) Address() string { return s.listener.Addr().String() }

// Ready is closed when the components of a cluster can start: the server answers, knows who may do what, and the
// namespaces that they use exist. That is up to a second before [Server.Readyz], which waits for two bootstrap steps that
// begin by sleeping (k8s.io/kubernetes pkg/registry/rbac/rest/storage_rbac.go, EnsureRBACPolicy).
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Steps returns how long each step of the start took, in order. It must be called after Ready.
func (s *Server) Steps() []Step { return s.steps }

// Run starts the server and blocks until ctx ends, which is no error, or the server fails. When it returns, the server
// has answered or given up every request, listens no more and has closed its connections to etcd; some of upstream's
// goroutines end only moments later. It is called once.
//
// Requests that are held when ctx ends are waited for, up to a minute: release them first.
func (s *Server) Run(ctx context.Context) error {
	defer s.listener.Close()
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	config, err := s.build(ctx)
	if err != nil {
		return fmt.Errorf("building the API server: %w", err)
	}
	loopback := config.Aggregator.GenericConfig.LoopbackClientConfig
	authorizer := config.Aggregator.GenericConfig.Authorization.Authorizer
	s.dialInsideLab(config)
	s.advertise(config)
	if s.config.options.Tap != nil {
		s.tap(config)
	}
	completed, err := config.Complete()
	if err != nil {
		return fmt.Errorf("completing the API server's configuration: %w", err)
	}
	chain, err := app.CreateServerChain(completed)
	if err != nil {
		return fmt.Errorf("building the API server: %w", err)
	}
	prepared, err := chain.PrepareRun()
	if err != nil {
		return fmt.Errorf("preparing the API server: %w", err)
	}
	s.steps.done("built", began)

	ended := make(chan error, 1)
	go func() { ended <- prepared.Run(ctx) }()
	started := make(chan error, 1)
	go func() { started <- s.awaitReady(ctx, loopback, authorizer, began) }()
	select {
	case err = <-ended:
		cancel()
		<-started
	case err = <-started:
		if err == nil {
			close(s.ready)
			err = s.watchOver(ctx, ended)
			break
		}
		cancel()
		<-ended
		if errors.Is(err, context.Canceled) {
			err = nil // ctx ended before the server was ready
		}
	}
	if err != nil {
		return fmt.Errorf("running the API server: %w", err)
	}
	return nil
}

// watchOver waits for the server's end, and meanwhile for the end of its start.
func (s *Server) watchOver(ctx context.Context, ended <-chan error) error {
	ctx, cancel := context.WithCancel(ctx)
	var polling sync.WaitGroup
	polling.Go(func() {
		ticker := time.NewTicker(readyzPoll)
		defer ticker.Stop()
		for s.Readyz(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
		s.complete.Store(true)
	})
	err := <-ended
	cancel()
	polling.Wait()
	return err
}

// build makes upstream's configuration.
func (s *Server) build(ctx context.Context) (*app.Config, error) {
	o := s.config.upstream
	o.SecureServing.Listener = s.listener
	o.SecureServing.BindPort = s.listener.Addr().(*net.TCPAddr).Port
	if s.config.options.Tap != nil {
		o.Admission.GenericAdmission.Decorators = append(o.Admission.GenericAdmission.Decorators, admissionTap{})
	}
	completed, err := o.Complete(ctx)
	if err != nil {
		return nil, err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return nil, utilerrors.NewAggregate(errs)
	}
	return app.NewConfig(completed)
}

// tap puts the taps into c. The aggregator is the outermost of the three servers: its chain is what every request goes
// through, and the other two's chains are not used. Each of the three stores objects.
func (s *Server) tap(c *app.Config) {
	o := s.config.options
	outer := c.Aggregator.GenericConfig
	outer.Authentication.Authenticator = authenticatorTap{outer.Authentication.Authenticator}
	outer.Authorization.Authorizer = authorizerTap{outer.Authorization.Authorizer}
	if outer.FlowControl != nil {
		outer.FlowControl = fairnessTap{outer.FlowControl}
	}
	requests := &requestTap{
		tap: o.Tap, every: o.EveryPlugin, starting: func() bool { return !s.complete.Load() }, kinds: newKinds(), loopbackToken: outer.LoopbackClientConfig.BearerToken,
	}
	build := outer.BuildHandlerChainFunc
	outer.BuildHandlerChainFunc = requests.around(build)

	prefix := s.config.upstream.Etcd.StorageConfig.Prefix
	kube := c.KubeAPIs.ControlPlane.Generic
	kube.RESTOptionsGetter = storageTap{kube.RESTOptionsGetter, prefix}
	outer.RESTOptionsGetter = storageTap{outer.RESTOptionsGetter, prefix}
	crds := c.ApiExtensions
	crds.GenericConfig.RESTOptionsGetter = storageTap{crds.GenericConfig.RESTOptionsGetter, prefix}
	crds.ExtraConfig.CRDRESTOptionsGetter = storageTap{crds.ExtraConfig.CRDRESTOptionsGetter, prefix}
}

// Readyz reports whether the server's own /readyz says ok, or why not. It is served to everybody.
func (s *Server) Readyz(ctx context.Context) error {
	config := &rest.Config{Host: s.URL()}
	config.CAFile = s.config.options.Certificates.CA.CertFile
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return fmt.Errorf("making a client for the API server: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking the API server whether it is ready: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the API server whether it is ready: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the API server is not ready: %s", response.Status)
	}
	return nil
}
