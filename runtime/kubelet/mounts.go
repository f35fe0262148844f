package kubelet

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"k8s.io/kubernetes/pkg/volume/util/subpath"
	"k8s.io/mount-utils"
)

// mounter keeps book of mounts that are not made: an ordinary user may not mount. The kubelet mounts only file systems
// in memory (for Secrets, tokens and emptyDir with medium Memory); here they are plain directories below the node's own,
// which only the user can read. It is safe for concurrent use.
type mounter struct {
	mu     sync.Mutex
	points []mount.MountPoint
}

var _ mount.Interface = (*mounter)(nil)

// Mount implements [mount.Interface].
func (m *mounter) Mount(source, target, fstype string, options []string) error {
	if err := os.MkdirAll(target, 0o750); err != nil {
		return fmt.Errorf("make a volume's directory: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.points = append(m.points, mount.MountPoint{Device: source, Path: real(target), Type: fstype, Opts: options})
	return nil
}

// MountSensitive implements [mount.Interface].
func (m *mounter) MountSensitive(source, target, fstype string, options, _ []string) error {
	return m.Mount(source, target, fstype, options)
}

// MountSensitiveWithoutSystemd implements [mount.Interface].
func (m *mounter) MountSensitiveWithoutSystemd(source, target, fstype string, options, _ []string) error {
	return m.Mount(source, target, fstype, options)
}

// MountSensitiveWithoutSystemdWithMountFlags implements [mount.Interface].
func (m *mounter) MountSensitiveWithoutSystemdWithMountFlags(source, target, fstype string, options, _, _ []string) error {
	return m.Mount(source, target, fstype, options)
}

// Unmount implements [mount.Interface].
func (m *mounter) Unmount(target string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	path := real(target)
	for i := len(m.points) - 1; i >= 0; i-- {
		if m.points[i].Path == path {
			m.points = append(m.points[:i:i], m.points[i+1:]...)
			break
		}
	}
	return nil
}

// List implements [mount.Interface].
func (m *mounter) List() ([]mount.MountPoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]mount.MountPoint(nil), m.points...), nil
}

// IsLikelyNotMountPoint implements [mount.Interface].
func (m *mounter) IsLikelyNotMountPoint(file string) (bool, error) {
	is, err := m.IsMountPoint(file)
	return !is, err
}

// CanSafelySkipMountPointCheck implements [mount.Interface].
func (m *mounter) CanSafelySkipMountPointCheck() bool { return false }

// IsMountPoint implements [mount.Interface].
func (m *mounter) IsMountPoint(file string) (bool, error) {
	if _, err := os.Stat(file); err != nil {
		return false, err // upstream tells apart what does not exist
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	path := real(file)
	for _, p := range m.points {
		if p.Path == path {
			return true, nil
		}
	}
	return false, nil
}

// GetMountRefs implements [mount.Interface]: nothing is mounted twice.
func (m *mounter) GetMountRefs(string) ([]string, error) { return nil, nil }

// real returns the path without symbolic links.
func real(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

// subPaths gives containers one file or directory of a volume. Upstream's bind-mounts it, so that the container keeps
// what it got when the volume changes.
type subPaths struct{}

var _ subpath.Interface = subPaths{}

// subPathDir is where upstream has its bind mounts too, below the Pod's directory.
const subPathDir = "volume-subpaths"

// SafeMakeDir implements [subpath.Interface].
func (subPaths) SafeMakeDir(subdir, base string, perm os.FileMode) error {
	root, err := os.OpenRoot(base)
	if err != nil {
		return fmt.Errorf("open a volume: %w", err)
	}
	defer func() { _ = root.Close() }()
	if filepath.IsAbs(subdir) {
		if subdir, err = filepath.Rel(base, subdir); err != nil {
			return fmt.Errorf("make a directory in a volume: %w", err)
		}
	}
	return root.MkdirAll(subdir, perm.Perm()|0o700)
}

// PrepareSafeSubpath implements [subpath.Interface]. A file becomes a hard link: as with a bind mount, the container
// writes to the volume's file and keeps the old one when a ConfigMap's update puts a new one in its place. A directory
// is used as it is.
func (subPaths) PrepareSafeSubpath(s subpath.Subpath) (string, func(), error) {
	volume, path := real(s.VolumePath), real(s.Path)
	if path != volume && !strings.HasPrefix(path, volume+string(filepath.Separator)) {
		return "", nil, fmt.Errorf("subPath %s leads out of its volume %s", s.Path, s.VolumePath)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, fmt.Errorf("subPath of volume %s: %w", s.VolumeName, err)
	}
	if !info.Mode().IsRegular() {
		return path, nil, nil
	}
	link := filepath.Join(s.PodDir, subPathDir, s.VolumeName, s.ContainerName, strconv.Itoa(s.VolumeMountIndex))
	if err := os.MkdirAll(filepath.Dir(link), 0o750); err != nil {
		return "", nil, fmt.Errorf("prepare a subPath: %w", err)
	}
	if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
		return "", nil, fmt.Errorf("prepare a subPath: %w", err)
	}
	if err := os.Link(path, link); err != nil {
		return "", nil, fmt.Errorf("prepare a subPath: %w", err)
	}
	return link, nil, nil
}

// CleanSubPaths implements [subpath.Interface].
func (subPaths) CleanSubPaths(podDir, volumeName string) error {
	return os.RemoveAll(filepath.Join(podDir, subPathDir, volumeName))
}
