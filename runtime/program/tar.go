package program

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// tarApplet packs and unpacks streams, which is what kubectl cp uses: "tar cf - PATH...", "tar xf - [-C DIR]".
func tarApplet(ctx context.Context, w *World) int {
	var mode byte
	var names []string
	dir := w.Dir
	args := w.Args[1:]
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "-C" && i+1 < len(args):
			i++
			dir = w.Abs(args[i])
		case arg == "-": // the stream
		case i == 0, strings.HasPrefix(arg, "-"):
			for _, c := range []byte(strings.TrimLeft(arg, "-")) {
				if c == 'c' || c == 'x' {
					mode = c
				}
			}
		default:
			names = append(names, arg)
		}
	}
	in := *w
	in.Dir = dir
	var err error
	switch mode {
	case 'c':
		err = pack(ctx, &in, names)
	case 'x':
		err = unpack(ctx, &in)
	default:
		fmt.Fprintln(w.Stderr, "tar: usage: tar cf - PATH..., or tar xf - [-C DIR]")
		return usage
	}
	if err != nil {
		return failed(w, err)
	}
	return 0
}

func pack(ctx context.Context, w *World, names []string) error {
	out := tar.NewWriter(w.Stdout)
	for _, name := range names {
		if err := packOne(ctx, w, out, name); err != nil {
			return err
		}
	}
	return out.Close()
}

func packOne(ctx context.Context, w *World, out *tar.Writer, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	info, err := w.Files.Stat(w.Abs(name), false)
	if err != nil {
		return err
	}
	var link string
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = w.Files.Readlink(w.Abs(name)); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name = strings.TrimLeft(name, "/")
	h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "root", "root" // and not the host's user
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	switch {
	case info.IsDir():
		entries, err := w.Files.ReadDir(w.Abs(name))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := packOne(ctx, w, out, path.Join(name, e.Name())); err != nil {
				return err
			}
		}
	case info.Mode().IsRegular():
		f, err := w.Files.OpenFile(w.Abs(name), os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := io.Copy(out, f); err != nil {
			return err
		}
	}
	return nil
}

func unpack(ctx context.Context, w *World) error {
	in := tar.NewReader(w.Stdin)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name := w.Abs(strings.TrimLeft(h.Name, "/"))
		switch h.Typeflag {
		case tar.TypeDir:
			err = makeDir(w, name, true)
		case tar.TypeSymlink:
			err = w.Files.Symlink(h.Linkname, name)
		case tar.TypeReg:
			err = unpackFile(w, name, h.FileInfo().Mode().Perm(), in)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(w *World, name string, perm fs.FileMode, from io.Reader) error {
	if err := makeDir(w, path.Dir(name), true); err != nil {
		return err
	}
	f, err := w.Files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, from); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
