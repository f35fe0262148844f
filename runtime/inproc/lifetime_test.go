package inproc_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/cri/critest"
	"github.com/kubestep/kubestep/runtime/inproc"
)

// startPod runs a sandbox with one container and returns both IDs.
func startPod(t testing.TB, r *inproc.Runtime, name, image string, command ...string) (sandbox, container string) {
	t.Helper()
	ctx := t.Context()
	config := &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: name, Namespace: "default", Uid: "uid-" + name}, Hostname: name,
	}
	sandbox, err := r.RunPodSandbox(ctx, config, "")
	if err != nil {
		t.Fatal(err)
	}
	ref, err := r.PullImage(ctx, &runtimeapi.ImageSpec{Image: image}, nil, config)
	if err != nil {
		t.Fatal(err)
	}
	container, err = r.CreateContainer(ctx, sandbox, &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: "main"}, Image: &runtimeapi.ImageSpec{Image: ref}, Command: command,
		Stdin: true,
	}, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.StartContainer(ctx, container); err != nil {
		t.Fatal(err)
	}
	return sandbox, container
}

// TestNoGoroutinesLeft removes Pods of every image, the stubborn one too, and wants all goroutines gone.
func TestNoGoroutinesLeft(t *testing.T) {
	r := start(t, nil)
	before := runtime.NumGoroutine()
	for i, image := range []string{"web:v1", "client:v1", "sleep:v1", "stubborn:v1", "tools:v1"} {
		var command []string
		if image == "client:v1" {
			command = []string{"client", "http://localhost:8080/"}
		}
		sandbox, container := startPod(t, r, fmt.Sprint("pod-", i), "kubestep.dev/"+image, command...)
		if image == "web:v1" {
			if _, _, err := r.ExecSync(t.Context(), container, []string{"sh", "-c",
				"until wget -qO- localhost:8080; do sleep 0.01; done; (sleep infinity | cat) &"}, 10*time.Second); err != nil {
				t.Error(err)
			}
		}
		if err := r.RemovePodSandbox(t.Context(), sandbox); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline:
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before %d\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestEmptyAfterRestart ends a runtime as a power cut does and makes another one in its directory.
func TestEmptyAfterRestart(t *testing.T) {
	dir := t.TempDir()
	first, err := inproc.New(t.Context(), inproc.Options{Node: "node-1", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	critest.SetPodCIDR(t, first)
	_, container := startPod(t, first, "pod", "kubestep.dev/stubborn:v1")
	startPod(t, first, "reader", "kubestep.dev/tools:v1", "cat") // waits for input that never comes
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := first.ContainerStatus(t.Context(), container, false); err == nil {
		t.Error("a runtime without power answers")
	}
	second := start(t, func(o *inproc.Options) { o.Dir = dir })
	sandboxes, err := second.ListPodSandbox(t.Context(), nil)
	if err != nil || len(sandboxes) != 0 {
		t.Errorf("sandboxes after a restart: %v, %v", sandboxes, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "containers")); err != nil || len(left) != 0 {
		t.Errorf("files after a restart: %v, %v", left, err)
	}
}

// TestTrace wants the signals and the exit of a stop as events, with exact causes.
func TestTrace(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	tap := trace.NewTap(store, nil)
	r := start(t, func(o *inproc.Options) { o.Tap = tap })
	_, container := startPod(t, r, "pod", "kubestep.dev/stubborn:v1")
	call := tap.Record(t.Context(), trace.Event{Actor: "kubelet@node-1", Kind: trace.CRICall, Verb: "StopContainer", Root: true})
	if err := r.StopContainer(trace.WithCause(t.Context(), call), container, 1); err != nil {
		t.Fatal(err)
	}
	var got []string
	last := call
	for _, e := range store.Since(0).Events[1:] {
		d := e.Detail.(*trace.CRIDetail)
		if e.Actor != "inproc@node-1" || e.Object.Name != "pod" || d.Container != container || e.CauseLink != trace.Exact {
			t.Errorf("event is %+v", e)
		}
		want := call
		if e.Verb == "exit" {
			want = last // the signal that killed it
			got = append(got, fmt.Sprint("exit ", *d.ExitCode))
		} else {
			got = append(got, "signal "+d.Signal)
		}
		if e.Cause != want {
			t.Errorf("cause of %s is %d, want %d", e.Verb, e.Cause, want)
		}
		last = e.Seq
	}
	if text := strings.Join(got, ", "); text != "signal SIGTERM, signal SIGKILL, exit 137" {
		t.Errorf("events are %s", text)
	}
}

func BenchmarkPod(b *testing.B) {
	r := start(b, nil)
	i := 0
	for b.Loop() {
		i++
		sandbox, _ := startPod(b, r, fmt.Sprint("pod-", i), "kubestep.dev/sleep:v1")
		if err := r.RemovePodSandbox(b.Context(), sandbox); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStartPod(b *testing.B) {
	r := start(b, nil)
	i := 0
	for b.Loop() {
		i++
		startPod(b, r, fmt.Sprint("pod-", i), "kubestep.dev/sleep:v1")
		if i%10000 == 0 {
			b.Logf("%d pods, %d goroutines", i, runtime.NumGoroutine())
		}
	}
}
