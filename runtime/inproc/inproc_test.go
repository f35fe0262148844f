package inproc_test

import (
	"context"
	"path/filepath"
	"testing"

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
	return r
}

func TestConformance(t *testing.T) {
	critest.Run(t, func(t *testing.T) critest.Runtime {
		host := t.TempDir()
		r := start(t, func(o *inproc.Options) { o.HostRoots = []string{host} })
		return critest.Runtime{RuntimeService: r, Images: r, HostDir: host}
	})
}
