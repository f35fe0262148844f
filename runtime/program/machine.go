package program

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
	var address, ignored bool
	var o options
	o.flag(&address, "i", "I", "ip-address", "all-ip-addresses")
	o.flag(&ignored, "s", "f", "short", "fqdn")
	if rest, code, ok := o.run(w, "hostname [-i]"); !ok {
		return code
	} else if len(rest) > 0 {
		fmt.Fprintln(w.Stderr, "hostname: you must be root to change the host name")
		return 1
	}
	if !address {
		fmt.Fprintln(w.Stdout, w.Hostname)
		return 0
	}
	var all []string
	for _, a := range w.Network.Addresses() {
		all = append(all, a.String())
	}
	fmt.Fprintln(w.Stdout, strings.Join(all, " "))
	return 0
}

func whoami(_ context.Context, w *World) int {
	fmt.Fprintln(w.Stdout, "root")
	return 0
}

// uname says that this is the lab: no kernel of that name would be true.
func uname(_ context.Context, w *World) int {
	if len(w.Args) > 1 && strings.Contains(w.Args[1], "a") {
		fmt.Fprintf(w.Stdout, "kubestep %s\n", w.Hostname)
		return 0
	}
	fmt.Fprintln(w.Stdout, "kubestep")
	return 0
}

// which prints where programs are: "which curl". It exits with 1 when one is not there.
func which(_ context.Context, w *World) int {
	code := 0
	for _, name := range w.Args[1:] {
		if _, ok := w.Find(w, name); !ok {
			code = 1
			continue
		}
		if !strings.Contains(name, "/") {
			name = path.Join(defaultPath, name)
		}
		fmt.Fprintln(w.Stdout, name)
	}
	return code
}

// timeApplet runs a program and says how long it took on the network's clock: "time curl -s web".
func timeApplet(ctx context.Context, w *World) int {
	if len(w.Args) < 2 {
		fmt.Fprintln(w.Stderr, "Usage: time PROGRAM [ARGS...]")
		return usage
	}
	p, ok := w.Find(w, w.Args[1])
	if !ok {
		fmt.Fprintf(w.Stderr, "time: %s: not found\n", w.Args[1])
		return 127
	}
	child := *w
	child.Args = w.Args[1:]
	began := w.Clock.Now()
	code := p(ctx, &child)
	took := w.Clock.Since(began)
	fmt.Fprintf(w.Stderr, "real\t%dm %.3fs\n", int(took.Minutes()), (took % time.Minute).Seconds())
	return code
}

// help lists what can be typed.
func help(_ context.Context, w *World) int {
	fmt.Fprintln(w.Stdout, "This image has these programs in /bin; most of them tell more with --help:")
	entries, err := w.Files.ReadDir(defaultPath)
	if err != nil {
		return failed(w, err)
	}
	line := " "
	for _, e := range entries {
		if len(line)+len(e.Name()) > 78 {
			fmt.Fprintln(w.Stdout, line)
			line = " "
		}
		line += " " + e.Name()
	}
	fmt.Fprintln(w.Stdout, line)
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
