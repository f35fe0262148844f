package kubelet

import (
	"encoding/json"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/probe"
)

// Upstream's kubelet dials Pods from the host's network for HTTP, TCP and gRPC probes and for HTTP lifecycle hooks, and
// has no seam to put another dialer in: prober.newProber and NewMainKubelet build their clients themselves, and a
// prober.Manager of ours could not reach the results that the kubelet acts on. An address of the lab's network means
// something else on the host, so this must not happen.
//
// What upstream does have is a source of Pods that can be injected, and exec handlers, which go through the container
// runtime. So a Pod's network handlers are turned, on their way into the kubelet, into exec handlers whose command says
// what to do (throughRuntime), and the node's own runtime service carries these commands out with upstream's request
// builders and messages and the lab's dialer (dialer.go). Workers, thresholds, results and restarts stay upstream's. The
// API's object is not changed; only the kubelet's /pods endpoint shows the exec form.

// The first word of a command that is a network handler.
const (
	httpHandler      = "kubestep://httpGet"
	tcpHandler       = "kubestep://tcpSocket"
	grpcHandler      = "kubestep://grpc"
	lifecycleHandler = "kubestep://lifecycle/httpGet"
)

// throughRuntime turns the network handlers of the Pod's containers into exec handlers. It changes nothing the second
// time.
func throughRuntime(pod *v1.Pod) {
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			c := &list[i]
			for _, p := range []*v1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
				if p != nil {
					probeThroughRuntime(c, p)
				}
			}
			if c.Lifecycle != nil {
				hookThroughRuntime(c, c.Lifecycle.PostStart)
				hookThroughRuntime(c, c.Lifecycle.PreStop)
			}
		}
	}
}

func probeThroughRuntime(c *v1.Container, p *v1.Probe) {
	h := &p.ProbeHandler
	var command []string
	switch {
	case h.HTTPGet != nil:
		a := *h.HTTPGet
		a.Port = numbered(a.Port, c)
		command = handlerCommand(httpHandler, a)
	case h.TCPSocket != nil:
		a := *h.TCPSocket
		a.Port = numbered(a.Port, c)
		command = handlerCommand(tcpHandler, a)
	case h.GRPC != nil:
		command = handlerCommand(grpcHandler, *h.GRPC)
	default:
		return
	}
	for i := range command {
		// The prober expands $(VARIABLES) in commands (prober.go, runProbe), which it does not do in paths and headers.
		command[i] = strings.ReplaceAll(command[i], "$", "$$")
	}
	*h = v1.ProbeHandler{Exec: &v1.ExecAction{Command: command}}
}

func hookThroughRuntime(c *v1.Container, h *v1.LifecycleHandler) {
	if h == nil || h.HTTPGet == nil {
		return
	}
	a := *h.HTTPGet
	a.Port = numbered(a.Port, c)
	*h = v1.LifecycleHandler{Exec: &v1.ExecAction{Command: handlerCommand(lifecycleHandler, a)}}
}

// numbered resolves a port's name; one that has no such name stays and fails the probe, as upstream's does.
func numbered(p intstr.IntOrString, c *v1.Container) intstr.IntOrString {
	if n, err := probe.ResolveContainerPort(p, c); err == nil {
		return intstr.FromInt32(int32(n)) //nolint:gosec // 1-65535
	}
	return p
}

func handlerCommand(kind string, action any) []string {
	raw, err := json.Marshal(action)
	if err != nil {
		raw = []byte("{}") // API types always marshal
	}
	return []string{kind, string(raw)}
}
