package program

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// applets are the small programs that every image has in its /bin, for kubectl exec and for scripts. They do what people
// use their namesakes for and no more.
func applets() map[string]Program {
	return map[string]Program{
		"sh": Shell, "sleep": Sleep, "tar": tarApplet, "wget": wget,
		"nslookup": nslookup, "dig": dig, "host": host, "getent": getent,
		"echo": echo, "cat": cat, "ls": ls, "env": env, "hostname": hostname, "date": date, "pwd": pwd, "id": id,
		"kill": kill, "ps": ps, "mkdir": mkdir, "rm": rm, "touch": touch, "head": head, "wc": wc, "grep": grep, "tee": tee,
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

func head(ctx context.Context, w *World) int {
	flags := newFlags(w)
	n := flags.Int("n", 10, "lines")
	if flags.Parse(w.Args[1:]) != nil {
		return usage
	}
	return inputs(ctx, w, flags.Args(), func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		for i := 0; i < *n && lines.Scan(); i++ {
			fmt.Fprintln(w.Stdout, lines.Text())
		}
		return lines.Err()
	})
}

func wc(ctx context.Context, w *World) int {
	flags := newFlags(w)
	linesOnly := flags.Bool("l", false, "lines only")
	if flags.Parse(w.Args[1:]) != nil {
		return usage
	}
	return inputs(ctx, w, flags.Args(), func(r io.Reader) error {
		var lines, words, bytes int
		in := bufio.NewReader(r)
		for {
			line, err := in.ReadString('\n')
			bytes += len(line)
			words += len(strings.Fields(line))
			lines += strings.Count(line, "\n")
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		if *linesOnly {
			fmt.Fprintln(w.Stdout, lines)
		} else {
			fmt.Fprintf(w.Stdout, "%7d %7d %7d\n", lines, words, bytes)
		}
		return nil
	})
}

func grep(ctx context.Context, w *World) int {
	flags := newFlags(w)
	quiet := flags.Bool("q", false, "print nothing")
	invert := flags.Bool("v", false, "lines that do not match")
	if flags.Parse(w.Args[1:]) != nil || flags.NArg() == 0 {
		fmt.Fprintln(w.Stderr, "grep: usage: grep [-q] [-v] TEXT [FILE...] (plain text, not a pattern)")
		return usage
	}
	found := 1
	code := inputs(ctx, w, flags.Args()[1:], func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if strings.Contains(lines.Text(), flags.Arg(0)) == *invert {
				continue
			}
			found = 0
			if !*quiet {
				fmt.Fprintln(w.Stdout, lines.Text())
			}
		}
		return lines.Err()
	})
	if code != 0 {
		return usage
	}
	return found
}

func tee(_ context.Context, w *World) int {
	to := []io.Writer{w.Stdout}
	for _, name := range w.Args[1:] {
		f, err := w.Files.OpenFile(w.Abs(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return failed(w, err)
		}
		defer f.Close()
		to = append(to, f)
	}
	if _, err := io.Copy(io.MultiWriter(to...), w.Stdin); err != nil {
		return failed(w, err)
	}
	return 0
}

func ls(_ context.Context, w *World) int {
	flags := newFlags(w)
	long := flags.Bool("l", false, "with mode, size and time")
	all := flags.Bool("a", false, "with names that begin with a dot")
	var args []string
	for _, arg := range w.Args[1:] {
		if len(arg) == 3 && arg[0] == '-' { // -la
			args = append(args, arg[:2], "-"+arg[2:])
			continue
		}
		args = append(args, arg)
	}
	if flags.Parse(args) != nil {
		return usage
	}
	names := flags.Args()
	if len(names) == 0 {
		names = []string{"."}
	}
	code := 0
	for _, name := range names {
		info, err := w.Files.Stat(w.Abs(name), true)
		if err != nil {
			code = failed(w, err)
			continue
		}
		if !info.IsDir() {
			lsLine(w, w.Abs(name), name, info, *long)
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
			if info, err := e.Info(); err == nil && (*all || e.Name()[0] != '.') {
				lsLine(w, path.Join(w.Abs(name), e.Name()), e.Name(), info, *long)
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
	flags := newFlags(w)
	parents := flags.Bool("p", false, "with parents; no error when it exists")
	if flags.Parse(w.Args[1:]) != nil {
		return usage
	}
	for _, name := range flags.Args() {
		if err := makeDir(w, w.Abs(name), *parents); err != nil {
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
	flags := newFlags(w)
	force := flags.Bool("f", false, "no error when it does not exist")
	deep := flags.Bool("r", false, "directories too")
	both := flags.Bool("rf", false, "as -r -f")
	if flags.Parse(w.Args[1:]) != nil {
		return usage
	}
	for _, name := range flags.Args() {
		info, err := w.Files.Stat(w.Abs(name), false)
		switch {
		case err != nil && (*force || *both):
			continue
		case err == nil && info.IsDir() && !*deep && !*both:
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

func env(ctx context.Context, w *World) int {
	if len(w.Args) > 1 {
		child := *w
		i := 1
		for ; i < len(w.Args) && strings.Contains(w.Args[i], "="); i++ {
			child.Env = append(slices.Clone(child.Env), w.Args[i])
		}
		if child.Args = w.Args[i:]; len(child.Args) > 0 {
			p, ok := w.Find(&child, child.Args[0])
			if !ok {
				fmt.Fprintf(w.Stderr, "env: %s: not found\n", child.Args[0])
				return 127
			}
			return p(ctx, &child)
		}
		w = &child
	}
	for _, e := range w.Env {
		fmt.Fprintln(w.Stdout, e)
	}
	return 0
}

func hostname(_ context.Context, w *World) int {
	fmt.Fprintln(w.Stdout, w.Hostname)
	return 0
}

func pwd(_ context.Context, w *World) int {
	fmt.Fprintln(w.Stdout, w.Dir)
	return 0
}

// id says what is so: the lab's programs have no users, and what a container is allowed is decided by its view.
func id(_ context.Context, w *World) int {
	fmt.Fprintln(w.Stdout, "uid=0(root) gid=0(root)")
	return 0
}

func date(_ context.Context, w *World) int {
	layout := time.UnixDate
	if len(w.Args) > 1 && w.Args[1] == "-Iseconds" {
		layout = time.RFC3339
	}
	if len(w.Args) > 1 && w.Args[1] == "+%s" {
		fmt.Fprintln(w.Stdout, w.Clock.Now().Unix())
		return 0
	}
	fmt.Fprintln(w.Stdout, w.Clock.Now().UTC().Format(layout))
	return 0
}

func kill(_ context.Context, w *World) int {
	args, sig := w.Args[1:], SIGTERM
	if len(args) > 1 && args[0] == "-s" {
		args = append([]string{"-" + args[1]}, args[2:]...)
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		var ok bool
		if sig, ok = ParseSignal(args[0][1:]); !ok {
			fmt.Fprintf(w.Stderr, "kill: %s is not a signal: try -TERM, -KILL, -HUP, -INT, -USR1\n", args[0])
			return 1
		}
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(w.Stderr, "kill: usage: kill [-SIGNAL] PID...")
		return 1
	}
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err == nil {
			err = w.Processes.Signal(pid, sig)
		}
		if err != nil {
			fmt.Fprintf(w.Stderr, "kill: %s: no such process\n", arg)
			return 1
		}
	}
	return 0
}

func ps(_ context.Context, w *World) int {
	fmt.Fprintf(w.Stdout, "%5s %s\n", "PID", "COMMAND")
	for _, p := range w.Processes.List() {
		fmt.Fprintf(w.Stdout, "%5d %s\n", p.PID, strings.Join(p.Args, " "))
	}
	return 0
}
