package kubelet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/volume/util/hostutil"
)

// legacyLogs is where upstream links containers' logs to for old log collectors, whatever its configuration says
// (pkg/kubelet/kuberuntime/legacy.go).
const legacyLogs = "/var/log/containers"

// nodeOS is the operating system as the kubelet may use it: the real one, but for the directory outside the node's own.
type nodeOS struct {
	kubecontainer.RealOS
	containerLogs string
}

// here returns where the node has the given path of a machine.
func (n nodeOS) here(path string) string {
	if rest, ok := strings.CutPrefix(path, legacyLogs); ok && (rest == "" || rest[0] == '/') {
		return n.containerLogs + rest
	}
	return path
}

// MkdirAll implements [kubecontainer.OSInterface].
func (n nodeOS) MkdirAll(path string, perm os.FileMode) error {
	return n.RealOS.MkdirAll(n.here(path), perm)
}

// Symlink implements [kubecontainer.OSInterface].
func (n nodeOS) Symlink(target, link string) error { return n.RealOS.Symlink(target, n.here(link)) }

// Stat implements [kubecontainer.OSInterface].
func (n nodeOS) Stat(path string) (os.FileInfo, error) { return n.RealOS.Stat(n.here(path)) }

// Remove implements [kubecontainer.OSInterface].
func (n nodeOS) Remove(path string) error { return n.RealOS.Remove(n.here(path)) }

// Glob implements [kubecontainer.OSInterface]. What it finds is below the node's directory and stays so when it is given
// back to the other methods.
func (n nodeOS) Glob(pattern string) ([]string, error) { return n.RealOS.Glob(n.here(pattern)) }

// hostUtil answers questions about files. Upstream's works on Linux only and bind-mounts the kubelet's root directory.
type hostUtil struct {
	// onShared is called when the kubelet prepares its root directory: the first thing that it does after it has
	// registered its metrics (kubelet.go, initializeModules and setupDataDirs).
	onShared func()
}

var _ hostutil.HostUtils = hostUtil{}

// MakeRShared implements [hostutil.HostUtils]: no container has mounts of its own that others could see.
func (h hostUtil) MakeRShared(string) error {
	h.onShared()
	return nil
}

// DeviceOpened implements [hostutil.HostUtils].
func (hostUtil) DeviceOpened(string) (bool, error) { return false, nil }

// PathIsDevice implements [hostutil.HostUtils].
func (h hostUtil) PathIsDevice(path string) (bool, error) {
	t, err := h.GetFileType(path)
	return t == hostutil.FileTypeBlockDev || t == hostutil.FileTypeCharDev, err
}

// GetFileType implements [hostutil.HostUtils].
func (hostUtil) GetFileType(path string) (hostutil.FileType, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("type of a file: %w", err)
	}
	switch mode := info.Mode(); {
	case mode&os.ModeSocket != 0:
		return hostutil.FileTypeSocket, nil
	case mode&os.ModeCharDevice != 0:
		return hostutil.FileTypeCharDev, nil
	case mode&os.ModeDevice != 0:
		return hostutil.FileTypeBlockDev, nil
	case mode.IsDir():
		return hostutil.FileTypeDirectory, nil
	case mode.IsRegular():
		return hostutil.FileTypeFile, nil
	}
	return "", fmt.Errorf("type of %s: only regular files, directories, devices and sockets are supported", path)
}

// PathExists implements [hostutil.HostUtils].
func (hostUtil) PathExists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// EvalHostSymlinks implements [hostutil.HostUtils].
func (hostUtil) EvalHostSymlinks(path string) (string, error) { return filepath.EvalSymlinks(path) }

// GetOwner implements [hostutil.HostUtils].
func (hostUtil) GetOwner(path string) (uid, gid int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return -1, -1, err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1, fmt.Errorf("owner of %s: %w", path, errors.ErrUnsupported)
	}
	return int64(s.Uid), int64(s.Gid), nil
}

// GetSELinuxSupport implements [hostutil.HostUtils].
func (hostUtil) GetSELinuxSupport(string) (bool, error) { return false, nil }

// GetMode implements [hostutil.HostUtils].
func (hostUtil) GetMode(path string) (os.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Mode(), nil
}

// GetSELinuxMountContext implements [hostutil.HostUtils].
func (hostUtil) GetSELinuxMountContext(string) (string, error) { return "", nil }
