package kubelet

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/volume"
)

func TestNodeOSKeepsLogLinksAtHome(t *testing.T) {
	dir := t.TempDir()
	n := nodeOS{containerLogs: filepath.Join(dir, "containers")}
	if err := n.MkdirAll("/var/log/containers", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := n.Symlink(dir, "/var/log/containers/web.log"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "containers", "web.log")); err != nil {
		t.Error(err)
	}
	found, err := n.Glob("/var/log/containers/*.log")
	if err != nil || len(found) != 1 {
		t.Fatalf("found %q, %v", found, err)
	}
	if _, err := n.Stat(found[0]); err != nil {
		t.Error(err)
	}
	if err := n.Remove("/var/log/containers/web.log"); err != nil {
		t.Error(err)
	}
	if n.here("/var/log/containers-of-others") != "/var/log/containers-of-others" {
		t.Error("another directory is redirected")
	}
}

func TestHostPathStaysBelowTheNode(t *testing.T) {
	p := rooted{root: "/node"}
	for path, want := range map[string]string{"/etc": "/node/etc", "/": "/node", "/a/../../etc": "/node/etc"} {
		spec := volume.NewSpecFromVolume(&v1.Volume{VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{Path: path}}})
		if got := p.here(spec).Volume.HostPath.Path; got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
		if spec.Volume.HostPath.Path != path {
			t.Error("the Pod's own volume was changed")
		}
	}
}

func TestTracerSeesSyncsOfPods(t *testing.T) {
	var seen []string
	p := newTracerProvider(func(ctx context.Context, span, pod string) context.Context {
		seen = append(seen, span+" "+pod)
		return ctx
	}, nil)
	tr := p.Tracer("test")
	tr.Start(t.Context(), "syncPod", trace.WithAttributes(attribute.String("k8s.pod.uid", "u1")))
	tr.Start(t.Context(), "http")
	if len(seen) != 1 || seen[0] != "syncPod u1" {
		t.Errorf("seen %q", seen)
	}
}
