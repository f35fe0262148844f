package inproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"github.com/kubestep/kubestep/engine/trace"
)

// streamServer serves what Exec, Attach and PortForward return URLs of. The kubelet connects to such a URL itself, with a
// plain dialer (pkg/kubelet/server: proxy.NewUpgradeAwareHandler without a transport), so it must be a host's socket: a
// port of 127.0.0.1. Each URL holds a random token, works once, and for a minute.
type streamServer struct {
	streaming.Server
	listener net.Listener
	http     *http.Server
}

func newStreamServer(r *Runtime, log *slog.Logger) (*streamServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback for exec, attach and port-forward: %w", err)
	}
	config := streaming.DefaultConfig
	config.Addr = l.Addr().String()
	config.BaseURL = &url.URL{Scheme: "http", Host: config.Addr}
	server, err := streaming.NewServer(config, streamRuntime{r})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the streaming server: %w", err), l.Close())
	}
	return &streamServer{Server: server, listener: l, http: &http.Server{
		Handler:           caused(server),
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return r.life },
	}}, nil
}

// run serves until ctx ends.
func (s *streamServer) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.http.Close() }) // ends Serve, which reports
	defer stop()
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve exec, attach and port-forward: %w", err)
	}
	return nil
}

// Exec implements the CRI.
func (r *Runtime) Exec(ctx context.Context, req *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	if _, err := r.running(req.GetContainerId()); err != nil {
		return nil, err
	}
	resp, err := r.streams.GetExec(req)
	if err == nil {
		resp.Url = withCause(ctx, resp.Url)
	}
	return resp, err
}

// causeParam carries the number of a call's event from the URL that the call returned to what a client does with it.
const causeParam = "cause"

// causeMark stands between a sandbox's ID, which is hexadecimal, and the number of a call's event.
const causeMark = "@"

func withCause(ctx context.Context, to string) string {
	if cause, ok := trace.CauseFrom(ctx); ok {
		to += "?" + causeParam + "=" + strconv.FormatUint(cause, 10) // the server's URLs have no query
	}
	return to
}

func caused(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if cause, err := strconv.ParseUint(req.URL.Query().Get(causeParam), 10, 64); err == nil {
			req = req.WithContext(trace.WithCause(req.Context(), cause))
		}
		next.ServeHTTP(w, req)
	})
}

// Attach implements the CRI.
func (r *Runtime) Attach(_ context.Context, req *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	if _, err := r.running(req.GetContainerId()); err != nil {
		return nil, err
	}
	return r.streams.GetAttach(req)
}

// PortForward implements the CRI.
func (r *Runtime) PortForward(ctx context.Context, req *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	r.mu.Lock()
	s := r.sandboxes[req.GetPodSandboxId()]
	r.mu.Unlock()
	if s == nil {
		return nil, notFound("sandbox", req.GetPodSandboxId())
	}
	// Unlike the other streams, these get a context of the library's own: the cause travels with the sandbox's name.
	id := req.GetPodSandboxId()
	if cause, ok := trace.CauseFrom(ctx); ok {
		id += causeMark + strconv.FormatUint(cause, 10)
	}
	return r.streams.GetPortForward(&runtimeapi.PortForwardRequest{PodSandboxId: id, Port: req.GetPort()})
}

// streamRuntime is what the streaming server calls when a client has come.
type streamRuntime struct{ r *Runtime }

// Exec implements streaming.Runtime.
func (s streamRuntime) Exec(
	ctx context.Context, id string, cmd []string, in io.Reader, out, errOut io.WriteCloser, tty bool,
	resize <-chan remotecommand.TerminalSize,
) error {
	go drain(resize)
	return s.r.execStream(ctx, id, cmd, in, writer(out), writer(errOut), tty)
}

// Attach implements streaming.Runtime.
func (s streamRuntime) Attach(
	ctx context.Context, id string, in io.Reader, out, errOut io.WriteCloser, tty bool,
	resize <-chan remotecommand.TerminalSize,
) error {
	go drain(resize)
	return s.r.attachStream(ctx, id, in, writer(out), writer(errOut), tty)
}

// PortForward implements streaming.Runtime.
func (s streamRuntime) PortForward(ctx context.Context, id string, port int32, stream io.ReadWriteCloser) error {
	id, mark, _ := strings.Cut(id, causeMark)
	if cause, err := strconv.ParseUint(mark, 10, 64); err == nil {
		ctx = trace.WithCause(ctx, cause)
	}
	return s.r.forwardPort(ctx, id, port, stream)
}

// writer keeps a nil stream a nil interface.
func writer(w io.WriteCloser) io.Writer {
	if w == nil {
		return nil
	}
	return w
}

// drain takes sizes of the client's terminal, which programs do not ask for, until the client goes.
func drain(resize <-chan remotecommand.TerminalSize) {
	if resize == nil {
		return
	}
	for range resize {
		continue
	}
}
