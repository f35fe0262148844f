package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// applets are the small programs that every image has in its /bin, for kubectl exec and for scripts. They do what people
// use their namesakes for and no more.
func applets() map[string]Program {
	return map[string]Program{
		"sh": Shell, "sleep": Sleep, "tar": tarApplet, "wget": wget,
		"nslookup": nslookup, "dig": dig, "host": host, "getent": getent,
		"echo": echo, "cat": cat, "ls": ls, "env": env, "hostname": hostname, "date": date, "pwd": pwd, "id": id,
		"kill": kill, "ps": ps, "mkdir": mkdir, "rm": rm, "touch": touch, "head": head, "tail": tail, "wc": wc, "grep": grep,
		"tee": tee, "sort": sortApplet, "uniq": uniq, "seq": seq, "which": which, "whoami": whoami, "uname": uname,
		"time": timeApplet, "help": help,
		"ip": ip, "ss": ss, "netstat": netstat, "ping": ping, "traceroute": traceroute, "curl": curlApplet, "nc": nc,
		"true":  func(context.Context, *World) int { return 0 },
		"false": func(context.Context, *World) int { return 1 },
	}
}

func echo(_ context.Context, w *World) int {
	args := w.Args[1:]
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	if _, err := io.WriteString(w.Stdout, strings.Join(args, " ")+end); err != nil {
		return 1
	}
	return 0
}

// failed prints an error as Unix programs do, "cat: /nope: no such file or directory", and returns 1.
func failed(w *World, err error) int {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		fmt.Fprintf(w.Stderr, "%s: %s: %v\n", path.Base(w.Args[0]), pe.Path, pe.Err)
	} else {
		fmt.Fprintf(w.Stderr, "%s: %v\n", path.Base(w.Args[0]), err)
	}
	return 1
}

// inputs calls do with standard input, or with each file of names in turn, and returns the exit code.
func inputs(ctx context.Context, w *World, names []string, do func(r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for _, name := range names {
		var r io.Reader = w.Stdin
		if name != "-" {
			f, err := w.Files.OpenFile(w.Abs(name), os.O_RDONLY, 0)
			if err != nil {
				code = failed(w, err)
				continue
			}
			defer f.Close()
			r = f
		}
		if err := do(r); err != nil && ctx.Err() == nil {
			code = failed(w, err)
		}
	}
	return code
}

func cat(ctx context.Context, w *World) int {
	return inputs(ctx, w, w.Args[1:], func(r io.Reader) error {
		_, err := io.Copy(w.Stdout, r)
		return err
	})
}

func ls(_ context.Context, w *World) int {
	var long, all, directory bool
	var o options
	o.flag(&long, "l")
	o.flag(&all, "a", "A", "all", "almost-all")
	o.flag(&directory, "d", "directory")
	o.ignore("1", "h", "human-readable", "F", "t", "r", "R")
	names, code, ok := o.run(w, "ls [-la] [FILE...]")
	if !ok {
		return code
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	for _, name := range names {
		info, err := w.Files.Stat(w.Abs(name), true)
		if err != nil {
			code = failed(w, err)
			continue
		}
		if !info.IsDir() || directory {
			lsLine(w, w.Abs(name), name, info, long)
			continue
		}
		entries, err := w.Files.ReadDir(w.Abs(name))
		if err != nil {
			code = failed(w, err)
			continue
		}
		if len(names) > 1 {
			fmt.Fprintf(w.Stdout, "%s:\n", name)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && (all || e.Name()[0] != '.') {
				lsLine(w, path.Join(w.Abs(name), e.Name()), e.Name(), info, long)
			}
		}
	}
	return code
}

func lsLine(w *World, full, name string, info fs.FileInfo, long bool) {
	if !long {
		fmt.Fprintln(w.Stdout, name)
		return
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err := w.Files.Readlink(full); err == nil {
			name += " -> " + target
		}
	}
	fmt.Fprintf(w.Stdout, "%s %8d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format("Jan _2 15:04"), name)
}

func mkdir(_ context.Context, w *World) int {
	var parents bool
	var o options
	o.flag(&parents, "p", "parents")
	names, code, ok := o.run(w, "mkdir [-p] DIRECTORY...")
	if !ok {
		return code
	}
	for _, name := range names {
		if err := makeDir(w, w.Abs(name), parents); err != nil {
			return failed(w, err)
		}
	}
	return 0
}

func makeDir(w *World, name string, parents bool) error {
	if !parents {
		return w.Files.Mkdir(name, 0o755)
	}
	if info, err := w.Files.Stat(name, true); err == nil && info.IsDir() {
		return nil
	}
	if err := makeDir(w, path.Dir(name), true); err != nil {
		return err
	}
	return w.Files.Mkdir(name, 0o755)
}

func rm(_ context.Context, w *World) int {
	var force, deep bool
	var o options
	o.flag(&force, "f", "force")
	o.flag(&deep, "r", "R", "recursive")
	names, code, ok := o.run(w, "rm [-rf] FILE...")
	if !ok {
		return code
	}
	for _, name := range names {
		info, err := w.Files.Stat(w.Abs(name), false)
		switch {
		case err != nil && force:
			continue
		case err == nil && info.IsDir() && !deep:
			err = &fs.PathError{Op: "rm", Path: name, Err: fmt.Errorf("is a directory")}
		case err == nil:
			err = w.Files.Remove(w.Abs(name))
		}
		if err != nil {
			return failed(w, err)
		}
	}
	return 0
}

func touch(_ context.Context, w *World) int {
	for _, name := range w.Args[1:] {
		f, err := w.Files.OpenFile(w.Abs(name), os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return failed(w, err)
		}
		f.Close()
	}
	return 0
}
