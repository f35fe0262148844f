package trace

import (
	"strings"
	"sync"
	"testing"
)

func TestCallersKeepsWhatIsAskedFor(t *testing.T) {
	mine := func(_, fn string) bool { return strings.Contains(fn, "engine/trace.TestCallers") }
	got := func() []Frame { return Callers(0, mine) }()
	if len(got) != 2 {
		t.Fatalf("got %v, want the closure and the test", got)
	}
	if want := "trace.TestCallersKeepsWhatIsAskedFor"; got[1].Func != want || got[1].Line == 0 {
		t.Errorf("outer frame is %+v, want %s with a line", got[1], want)
	}
	if skipped := func() []Frame { return Callers(1, mine) }(); len(skipped) != 1 {
		t.Errorf("with skip 1 got %v, want the test alone", skipped)
	}
}

func TestCallersConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if len(Callers(0, func(string, string) bool { return true })) == 0 {
					t.Error("no frames")
				}
			}
		})
	}
	wg.Wait()
}

func TestSplitModule(t *testing.T) {
	for _, tt := range []struct{ path, module, file string }{
		{"/home/x/go/pkg/mod/k8s.io/kubernetes@v1.36.3/pkg/kubelet/kubelet.go", "k8s.io/kubernetes", "pkg/kubelet/kubelet.go"},
		{"k8s.io/kubernetes@v1.36.3/pkg/kubelet/kubelet.go", "k8s.io/kubernetes", "pkg/kubelet/kubelet.go"},
		{"/usr/local/go/src/net/http/server.go", "", "/usr/local/go/src/net/http/server.go"},
	} {
		if m, f := splitModule(tt.path); m != tt.module || f != tt.file {
			t.Errorf("splitModule(%q) = %q, %q; want %q, %q", tt.path, m, f, tt.module, tt.file)
		}
	}
}

func TestShortFunc(t *testing.T) {
	for full, want := range map[string]string{
		"k8s.io/kubernetes/pkg/controller/deployment.(*DeploymentController).sync": "deployment.(*DeploymentController).sync",
		"k8s.io/client-go/util/workqueue.(*Typed[go.shape.struct { a/b.C }]).Get":  "workqueue.(*Typed[go.shape.struct { a/b.C }]).Get",
		"main.main": "main.main",
	} {
		if got := shortFunc(full); got != want {
			t.Errorf("shortFunc(%q) = %q, want %q", full, got, want)
		}
	}
}

func BenchmarkCallers(b *testing.B) {
	for b.Loop() {
		Callers(0, func(module, _ string) bool { return module == "k8s.io/kubernetes" })
	}
}
