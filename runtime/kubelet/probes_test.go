package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/utils/exec"
)

// asUpstream returns the command that the prober would give to the runtime for the handler.
func asUpstream(t *testing.T, h v1.ProbeHandler) []string {
	t.Helper()
	p := &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{
		Ports:         []v1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		Env:           []v1.EnvVar{{Name: "SECRET", Value: "expanded"}},
		LivenessProbe: &v1.Probe{ProbeHandler: h},
	}}}}
	throughRuntime(p)
	first := p.DeepCopy()
	throughRuntime(p)
	c := p.Spec.Containers[0]
	if got := c.LivenessProbe.Exec.Command; !slices.Equal(got, first.Spec.Containers[0].LivenessProbe.Exec.Command) {
		t.Fatalf("changed the second time: %q", got)
	}
	return kubecontainer.ExpandContainerCommandOnlyStatic(c.LivenessProbe.Exec.Command, c.Env)
}

func TestProbesGoThroughTheDialer(t *testing.T) {
	var path, agent string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, agent = r.URL.Path, r.UserAgent()
		w.WriteHeader(status)
	}))
	defer server.Close()
	var dialed []string
	h := newHandlers(func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed = append(dialed, address)
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}, nil)
	get := v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Port: intstr.FromString("http"), Path: "/a/$(SECRET)"}}
	tcp := v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt32(9), Host: "10.9.9.9"}}

	out, err := h.run(t.Context(), asUpstream(t, get), "10.0.0.7", time.Second)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if path != "/a/$(SECRET)" || !strings.HasPrefix(agent, "kube-probe/") {
		t.Errorf("asked for %q as %q", path, agent)
	}
	status = http.StatusInternalServerError
	out, err = h.run(t.Context(), asUpstream(t, get), "10.0.0.7", time.Second)
	var exit exec.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() == 0 || string(out) != "HTTP probe failed with statuscode: 500" {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := h.run(t.Context(), asUpstream(t, tcp), "10.0.0.7", time.Second); err != nil {
		t.Error(err)
	}
	if want := []string{"10.0.0.7:8080", "10.0.0.7:8080", "10.9.9.9:9"}; !slices.Equal(dialed, want) {
		t.Errorf("dialed %q, want %q", dialed, want)
	}
}

func TestProbesWithoutNetworkSayWhy(t *testing.T) {
	h := newHandlers(nil, nil)
	for name, handler := range map[string]v1.ProbeHandler{
		"http": {HTTPGet: &v1.HTTPGetAction{Port: intstr.FromInt32(80)}},
		"tcp":  {TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt32(80)}},
		"grpc": {GRPC: &v1.GRPCAction{Port: 80}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := h.run(t.Context(), asUpstream(t, handler), "127.0.0.1", time.Second)
			if err == nil || !strings.Contains(string(out), errNoNetwork.Error()) {
				t.Errorf("got %q, %v", out, err)
			}
		})
	}
}

// A packet that is held for long must not make a Pod unhealthy: the time-out is on the network's clock.
func TestProbesTimeOutOnTheNetworksClock(t *testing.T) {
	for name, handler := range map[string]v1.ProbeHandler{
		"http": {HTTPGet: &v1.HTTPGetAction{Port: intstr.FromInt32(80)}},
		"tcp":  {TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt32(80)}},
		"grpc": {GRPC: &v1.GRPCAction{Port: 80}},
	} {
		t.Run(name, func(t *testing.T) {
			var expire context.CancelCauseFunc
			dialing := make(chan struct{}, 1)
			h := newHandlers(func(ctx context.Context, _, _ string) (net.Conn, error) {
				dialing <- struct{}{}
				<-ctx.Done()
				return nil, ctx.Err()
			}, func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
				if d != time.Nanosecond {
					t.Errorf("the time-out is %s", d)
				}
				ctx, expire = context.WithCancelCause(ctx)
				return ctx, func() { expire(nil) }
			})
			ended := make(chan string, 1)
			go func() {
				out, err := h.run(t.Context(), asUpstream(t, handler), "10.0.0.7", time.Nanosecond)
				ended <- fmt.Sprint(string(out), err)
			}()
			<-dialing
			select {
			case got := <-ended:
				t.Fatalf("over before its time: %s", got)
			default:
			}
			expire(context.DeadlineExceeded)
			if got := <-ended; got == "" || name == "http" && !strings.Contains(got, "context deadline exceeded (Client.Timeout exceeded") ||
				name == "grpc" && !strings.Contains(got, "timeout: health rpc did not complete within 1ns") {
				t.Errorf("it says %q", got)
			}
		})
	}
}

func TestLifecycleHooksGoThroughTheRuntime(t *testing.T) {
	hook := func() *v1.LifecycleHandler {
		return &v1.LifecycleHandler{HTTPGet: &v1.HTTPGetAction{Port: intstr.FromString("http"), Scheme: v1.URISchemeHTTPS}}
	}
	p := &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{
		Ports:     []v1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		Lifecycle: &v1.Lifecycle{PostStart: hook(), PreStop: hook()},
	}}}}
	throughRuntime(p)
	// The server speaks HTTP where the hook wants HTTPS, and answers with an error: both are fine for a hook.
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	h := newHandlers(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}, nil)
	for _, got := range []*v1.LifecycleHandler{p.Spec.Containers[0].Lifecycle.PostStart, p.Spec.Containers[0].Lifecycle.PreStop} {
		if got.HTTPGet != nil || !h.is(got.Exec.Command) {
			t.Fatalf("hook is %+v", got)
		}
		if out, err := h.run(t.Context(), got.Exec.Command, "10.0.0.7", 0); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}
