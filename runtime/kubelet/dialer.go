package kubelet

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpchealth "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	v1 "k8s.io/api/core/v1"
	"k8s.io/component-base/version"
	"k8s.io/kubernetes/pkg/probe"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
	"k8s.io/utils/exec"
)

// errNoNetwork is what probes say while the lab's nodes have no network for their Pods.
var errNoNetwork = errors.New("this lab has no packet network, so the kubelet cannot reach the Pod; use an exec probe")

// DialFunc connects from a node to an address of the lab's network.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// TimeoutFunc is [context.WithTimeout] on some clock. When the time is over, the context's cause is
// [context.DeadlineExceeded]; its error may be another.
type TimeoutFunc func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)

// handlers carries out the network handlers of probes and lifecycle hooks.
type handlers struct {
	dial        DialFunc
	withTimeout TimeoutFunc
}

func newHandlers(dial DialFunc, withTimeout TimeoutFunc) *handlers {
	if withTimeout == nil {
		withTimeout = context.WithTimeout
	}
	if dial == nil {
		dial = func(_ context.Context, network, address string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Addr: labAddr(address), Err: errNoNetwork}
		}
	}
	return &handlers{dial, withTimeout}
}

// is reports whether the command is a network handler in disguise.
func (h *handlers) is(command []string) bool {
	if len(command) != 2 {
		return false
	}
	switch command[0] {
	case httpHandler, tcpHandler, grpcHandler, lifecycleHandler:
		return true
	}
	return false
}

// run carries the command out against the Pod with the given address. It returns what the prober reports, and an exit
// error when the handler failed, as the container runtime does for a command.
func (h *handlers) run(ctx context.Context, command []string, podIP string, timeout time.Duration) ([]byte, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = h.withTimeout(ctx, timeout)
		defer cancel()
	}
	result, output, err := probe.Unknown, "", error(nil)
	switch command[0] {
	case httpHandler:
		result, output, err = h.http(ctx, command[1], podIP)
	case tcpHandler:
		result, output, err = h.tcp(ctx, command[1], podIP)
	case grpcHandler:
		result, output, err = h.grpc(ctx, command[1], podIP, timeout)
	case lifecycleHandler:
		result, output, err = h.lifecycle(ctx, command[1], podIP)
	}
	if err != nil {
		return nil, err
	}
	if result == probe.Failure {
		return []byte(output), exec.CodeExitError{Err: errors.New(output), Code: 1}
	}
	return []byte(output), nil
}

// client has no time-out of its own: the request's context has one.
func (h *handlers) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:        h.dial,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as upstream: a probe proves nothing about identity
			DisableKeepAlives:  true,
			DisableCompression: true,
		},
		CheckRedirect: httpprobe.RedirectChecker(false),
	}
}

func (h *handlers) http(ctx context.Context, raw, podIP string) (probe.Result, string, error) {
	r, err := httpRequest(ctx, raw, podIP, "probe")
	if err != nil {
		return probe.Unknown, "", err
	}
	result, output, err := httpprobe.DoHTTPProbe(r, h.client())
	if result == probe.Failure && timedOut(ctx) { // in the words of a client with a time-out
		output = fmt.Sprintf("Get %q: %v (Client.Timeout exceeded while awaiting headers)", r.URL, context.DeadlineExceeded)
	}
	return result, output, err
}

func timedOut(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// lifecycle succeeds with any response, and with plain HTTP where HTTPS was asked for, as upstream's
// (pkg/kubelet/lifecycle/handlers.go, runHTTPHandler).
func (h *handlers) lifecycle(ctx context.Context, raw, podIP string) (probe.Result, string, error) {
	r, err := httpRequest(ctx, raw, podIP, "lifecycle")
	if err != nil {
		return probe.Unknown, "", err
	}
	resp, err := h.client().Do(r)
	if err != nil && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		r = r.Clone(ctx)
		r.URL.Scheme = "http"
		r.Header.Del("Authorization")
		resp, err = h.client().Do(r)
	}
	if err != nil {
		return probe.Failure, err.Error(), nil
	}
	return probe.Success, "", resp.Body.Close()
}

func httpRequest(ctx context.Context, raw, podIP, purpose string) (*http.Request, error) {
	var a v1.HTTPGetAction
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		return nil, fmt.Errorf("read an HTTP handler: %w", err)
	}
	r, err := httpprobe.NewRequestForHTTPGetAction(&a, &v1.Container{}, podIP, purpose)
	if err != nil {
		return nil, err
	}
	return r.WithContext(ctx), nil
}

func (h *handlers) tcp(ctx context.Context, raw, podIP string) (probe.Result, string, error) {
	var a v1.TCPSocketAction
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		return probe.Unknown, "", fmt.Errorf("read a TCP handler: %w", err)
	}
	if a.Host == "" {
		a.Host = podIP
	}
	port, err := probe.ResolveContainerPort(a.Port, &v1.Container{})
	if err != nil {
		return probe.Unknown, "", err
	}
	c, err := h.dial(ctx, "tcp", net.JoinHostPort(a.Host, strconv.Itoa(port)))
	if err != nil {
		return probe.Failure, err.Error(), nil
	}
	return probe.Success, "", c.Close()
}

// grpc asks for the health of a service (pkg/probe/grpc/grpc.go).
func (h *handlers) grpc(ctx context.Context, raw, podIP string, timeout time.Duration) (probe.Result, string, error) {
	var a v1.GRPCAction
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		return probe.Unknown, "", fmt.Errorf("read a gRPC handler: %w", err)
	}
	service := ""
	if a.Service != nil {
		service = *a.Service
	}
	address := net.JoinHostPort(podIP, strconv.Itoa(int(a.Port)))
	v := version.Get()
	// passthrough: the host's resolver must not see the address.
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithUserAgent(fmt.Sprintf("kube-probe/%s.%s", v.Major, v.Minor)),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return h.dial(ctx, "tcp", address)
		}))
	if err != nil {
		return probe.Failure, fmt.Sprintf("error: failed to connect service at %q: %+v", address, err), nil
	}
	defer func() { _ = conn.Close() }()
	resp, err := grpchealth.NewHealthClient(conn).Check(ctx, &grpchealth.HealthCheckRequest{Service: service})
	code := status.Code(err)
	if code == codes.Canceled && timedOut(ctx) {
		code = codes.DeadlineExceeded
	}
	switch code {
	case codes.OK:
	case codes.Unimplemented:
		return probe.Failure, fmt.Sprintf("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): %s", status.Convert(err).Message()), nil
	case codes.DeadlineExceeded:
		return probe.Failure, fmt.Sprintf("timeout: health rpc did not complete within %v", timeout), nil
	case codes.Unavailable:
		return probe.Failure, fmt.Sprintf("error: failed to connect service at %q: %+v", address, status.Convert(err).Message()), nil
	default:
		return probe.Failure, fmt.Sprintf("error: health rpc probe failed: %+v", err), nil
	}
	if s := resp.GetStatus(); s != grpchealth.HealthCheckResponse_SERVING {
		return probe.Failure, fmt.Sprintf("service unhealthy (responded with %q)", s.String()), nil
	}
	return probe.Success, "service healthy", nil
}

// labAddr makes an address of the lab's network printable in a net.OpError.
type labAddr string

func (labAddr) Network() string  { return "tcp" }
func (a labAddr) String() string { return string(a) }
