package inproc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kubestep/kubestep/runtime/program"
)

// rootDirs are the directories of an empty image.
var rootDirs = []string{"etc", "tmp", "bin", "dev", "root"}

// prepareFiles makes a container's root file system and returns what it mounts: the root, the image's programs, the Pod's
// resolver configuration and host name, and what the kubelet asks for, in the order in which later ones hide earlier
// ones.
func (r *Runtime) prepareFiles(c *container) ([]program.Mount, error) {
	for _, dir := range rootDirs {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o755); err != nil {
			return nil, fmt.Errorf("make root file system: %w", err)
		}
	}
	bin, err := r.unpackImage(c.image)
	if err != nil {
		return nil, err
	}
	mounts := []program.Mount{
		{Path: "/", Root: c.dir, Name: "."},
		{Path: "/bin", Root: bin, Name: ".", ReadOnly: true},
		{Path: "/etc/resolv.conf", Root: c.sandbox.dir, Name: "resolv.conf", ReadOnly: true},
		{Path: "/etc/hostname", Root: c.sandbox.dir, Name: "hostname", ReadOnly: true},
	}
	for _, m := range c.config.Mounts {
		if m.GetImage() != nil && m.GetImage().GetImage() != "" {
			return nil, fmt.Errorf("mount image %q at %s: this runtime has no image volumes", m.GetImage().GetImage(), m.ContainerPath)
		}
		mount, err := r.hostMount(m.HostPath)
		if err != nil {
			return nil, fmt.Errorf("mount %q at %s: %w", m.HostPath, m.ContainerPath, err)
		}
		mount.Path, mount.ReadOnly = path.Clean("/"+m.ContainerPath), m.Readonly
		mounts = append(mounts, mount)
	}
	for _, m := range mounts[2:] {
		if err := mountPoint(c.dir, m); err != nil {
			return nil, fmt.Errorf("make mount point %s: %w", m.Path, err)
		}
	}
	return mounts, nil
}

// hostMount finds where a mount's host path is. What the kubelet made is below one of the host roots; any other path is
// the node's own, which is not the user's machine.
func (r *Runtime) hostMount(hostPath string) (program.Mount, error) {
	if !filepath.IsAbs(hostPath) {
		return program.Mount{}, errors.New("host path is not absolute")
	}
	clean := filepath.Clean(hostPath)
	m := program.Mount{Root: filepath.Join(r.opts.Dir, "node"), Name: strings.TrimPrefix(filepath.ToSlash(clean), "/")}
	for _, root := range r.opts.HostRoots {
		rel, err := filepath.Rel(filepath.Clean(root), clean)
		if err == nil && filepath.IsLocal(rel) {
			m = program.Mount{Root: root, Name: filepath.ToSlash(rel)}
			break
		}
	}
	if m.Name == "" {
		m.Name = "."
	}
	root, err := os.OpenRoot(m.Root)
	if err != nil {
		return program.Mount{}, err
	}
	defer root.Close()
	if _, err := root.Stat(m.Name); errors.Is(err, fs.ErrNotExist) {
		// Container runtimes make a missing host path a directory.
		return m, root.MkdirAll(m.Name, 0o755)
	} else if err != nil {
		return program.Mount{}, err
	}
	return m, nil
}

// mountPoint makes what m is mounted over, in the container's root file system, so that directories list it. Mount points
// inside other mounts exist or cannot be listed, as is.
func mountPoint(rootfs string, m program.Mount) error {
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return err
	}
	defer root.Close()
	name := strings.TrimPrefix(m.Path, "/")
	if name == "" {
		return nil
	}
	if _, err := root.Lstat(name); err == nil {
		return nil
	}
	info, err := os.Stat(filepath.Join(m.Root, filepath.FromSlash(m.Name)))
	if err != nil {
		return err
	}
	if info.IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// unpackImage makes the directory that shows an image's programs, once for each image, and returns its path.
func (r *Runtime) unpackImage(img *program.Image) (string, error) {
	dir := filepath.Join(r.opts.Dir, "images", img.ID.Encoded())
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	// Another container may do the same now: make it aside, and let one win.
	tmp, err := os.MkdirTemp(filepath.Join(r.opts.Dir, "images"), "new-")
	if err != nil {
		return "", fmt.Errorf("unpack image %s: %w", img.Name, err)
	}
	for _, name := range img.Programs() {
		text := fmt.Sprintf("#!kubestep\n# %s is part of the lab: runtime/program\n", name)
		if err := os.WriteFile(filepath.Join(tmp, name), []byte(text), 0o755); err != nil {
			return "", fmt.Errorf("unpack image %s: %w", img.Name, err)
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", fmt.Errorf("unpack image %s: %w", img.Name, err)
		}
		return dir, os.RemoveAll(tmp)
	}
	return dir, nil
}
