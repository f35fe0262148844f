package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// usage is the exit code of a program that was called wrongly, as shells and Go's flag package have it.
const usage = 2

// Pause waits until it is told to end, as the Kubernetes pause container does. It exits with 0.
func Pause(ctx context.Context, w *World) int {
	select {
	case <-w.Signals.Notify(SIGTERM, SIGINT):
		return 0
	case <-ctx.Done():
		return SIGKILL.ExitCode()
	}
}

// Sleep waits: "sleep 5", "sleep 1.5", "sleep 2m", "sleep infinity". It dies of SIGTERM even as PID 1, where the kernel
// would spare a sleep that installs no handler: it is the sleep that people expect, the one under an init. [Stubborn] is
// for the other lesson.
func Sleep(ctx context.Context, w *World) int {
	var d time.Duration
	forever := len(w.Args) == 2 && w.Args[1] == "infinity"
	if !forever {
		if len(w.Args) < 2 {
			fmt.Fprintln(w.Stderr, "sleep: missing operand: try sleep 5, sleep 2m or sleep infinity")
			return 1
		}
		for _, arg := range w.Args[1:] {
			one, err := parseSleep(arg)
			if err != nil {
				fmt.Fprintf(w.Stderr, "sleep: invalid time interval %q: try 5, 1.5s, 2m or infinity\n", arg)
				return 1
			}
			d += one
		}
	}
	term := w.Signals.Notify(SIGTERM, SIGINT)
	var elapsed <-chan time.Time
	if !forever {
		timer := w.Clock.NewTimer(d)
		defer timer.Stop()
		elapsed = timer.C()
	}
	select {
	case <-elapsed:
		return 0
	case s := <-term:
		return s.ExitCode()
	case <-ctx.Done():
		return SIGKILL.ExitCode()
	}
}

func parseSleep(arg string) (time.Duration, error) {
	if secs, err := strconv.ParseFloat(arg, 64); err == nil {
		return positive(time.Duration(secs * float64(time.Second)))
	}
	d, err := time.ParseDuration(arg)
	if err != nil {
		return 0, err
	}
	return positive(d)
}

func positive(d time.Duration) (time.Duration, error) {
	if d < 0 {
		return 0, errors.New("negative")
	}
	return d, nil
}

// Crash says so and exits: "crash --code 3 --after 5s --message text".
func Crash(ctx context.Context, w *World) int {
	flags := newFlags(w, "crash [--code 1] [--after 5s] [--message TEXT]", "Prints a message and exits.")
	code := flags.Int("code", 1, "exit code")
	after := flags.Duration("after", 0, "how long to run first")
	message := flags.String("message", "crash: something went wrong", "what to print on standard error")
	if code, ok := flags.parse(); !ok {
		return code
	}
	if *after > 0 {
		fmt.Fprintf(w.Stdout, "crash: will crash in %s\n", *after)
		timer := w.Clock.NewTimer(*after)
		defer timer.Stop()
		select {
		case <-timer.C():
		case s := <-w.Signals.Notify(SIGTERM, SIGINT):
			return s.ExitCode()
		case <-ctx.Done():
			return SIGKILL.ExitCode()
		}
	}
	fmt.Fprintln(w.Stderr, *message)
	return *code & 0xff
}

// Stubborn reports every SIGTERM and goes on: only SIGKILL ends it.
func Stubborn(ctx context.Context, w *World) int {
	signals := w.Signals.Notify(SIGTERM, SIGINT, SIGHUP, SIGQUIT)
	fmt.Fprintln(w.Stdout, "stubborn: running; I ignore SIGTERM")
	for {
		select {
		case s := <-signals:
			fmt.Fprintf(w.Stdout, "stubborn: got %s, ignoring it\n", s)
		case <-ctx.Done():
			return SIGKILL.ExitCode()
		}
	}
}

// flagSet reads the command line of one of the lab's own programs.
type flagSet struct {
	*flag.FlagSet
	w                *World
	synopsis, detail string
}

// newFlags returns a set without flags; synopsis and detail are what --help says besides the flags.
func newFlags(w *World, synopsis, detail string) *flagSet {
	f := &flagSet{flag.NewFlagSet(w.Args[0], flag.ContinueOnError), w, synopsis, detail}
	f.SetOutput(w.Stderr)
	f.Usage = func() {} // parse tells
	return f
}

// parse reads the command line and says whether the program goes on: not after --help, nor after a mistake, which it has
// told. code is then the exit code.
func (f *flagSet) parse() (code int, ok bool) {
	err := f.Parse(f.w.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(f.w.Stdout, "Usage: %s\n%s\n\n", f.synopsis, f.detail)
		f.VisitAll(func(one *flag.Flag) { fmt.Fprintln(f.w.Stdout, flagLine(one)) })
		return 0, false
	case err != nil:
		fmt.Fprintf(f.w.Stderr, "Usage: %s; --help tells more\n", f.synopsis)
		return usage, false
	}
	return 0, true
}

func flagLine(f *flag.Flag) string {
	name := "--" + f.Name
	if len(f.Name) == 1 {
		name = name[1:]
	}
	value, text := flag.UnquoteUsage(f)
	if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "false" {
		text += " (default " + f.DefValue + ")"
	}
	return fmt.Sprintf("  %-22s %s", strings.TrimSpace(name+" "+value), text)
}
