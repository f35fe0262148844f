// Package cri puts a tap on the calls of a kubelet to its container runtime. Its critest directory holds the conformance
// suite that every runtime of the lab must pass.
//
// runtime/node and cmd may import it.
package cri

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/engine/trace"
)

// Options say how calls are reported. All of them are needed.
type Options struct {
	Tap   *trace.Tap
	Node  string // "node-1"
	Actor string // "kubelet@node-1"
}

// Tap returns services that report every call that changes something as a [trace.CRICall], wait at the gate before it is
// carried out, and pass its number on as the cause of what the runtime then does. Calls that only read go straight
// through. When ctx ends while a call is held, the call returns ctx's error and the runtime never sees it.
func Tap(
	rs internalapi.RuntimeService, is internalapi.ImageManagerService, o Options,
) (internalapi.RuntimeService, internalapi.ImageManagerService) {
	t := &tap{Options: o, pods: map[string]trace.Object{}, containers: map[string]known{}}
	return &runtimeTap{RuntimeService: rs, tap: t}, &imageTap{ImageManagerService: is, tap: t}
}

// tap is what both services share: which Pod an ID belongs to.
type tap struct {
	Options

	mu         sync.Mutex
	pods       map[string]trace.Object // by sandbox ID
	containers map[string]known        // by container ID
}

// known is what earlier calls said about a container.
type known struct {
	sandbox, name, image string
	pod                  trace.Object
}

// call is one call to be reported.
type call struct {
	method  string
	pod     trace.Object
	detail  trace.CRIDetail
	request proto.Message
	// background calls are never held.
	background bool
}

// do reports c around next. next gets a context whose events are caused by the call, and returns the response, if any.
func (t *tap) do(ctx context.Context, c call, next func(ctx context.Context) (proto.Message, error)) error {
	c.detail.Node = t.Node
	c.detail.Request = body(c.request)
	detail := c.detail
	frames := trace.Callers(2, kubeletCode)
	span, err := t.Tap.Begin(ctx, trace.Event{
		Actor: t.Actor, Kind: trace.CRICall, Verb: c.method, Object: c.pod, Frames: frames, Detail: &detail,
		Background: c.background || slices.ContainsFunc(frames, isProbe),
	})
	if err != nil {
		return err
	}
	response, err := next(trace.WithCause(ctx, span.Seq()))
	span.End(err, func(e *trace.Event) {
		done := c.detail
		done.Response = body(response)
		switch r := response.(type) {
		case *runtimeapi.RunPodSandboxResponse:
			done.Sandbox = r.GetPodSandboxId()
		case *runtimeapi.CreateContainerResponse:
			done.Container = r.GetContainerId()
		}
		e.Detail = &done
	})
	return err
}

// kubeletCode keeps the functions that say why a kubelet calls its runtime.
func kubeletCode(module, fn string) bool {
	return module == "k8s.io/kubernetes" && strings.HasPrefix(fn, "k8s.io/kubernetes/pkg/kubelet")
}

// isProbe tells an exec probe, which is a health check and never held, from a lifecycle hook.
func isProbe(f trace.Frame) bool { return strings.HasPrefix(f.Func, "prober.") }

// body encodes a message of the CRI as JSON when somebody looks. The message is copied as bytes now, because callers
// reuse theirs.
func body(m proto.Message) *trace.Body {
	if m == nil {
		return nil
	}
	raw, err := proto.Marshal(m)
	if err != nil || len(raw) == 0 {
		return nil
	}
	kind := m.ProtoReflect().Type()
	return trace.NewBody("application/protobuf", raw, func(_ string, raw []byte) ([]byte, error) {
		fresh := kind.New().Interface()
		if err := proto.Unmarshal(raw, fresh); err != nil {
			return nil, err
		}
		text, err := protojson.Marshal(fresh)
		if err != nil {
			return nil, err
		}
		// protojson adds spaces at random so that nobody relies on its form; readers of a trace compare it.
		return compact(text)
	})
}

func compact(text []byte) ([]byte, error) {
	var v json.RawMessage = text
	return json.Marshal(v)
}

// podOf returns the Pod that a sandbox is for.
func podOf(c *runtimeapi.PodSandboxConfig) trace.Object {
	m := c.GetMetadata()
	if m == nil {
		return trace.Object{}
	}
	return trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: m.Namespace, Name: m.Name, UID: m.Uid}
}

// Labels that kubelets put on containers (pkg/kubelet/types/labels.go in staging k8s.io/kubelet).
const (
	labelPodName      = "io.kubernetes.pod.name"
	labelPodNamespace = "io.kubernetes.pod.namespace"
	labelPodUID       = "io.kubernetes.pod.uid"
)

func podOfLabels(labels map[string]string) trace.Object {
	if labels[labelPodName] == "" {
		return trace.Object{}
	}
	return trace.Object{APIVersion: "v1", Kind: "Pod",
		Namespace: labels[labelPodNamespace], Name: labels[labelPodName], UID: labels[labelPodUID]}
}

// sandbox returns what is known of a sandbox, asking the runtime about one from before this tap.
func (t *tap) sandbox(ctx context.Context, rs internalapi.RuntimeService, id string) trace.Object {
	t.mu.Lock()
	pod, ok := t.pods[id]
	t.mu.Unlock()
	if ok {
		return pod
	}
	resp, err := rs.PodSandboxStatus(ctx, id, false)
	if err != nil {
		return trace.Object{} // the call that follows reports it
	}
	pod = podOfLabels(resp.GetStatus().GetLabels())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pods[id] = pod
	return pod
}

// container returns what is known of a container, asking the runtime about one from before this tap.
func (t *tap) container(ctx context.Context, rs internalapi.RuntimeService, id string) known {
	t.mu.Lock()
	k, ok := t.containers[id]
	t.mu.Unlock()
	if ok {
		return k
	}
	resp, err := rs.ContainerStatus(ctx, id, false)
	if err != nil {
		return known{} // the call that follows reports it
	}
	st := resp.GetStatus()
	k = known{name: st.GetMetadata().GetName(), image: st.GetImage().GetImage(), pod: podOfLabels(st.GetLabels())}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.containers[id] = k
	return k
}

func (t *tap) rememberSandbox(id string, pod trace.Object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pods[id] = pod
}

func (t *tap) rememberContainer(id string, k known) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.containers[id] = k
}

func (t *tap) forgetSandbox(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pods, id)
}

func (t *tap) forgetContainer(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.containers, id)
}

// seconds returns a timeout as the CRI's messages have it.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
