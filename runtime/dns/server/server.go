package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/kubestep/kubestep/engine/trace"
	lab "github.com/kubestep/kubestep/runtime/dns"
)

// Sockets is where the server listens: a Pod's network.
type Sockets interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// Options say what a server is. Config, Corefile and Sockets are needed.
type Options struct {
	// Config is the server's access to the API. It needs what the ClusterRole system:coredns allows.
	Config   *rest.Config
	Corefile string
	Sockets  Sockets
	// Output takes what CoreDNS prints: the container's standard output. Nothing by default.
	Output io.Writer
	Tracer *lab.Tracer  // may be nil
	Actor  string       // in the trace; "coredns" by default
	Pod    trace.Object // the server's own; may be empty
	Clock  clock.Clock  // of the lameduck time; the real one by default
}

// Server is one CoreDNS. Make it with New.
type Server struct {
	opts    Options
	current atomic.Pointer[instance]
	reloads chan string
	ready   chan struct{}
}

// New checks the Corefile and returns a server. [Server.Run] starts it.
func New(o Options) (*Server, error) {
	if o.Config == nil || o.Sockets == nil {
		return nil, errors.New("make a DNS server: Options.Config and Options.Sockets are needed")
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	if o.Actor == "" {
		o.Actor = "coredns"
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if _, err := parseCorefile(o.Corefile); err != nil {
		return nil, err
	}
	return &Server{opts: o, reloads: make(chan string), ready: make(chan struct{})}, nil
}

// Ready is closed when queries are answered and the API's objects were read for the first time, or CoreDNS gave up
// waiting for them (5 s; it then answers SERVFAIL until it has them).
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Reload replaces the Corefile of a running server without losing a query. A Corefile that is wrong changes nothing but
// the server's output.
func (s *Server) Reload(ctx context.Context, corefile string) {
	select {
	case s.reloads <- corefile:
	case <-ctx.Done():
	}
}

// Run serves until ctx ends; then, after the Corefile's lameduck time, it stops answering, and returns when none of its
// goroutines is left. It is called once. When kill ends, it does not wait for the lameduck time.
func (s *Server) Run(ctx, kill context.Context) (err error) {
	first, err := s.start(ctx, s.opts.Corefile)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // stopped before it was up
	}
	if err != nil {
		return err
	}
	s.current.Store(first)
	defer func() { s.current.Load().stop() }()

	packets, err := s.opts.Sockets.ListenPacket(ctx, "udp", ":53")
	if err != nil {
		return fmt.Errorf("listen for DNS: %w", err)
	}
	defer packets.Close()
	listener, err := s.opts.Sockets.Listen(ctx, "tcp", ":53")
	if err != nil {
		return fmt.Errorf("listen for DNS: %w", err)
	}
	defer listener.Close()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) { s.current.Load().serve(ctx, w, r) })
	both := []*dns.Server{
		{PacketConn: packets, Handler: handler, UDPSize: dns.MaxMsgSize},
		{Listener: listener, Handler: handler},
	}
	ended := make(chan error, len(both))
	for _, d := range both {
		up := make(chan struct{})
		d.NotifyStartedFunc = func() { close(up) }
		go func() { ended <- d.ActivateAndServe() }()
		select {
		case <-up:
		case err := <-ended:
			return fmt.Errorf("serve DNS: %w", err)
		}
	}
	fmt.Fprintf(s.opts.Output, ".:53\nCoreDNS-%s\n", version)
	close(s.ready)

	left := len(both)
	for running := true; running; {
		select {
		case corefile := <-s.reloads:
			s.replace(ctx, corefile)
		case err = <-ended:
			left--
			err = fmt.Errorf("serve DNS: %w", err)
			running = false
		case <-ctx.Done():
			running = false
		}
	}
	if err == nil {
		s.lameduck(kill)
	}
	for _, d := range both {
		stopping, cancel := context.WithTimeout(kill, stopTimeout)
		_ = d.ShutdownContext(stopping) // it fails when it is not running, and when a client keeps its connection
		cancel()
	}
	packets.Close()
	listener.Close()
	for ; left > 0; left-- {
		<-ended
	}
	return err
}

// stopTimeout bounds the wait for queries that are being answered.
const stopTimeout = time.Second

func (s *Server) lameduck(kill context.Context) {
	d := s.current.Load().corefile.lameduck
	if d <= 0 {
		return
	}
	fmt.Fprintf(s.opts.Output, "[INFO] plugin/health: Going into lameduck mode for %s\n", d)
	select {
	case <-s.opts.Clock.After(d):
	case <-kill.Done():
	}
}

// replace starts an instance beside the one that runs, and lets it take over.
func (s *Server) replace(ctx context.Context, corefile string) {
	old := s.current.Load()
	if corefile == old.corefile.text {
		return
	}
	fmt.Fprintln(s.opts.Output, "[INFO] Reloading")
	// The health ports can be listened on only once.
	old.stopHTTP()
	next, err := s.start(ctx, corefile)
	if err != nil {
		fmt.Fprintf(s.opts.Output, "[ERROR] Corefile changed but reload failed: %v\n", err)
		if err := old.startHTTP(ctx); err != nil {
			fmt.Fprintf(s.opts.Output, "[ERROR] %v\n", err)
		}
		return
	}
	s.current.Store(next)
	old.stop()
	fmt.Fprintln(s.opts.Output, "[INFO] Reloading complete")
}
