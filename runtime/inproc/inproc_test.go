package inproc_test

import (
	"context"
	"path/filepath"
	"testing"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/runtime/cri/critest"
	"github.com/kubestep/kubestep/runtime/inproc"
)

// start runs a runtime until the test ends.
func start(t testing.TB, edit func(o *inproc.Options)) *inproc.Runtime {
	t.Helper()
	dir := t.TempDir()
	o := inproc.Options{Node: "node-1", Dir: filepath.Join(dir, "runtime"), HostRoots: []string{filepath.Join(dir, "host")}}
	if edit != nil {
		edit(&o)
	}
	r, err := inproc.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the runtime ended with %v", err)
		}
	})
	critest.SetPodCIDR(t, r)
	return r
}

// TestNetworkNotReady has a kubelet's first moments: it does not know the node's Pod CIDR.
func TestNetworkNotReady(t *testing.T) {
	r, err := inproc.New(t.Context(), inproc.Options{Node: "node-1", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ready := func() bool {
		s, err := r.Status(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Status.Conditions {
			if c.Type == runtimeapi.NetworkReady {
				return c.Status
			}
		}
		t.Fatalf("no condition %s: %v", runtimeapi.NetworkReady, s)
		return false
	}
	config := &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: "web", Namespace: "default", Uid: "u"},
	}
	if ready() {
		t.Error("NetworkReady without a Pod CIDR")
	}
	if id, err := r.RunPodSandbox(t.Context(), config, ""); err == nil {
		t.Errorf("sandbox %s runs without a Pod CIDR", id)
	}
	critest.SetPodCIDR(t, r)
	if !ready() {
		t.Error("not NetworkReady with a Pod CIDR")
	}
	if _, err := r.RunPodSandbox(t.Context(), config, ""); err != nil {
		t.Errorf("sandbox with a Pod CIDR: %v", err)
	}
}

func TestConformance(t *testing.T) {
	critest.Run(t, func(t *testing.T) critest.Runtime {
		host := t.TempDir()
		r := start(t, func(o *inproc.Options) { o.HostRoots = []string{host} })
		return critest.Runtime{RuntimeService: r, Images: r, HostDir: host}
	})
}
