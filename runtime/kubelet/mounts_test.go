package kubelet

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/kubernetes/pkg/volume/util/subpath"
)

func TestMounterKeepsBook(t *testing.T) {
	m, dir := &mounter{}, filepath.Join(t.TempDir(), "v")
	if _, err := m.IsMountPoint(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("before: %v", err)
	}
	if err := m.Mount("tmpfs", dir, "tmpfs", nil); err != nil {
		t.Fatal(err)
	}
	if is, err := m.IsMountPoint(dir); err != nil || !is {
		t.Errorf("mounted: %v, %v", is, err)
	}
	if err := m.Unmount(dir); err != nil {
		t.Fatal(err)
	}
	if is, err := m.IsMountPoint(dir); err != nil || is {
		t.Errorf("unmounted: %v, %v", is, err)
	}
}

func TestSubPathKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	vol, podDir := filepath.Join(dir, "vol"), filepath.Join(dir, "pod")
	file := filepath.Join(vol, "colour")
	write(t, file, "blue")
	s := subpath.Subpath{Path: file, VolumePath: vol, VolumeName: "v", PodDir: podDir, ContainerName: "c"}
	got, _, err := subPaths{}.PrepareSafeSubpath(s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file+".new", "red")
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	if raw, _ := os.ReadFile(got); string(raw) != "blue" {
		t.Errorf("the container sees %q", raw)
	}
	// A container that starts again gets the new one.
	if got, _, err = (subPaths{}).PrepareSafeSubpath(s); err != nil {
		t.Fatal(err)
	}
	if raw, _ := os.ReadFile(got); string(raw) != "red" {
		t.Errorf("after a restart it sees %q", raw)
	}
	if err := (subPaths{}).CleanSubPaths(podDir, "v"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(got); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

func TestSubPathStaysInItsVolume(t *testing.T) {
	dir := t.TempDir()
	vol := filepath.Join(dir, "vol")
	write(t, filepath.Join(dir, "volume-of-others", "secret"), "x")
	write(t, filepath.Join(vol, "file"), "x")
	if err := os.Symlink(filepath.Join(dir, "volume-of-others"), filepath.Join(vol, "out")); err != nil {
		t.Fatal(err)
	}
	s := subpath.Subpath{Path: filepath.Join(vol, "out", "secret"), VolumePath: vol, VolumeName: "v", PodDir: dir, ContainerName: "c"}
	if got, _, err := (subPaths{}).PrepareSafeSubpath(s); err == nil {
		t.Errorf("got %s", got)
	}
	if err := (subPaths{}).SafeMakeDir(filepath.Join("out", "made"), vol, 0o750); err == nil {
		t.Error("made a directory outside")
	}
	if err := (subPaths{}).SafeMakeDir(filepath.Join(vol, "a", "b"), vol, 0o750); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
