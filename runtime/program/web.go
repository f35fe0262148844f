package program

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// unreadyFile makes /readyz of [Web] fail as long as it exists: kubectl exec POD -- touch /tmp/unready.
const unreadyFile = "/tmp/unready"

// Web is a small HTTP server, "web [--port 8080] [--start-delay 5s] [--drain 2s]". Its version is the environment's
// VERSION, which the image sets. On SIGTERM it finishes the requests it has, not-ready for the drain time first, and
// exits with 0.
//
// Paths: / is the page; /healthz; /readyz (503 while it drains, after POST /ready?ok=false, or while /tmp/unready exists);
// /echo repeats the request and says who asked; /from says only that, /hostname only who answers; /slow?d=2s answers late.
func Web(ctx context.Context, w *World) int {
	flags := newFlags(w, "web [--port 8080] [--start-delay 5s] [--drain 2s]",
		"Serves HTTP: / /healthz /readyz /hostname /from /echo /slow?d=2s; POST /ready?ok=false or touch /tmp/unready make /readyz fail.")
	port := flags.Int("port", envInt(w, "PORT", 8080), "port to listen on")
	startDelay := flags.Duration("start-delay", 0, "how long to wait before listening")
	drain := flags.Duration("drain", 0, "how long to go on serving after SIGTERM, not ready")
	if code, ok := flags.parse(); !ok {
		return code
	}
	signals := w.Signals.Notify(SIGTERM, SIGINT)
	s := &webServer{w: w, version: w.Getenv("VERSION"), stopping: make(chan struct{})}
	if *startDelay > 0 {
		fmt.Fprintf(w.Stdout, "web %s starting, ready in %s\n", s.version, *startDelay)
		if wait(ctx, w, *startDelay, signals) {
			return 0
		}
	}
	l, err := w.Network.Listen(ctx, "tcp", ":"+strconv.Itoa(*port))
	if err != nil {
		fmt.Fprintf(w.Stderr, "web: listen on port %d: %v\n", *port, err)
		return 1
	}
	server := &http.Server{
		Handler:           s.handler(),
		ErrorLog:          log.New(w.Stderr, "web: ", 0),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintf(w.Stdout, "web %s listening on port %d\n", s.version, *port)
	select {
	case err := <-served:
		fmt.Fprintf(w.Stderr, "web: %v\n", err)
		return 1
	case sig := <-signals:
		fmt.Fprintf(w.Stdout, "web %s got %s, shutting down\n", s.version, sig)
		close(s.stopping)
		wait(ctx, w, *drain, nil)
		err = server.Shutdown(ctx)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		server.Close()
		<-served
		return SIGKILL.ExitCode()
	}
	<-served
	fmt.Fprintf(w.Stdout, "web %s stopped\n", s.version)
	return 0
}

// wait waits for d and reports whether a signal or the end came first.
func wait(ctx context.Context, w *World, d time.Duration, signals <-chan Signal) (interrupted bool) {
	if d <= 0 {
		return ctx.Err() != nil
	}
	timer := w.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return false
	case <-signals:
	case <-ctx.Done():
	}
	return true
}

func envInt(w *World, name string, otherwise int) int {
	if n, err := strconv.Atoi(w.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

type webServer struct {
	w        *World
	version  string
	stopping chan struct{}
	unready  atomic.Bool // as POST /ready?ok=false has it
}

func (s *webServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("POST /ready", s.setReady)
	mux.HandleFunc("GET /hostname", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, s.w.Hostname) })
	mux.HandleFunc("GET /from", func(rw http.ResponseWriter, r *http.Request) { fmt.Fprintln(rw, r.RemoteAddr) })
	mux.HandleFunc("/echo", s.echo)
	mux.HandleFunc("GET /slow", s.slow)
	mux.HandleFunc("GET /{$}", s.page)
	return s.logged(mux)
}

func (s *webServer) page(rw http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(rw, "web %s\nhost: %s\n", s.version, s.w.Hostname)
}

func (s *webServer) ready(rw http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.stopping:
		http.Error(rw, "stopping", http.StatusServiceUnavailable)
		return
	default:
	}
	if s.unready.Load() {
		http.Error(rw, "not ready, as asked", http.StatusServiceUnavailable)
		return
	}
	if _, err := s.w.Files.Stat(unreadyFile, true); err == nil {
		http.Error(rw, unreadyFile+" exists", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(rw, "ready")
}

// setReady makes /readyz fail or not: curl -X POST 'http://web:8080/ready?ok=false'.
func (s *webServer) setReady(rw http.ResponseWriter, r *http.Request) {
	ok, err := strconv.ParseBool(r.FormValue("ok"))
	if err != nil {
		http.Error(rw, "say whether it is ready: POST /ready?ok=false", http.StatusBadRequest)
		return
	}
	s.unready.Store(!ok)
	fmt.Fprintf(rw, "ready: %v\n", ok)
}

func (s *webServer) echo(rw http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(rw, "%s %s %s\nhost: %s\nfrom: %s\n", r.Method, r.RequestURI, r.Proto, r.Host, r.RemoteAddr)
	if err := r.Header.Write(rw); err != nil {
		return
	}
	fmt.Fprintln(rw)
	_, _ = io.Copy(rw, io.LimitReader(r.Body, 1<<20)) // the reader of the answer sees where it stopped
}

func (s *webServer) slow(rw http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.URL.Query().Get("d"))
	if err != nil {
		http.Error(rw, "say how slow: /slow?d=2s", http.StatusBadRequest)
		return
	}
	if wait(r.Context(), s.w, d, nil) {
		return
	}
	fmt.Fprintf(rw, "web %s\nhost: %s\nafter: %s\n", s.version, s.w.Hostname, d)
}

// logged writes a line for each request but the probes', which come every few seconds and say nothing.
func (s *webServer) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := &statusRecorder{ResponseWriter: rw, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		if rec.status >= 400 || !strings.HasSuffix(r.URL.Path, "z") {
			fmt.Fprintf(s.w.Stdout, "%s %s %d from %s\n", r.Method, r.URL.Path, rec.status, r.RemoteAddr)
		}
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
