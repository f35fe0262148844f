package program

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Mount puts a directory or a file of the host at a path of the container.
type Mount struct {
	Path string // absolute, in the container
	// Root is a directory of the host and Name a slash-separated path in it, "." for itself. Symbolic links below Root
	// are followed as long as they stay below what is mounted.
	Root, Name string
	ReadOnly   bool
}

// View is [Files] made of mounts, the longest path first. Nothing outside of the mounted directories can be reached: not
// by "..", not by symbolic links (os.Root refuses to follow them out). It holds no open files.
type View struct {
	mounts  []Mount
	devices map[string]File
}

// NewView returns a view of mounts; one of them should be at "/". stdout and stderr are what /dev/stdout and /dev/stderr
// write to.
func NewView(mounts []Mount, stdout, stderr io.Writer) *View {
	sorted := slices.Clone(mounts)
	for i := range sorted {
		sorted[i].Path = path.Clean("/" + sorted[i].Path)
	}
	// A later mount at the same path hides an earlier one, as in a kernel.
	slices.Reverse(sorted)
	slices.SortStableFunc(sorted, func(a, b Mount) int { return len(b.Path) - len(a.Path) })
	return &View{mounts: sorted, devices: map[string]File{
		"/dev/null":   device{w: io.Discard},
		"/dev/stdout": device{w: stdout},
		"/dev/stderr": device{w: stderr},
	}}
}

// place opens what holds name and returns the rest of the path below it.
func (v *View) place(op, name string, write bool) (*os.Root, string, error) {
	clean := path.Clean("/" + name)
	for _, m := range v.mounts {
		rest, ok := below(clean, m.Path)
		if !ok {
			continue
		}
		if write && m.ReadOnly {
			return nil, "", &fs.PathError{Op: op, Path: name, Err: syscall.EROFS}
		}
		root, rel, err := m.open(rest)
		if err != nil {
			return nil, "", pathError(op, name, err)
		}
		return root, rel, nil
	}
	return nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// open returns the mounted directory and rest in it; for a mounted file, the directory around it and the file's name.
func (m *Mount) open(rest string) (*os.Root, string, error) {
	outer, err := os.OpenRoot(m.Root)
	if err != nil {
		return nil, "", err
	}
	if m.Name == "." || m.Name == "" {
		return outer, rest, nil
	}
	defer outer.Close()
	inner, err := outer.OpenRoot(filepath.FromSlash(m.Name))
	if err == nil {
		return inner, rest, nil
	}
	if info, statErr := outer.Stat(filepath.FromSlash(m.Name)); statErr != nil || info.IsDir() || rest != "." {
		return nil, "", err
	}
	inner, err = outer.OpenRoot(filepath.FromSlash(path.Dir(m.Name)))
	return inner, path.Base(m.Name), err
}

// below returns what is left of name below dir, "." for dir itself.
func below(name, dir string) (rest string, ok bool) {
	if name == dir {
		return ".", true
	}
	if dir != "/" {
		dir += "/"
	}
	rest, ok = strings.CutPrefix(name, dir)
	return rest, ok
}

// pathError names the file as the container knows it, not as the host does.
func pathError(op, name string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// OpenFile implements [Files].
func (v *View) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if dev, ok := v.devices[path.Clean(name)]; ok {
		return dev, nil
	}
	root, rel, err := v.place("open", name, flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC) != 0)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(rel, flag, perm)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return f, nil
}

// Stat implements [Files].
func (v *View) Stat(name string, follow bool) (fs.FileInfo, error) {
	if dev, ok := v.devices[path.Clean(name)]; ok {
		return dev.Stat()
	}
	root, rel, err := v.place("stat", name, false)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	stat := root.Lstat
	if follow {
		stat = root.Stat
	}
	info, err := stat(rel)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return info, nil
}

// ReadDir implements [Files].
func (v *View) ReadDir(name string) ([]fs.DirEntry, error) {
	root, rel, err := v.place("open", name, false)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(rel)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// Readlink implements [Files].
func (v *View) Readlink(name string) (target string, err error) {
	err = v.with("readlink", name, false, func(root *os.Root, rel string) error {
		target, err = root.Readlink(rel)
		return err
	})
	return target, err
}

// Symlink implements [Files].
func (v *View) Symlink(target, name string) error {
	return v.with("symlink", name, true, func(root *os.Root, rel string) error { return root.Symlink(target, rel) })
}

// Mkdir implements [Files].
func (v *View) Mkdir(name string, perm fs.FileMode) error {
	return v.with("mkdir", name, true, func(root *os.Root, rel string) error { return root.Mkdir(rel, perm) })
}

// Remove implements [Files]. A mount point is busy, as a kernel says.
func (v *View) Remove(name string) error {
	clean := path.Clean("/" + name)
	for _, m := range v.mounts {
		if _, ok := below(m.Path, clean); ok {
			return &fs.PathError{Op: "remove", Path: name, Err: syscall.EBUSY}
		}
	}
	return v.with("remove", name, true, func(root *os.Root, rel string) error { return root.RemoveAll(rel) })
}

func (v *View) with(op, name string, write bool, do func(root *os.Root, rel string) error) error {
	root, rel, err := v.place(op, name, write)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := do(root, rel); err != nil {
		return pathError(op, name, err)
	}
	return nil
}

// device is a character device that reads as empty.
type device struct{ w io.Writer }

func (d device) Read([]byte) (int, error)    { return 0, io.EOF }
func (d device) Write(p []byte) (int, error) { return d.w.Write(p) }
func (d device) Close() error                { return nil }

func (d device) Stat() (fs.FileInfo, error) { return deviceInfo{}, nil }
