package cri_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/cri"
	"github.com/kubestep/kubestep/runtime/cri/critest"
	"github.com/kubestep/kubestep/runtime/inproc"
)

func tapped(t *testing.T, host string, gate trace.Gate) (critest.Runtime, *trace.Store) {
	t.Helper()
	store := trace.NewStore(trace.Limits{})
	tap := trace.NewTap(store, gate)
	r, err := inproc.New(t.Context(), inproc.Options{
		Node: "node-1", Dir: filepath.Join(t.TempDir(), "r"), HostRoots: []string{host}, Tap: tap,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	rs, is := cri.Tap(r, r, cri.Options{Tap: tap, Node: "node-1", Actor: "kubelet@node-1"})
	critest.SetPodCIDR(t, r)
	return critest.Runtime{RuntimeService: rs, Images: is, HostDir: host}, store
}

// TestConformance wants a tapped runtime to behave as the runtime itself.
func TestConformance(t *testing.T) {
	critest.Run(t, func(t *testing.T) critest.Runtime {
		r, _ := tapped(t, t.TempDir(), nil)
		return r
	})
}

func TestEvents(t *testing.T) {
	r, store := tapped(t, t.TempDir(), nil)
	ctx := t.Context()
	config := &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: "web-1", Namespace: "default", Uid: "u1"}, Hostname: "web-1",
	}
	sandbox, err := r.RunPodSandbox(ctx, config, "")
	if err != nil {
		t.Fatal(err)
	}
	auth := &runtimeapi.AuthConfig{Username: "me", Password: "hidden"}
	ref, err := r.Images.PullImage(ctx, &runtimeapi.ImageSpec{Image: "kubestep.dev/web:v1"}, auth, config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Images.PullImage(ctx, &runtimeapi.ImageSpec{Image: "nope"}, auth, config); err == nil {
		t.Fatal("an unknown image was pulled")
	}
	id, err := r.CreateContainer(ctx, sandbox, &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: "main"},
		Image:    &runtimeapi.ImageSpec{Image: ref, UserSpecifiedImage: "kubestep.dev/web:v1"},
	}, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.StartContainer(ctx, id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ContainerStatus(ctx, id, false); err != nil { // reads are not events
		t.Fatal(err)
	}
	if _, _, err := r.ExecSync(ctx, id, []string{"sh", "-c", "echo hi; exit 2"}, 5*time.Second); err == nil {
		t.Error("ExecSync lost the exit code")
	}
	if err := r.StopContainer(ctx, id, 30); err != nil {
		t.Fatal(err)
	}
	if err := r.RemovePodSandbox(ctx, sandbox); err != nil {
		t.Fatal(err)
	}
	var verbs []string
	bySeq := map[uint64]trace.Event{}
	for _, e := range store.Since(0).Events {
		bySeq[e.Seq] = e
		verbs = append(verbs, e.Verb)
		d := e.Detail.(*trace.CRIDetail)
		if want := (trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "web-1", UID: "u1"}); e.Object != want {
			t.Errorf("%s is about %v, want %v", e.Verb, e.Object, want)
		}
		if e.Open || d.Node != "node-1" {
			t.Errorf("%s: %+v", e.Verb, e)
		}
		raw, err := json.Marshal(e)
		if err != nil || strings.Contains(string(raw), "hidden") {
			t.Errorf("%s as JSON: %s, %v", e.Verb, raw, err)
		}
		for verb, want := range map[string]string{
			"StartContainer": `"image":"kubestep.dev/web:v1","request":{"containerId":"` + id + `"}`,
			"RunPodSandbox":  `"response":{"podSandboxId":"` + sandbox + `"}`,
			"ExecSync":       `"exitCode":2`,
		} {
			if e.Verb == verb && !strings.Contains(string(raw), want) {
				t.Errorf("%s as JSON is %s, want %s in it", verb, raw, want)
			}
		}
	}
	want := "RunPodSandbox PullImage PullImage CreateContainer StartContainer ExecSync StopContainer signal exit RemovePodSandbox"
	if got := strings.Join(verbs, " "); got != want {
		t.Fatalf("events are %s\nwant %s", got, want)
	}
	if e := bySeq[3]; !strings.Contains(e.Error, "not found") {
		t.Errorf("the failed pull has error %q", e.Error)
	}
	signal, exit := bySeq[8], bySeq[9]
	if signal.Cause != 7 || exit.Cause != 8 || signal.CauseLink != trace.Exact {
		t.Errorf("causes are %d for the signal, %d for the exit; want 7 (StopContainer) and 8", signal.Cause, exit.Cause)
	}
}

// gate holds calls of one method until it is opened.
type gate struct {
	method string
	held   chan struct{}
	open   chan struct{}
}

func (g *gate) Admit(ctx context.Context, e *trace.Event) error {
	if e.Verb != g.method {
		return nil
	}
	g.held <- struct{}{}
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestHeldCall(t *testing.T) {
	g := &gate{method: "RunPodSandbox", held: make(chan struct{}, 2), open: make(chan struct{})}
	r, store := tapped(t, t.TempDir(), g)
	config := &runtimeapi.PodSandboxConfig{Metadata: &runtimeapi.PodSandboxMetadata{Name: "a", Namespace: "default", Uid: "u"}}

	// Given up while held: it never happens.
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	run := func(ctx context.Context) {
		_, err := r.RunPodSandbox(ctx, config, "")
		result <- err
	}
	go run(ctx)
	<-g.held
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a call given up while held: %v", err)
	}
	if list, err := r.ListPodSandbox(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("sandboxes: %v, %v; want none", list, err)
	}
	if events := store.Since(0).Events; len(events) != 0 {
		t.Errorf("events: %v, want none", events)
	}

	// Released: it happens then.
	go run(t.Context())
	<-g.held
	close(g.open)
	if err := <-result; err != nil {
		t.Error(err)
	}
	if list, err := r.ListPodSandbox(t.Context(), nil); err != nil || len(list) != 1 {
		t.Errorf("sandboxes: %v, %v; want one", list, err)
	}
}
