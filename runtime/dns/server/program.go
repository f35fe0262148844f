package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"k8s.io/client-go/rest"

	"github.com/kubestep/kubestep/engine/trace"
	lab "github.com/kubestep/kubestep/runtime/dns"
	"github.com/kubestep/kubestep/runtime/program"
)

// Image is the image that the Deployment coredns runs. It has upstream's name, because it is upstream's code.
const Image = "registry.k8s.io/coredns/coredns:v" + version

// ProgramOptions say how the program takes part in the lab. All may be empty.
type ProgramOptions struct {
	Tracer *lab.Tracer
	// Wrap taps the program's requests to the API server.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Definition is the image with CoreDNS as its only program.
func Definition(o ProgramOptions) program.Definition {
	return program.Definition{
		Name: Image,
		Config: ocispec.ImageConfig{Env: []string{"PATH=/bin"}, Entrypoint: []string{"/bin/coredns"},
			ExposedPorts: map[string]struct{}{"53/tcp": {}, "53/udp": {}}},
		Programs: map[string]program.Program{"coredns": Program(o)},
	}
}

// serviceAccount is where the kubelet mounts a Pod's credentials.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"

// reloadInterval is how often the Corefile is looked at when it has the directive reload: upstream's default.
const reloadInterval = 30 * time.Second

// Program returns CoreDNS as a container's program: "coredns [-conf Corefile]". It uses the API as its Pod's
// ServiceAccount, by way of the Service that the environment names. On SIGTERM it goes on for the lameduck time of its
// Corefile, and exits with 0.
func Program(o ProgramOptions) program.Program {
	return func(ctx context.Context, w *program.World) int {
		if err := run(ctx, w, o); err != nil {
			fmt.Fprintf(w.Stdout, "plugin/kubernetes: %v\n", err)
			return 1
		}
		return 0
	}
}

func run(kill context.Context, w *program.World, o ProgramOptions) error {
	flags := flag.NewFlagSet("coredns", flag.ContinueOnError)
	flags.SetOutput(w.Stderr)
	conf := flags.String("conf", "Corefile", "Corefile to load")
	if err := flags.Parse(w.Args[1:]); err != nil {
		return err
	}
	corefile, err := readFile(w, w.Abs(*conf))
	if err != nil {
		return err
	}
	api, transport, err := inCluster(w)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	if o.Wrap != nil {
		api.Wrap(o.Wrap)
	}
	s, err := New(Options{Config: api, Corefile: string(corefile), Sockets: w.Network, Output: w.Stdout, Tracer: o.Tracer,
		Pod:   trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace(w), Name: w.Hostname},
		Clock: w.Clock})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(kill)
	defer cancel()
	signals := w.Signals.Notify(program.SIGTERM, program.SIGINT)
	go func() {
		select {
		case <-signals:
			fmt.Fprintln(w.Stdout, "[INFO] SIGTERM: Shutting down servers then terminating")
			cancel()
		case <-ctx.Done():
		}
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(ctx, w, s, w.Abs(*conf))
	}()
	err = s.Run(ctx, kill)
	cancel()
	<-watched
	return err
}

// watch reloads the server when its Corefile changes, as the directive reload asks.
func watch(ctx context.Context, w *program.World, s *Server, name string) {
	timer := w.Clock.NewTimer(reloadInterval)
	defer timer.Stop()
	for {
		select {
		case <-timer.C():
		case <-ctx.Done():
			return
		}
		timer.Reset(reloadInterval)
		if in := s.current.Load(); in == nil || !in.corefile.reload {
			continue
		}
		if text, err := readFile(w, name); err == nil {
			s.Reload(ctx, string(text))
		}
	}
}

func namespace(w *program.World) string {
	text, _ := readFile(w, serviceAccount+"namespace") // it names the Pod in the trace only
	return string(text)
}

func readFile(w *program.World, name string) ([]byte, error) {
	f, err := w.Files.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// inCluster is rest.InClusterConfig for a program of the lab, whose files, environment and network are its World's. The
// transport is returned as well, because whoever made it closes its idle connections.
func inCluster(w *program.World) (*rest.Config, *http.Transport, error) {
	host, port := w.Getenv("KUBERNETES_SERVICE_HOST"), w.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, nil, rest.ErrNotInCluster
	}
	if _, err := readFile(w, serviceAccount+"token"); err != nil {
		return nil, nil, err
	}
	ca, err := readFile(w, serviceAccount+"ca.crt")
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, nil, errors.New("read " + serviceAccount + "ca.crt: no certificate in it")
	}
	// net/http's HTTP/2 sends no pings of its own, which would give the connection up while a packet is held.
	transport := &http.Transport{DialContext: w.Network.Dial, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	config := &rest.Config{Host: "https://" + net.JoinHostPort(host, port), Transport: &bearer{w, transport},
		UserAgent: "CoreDNS/" + version, QPS: -1}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	return config, transport, nil
}

// bearer authenticates as the Pod's ServiceAccount. The kubelet replaces the token now and then, so it is read each time.
type bearer struct {
	w    *program.World
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := readFile(b.w, serviceAccount+"token")
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return b.next.RoundTrip(r)
}
