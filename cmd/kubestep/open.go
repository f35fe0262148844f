package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/host"
	"github.com/kubestep/kubestep/cmd/kubestep/internal/settings"
	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/kubectl"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/theme"
)

// screenFlags say how the screens look.
type screenFlags struct {
	lang          string
	theme         string
	asciicast     string
	reducedMotion bool
}

func (f *screenFlags) add(cmd *cobra.Command) {
	f.addLooks(cmd.Flags())
	flags := cmd.Flags()
	flags.StringVar(&f.asciicast, "asciicast", "", "write what the terminal shows to this `FILE`, for asciinema")
	flags.BoolVar(&f.reducedMotion, "reduced-motion", false, "no animation")
	settings.Share(flags, "reduced-motion")
}

// addLooks adds what also matters where nothing is on a terminal.
func (f *screenFlags) addLooks(flags *pflag.FlagSet) {
	flags.StringVar(&f.lang, "lang", "", "language of the screens: en or zh (default: the locale's)")
	flags.StringVar(&f.theme, "theme", "", "dark, light, high-contrast or none (default: as the terminal's background is; none when NO_COLOR is set)")
	settings.Share(flags, "lang", "theme")
}

// options fills in what the environment says.
func (f *screenFlags) options() (tui.Options, error) {
	looks, err := theme.ParseName(f.theme)
	if err != nil {
		return tui.Options{}, fmt.Errorf("%w: --theme: %w", engine.ErrUsage, err)
	}
	lang := f.lang
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if lang == "" {
			lang = os.Getenv(name)
		}
	}
	return tui.Options{
		Lang: lang, Theme: looks, NoColor: os.Getenv("NO_COLOR") != "", ReducedMotion: f.reducedMotion, Log: slog.New(slog.DiscardHandler),
	}, nil
}

// openCommand is the program without a command: the first screen.
func (a *app) openCommand() *cobra.Command {
	var (
		f labFlags
		s screenFlags
		l lessonFlags
	)
	cmd := &cobra.Command{
		Use:   "kubestep",
		Short: "A step debugger for Kubernetes",
		Long: `A step debugger for Kubernetes.

Without a command it opens the lessons, and starts the lab that they are played in: a real Kubernetes in this process
that can be stopped at every hand-over between its components, stepped, and looked into.

Every flag below that names a KUBESTEP_ variable can be set by it as well, or by a line NAME: VALUE in
$XDG_CONFIG_HOME/kubestep/config.yaml.`,
		Example: `  kubestep
  kubestep up --json
  kubestep trace -- create deployment web --image=kubestep.dev/web:v1`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.open(cmd.Context(), f, s, l, route.Lesson{})
		},
	}
	f.add(cmd.Flags())
	s.add(cmd)
	l.addDir(cmd.Flags())
	return cmd
}

var errNoTerminal = errors.New("the screens need a terminal; without one use `kubestep up` or `kubestep trace`")

// open shows the screens: home, or at once a lesson.
func (a *app) open(parent context.Context, f labFlags, s screenFlags, lessons lessonFlags, at route.Lesson) (err error) {
	if !term.IsTerminal(int(os.Stdout.Fd())) || !term.IsTerminal(int(os.Stdin.Fd())) {
		return errNoTerminal
	}
	o, err := s.options()
	if err != nil {
		return err
	}
	list, problems, err := lessons.sound()
	if err != nil {
		return err
	}
	m := a.newMachine()
	ctx, stop := interruptibleUnless(parent, m.lent.Load)
	defer stop()
	lab, err := a.newLab(f)
	if err != nil {
		return err
	}
	defer func() {
		if e := lab.Close(); err == nil {
			err = e
		}
	}()
	if err := a.register(ctx, lab); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := m.offer(&o, s.asciicast); err != nil {
		return err
	}
	c, room := a.course(list, problems, lab)
	c.Folder, c.Open = lessons.dir, at
	o.Course = c
	m.offerLab(ctx, &o, lab, room.Dir)
	o.Lab = lab
	o.Actions.Faults = lab.Faults()
	o.Actions.Kubectl = func(ctx context.Context, args []string) (string, error) {
		return runKubectl(ctx, lab.Status().Kubeconfig, args)
	}
	// Building the control plane takes all cores for a moment, so the first screen comes first.
	o.Output = &firstWrite{Output: m.output, then: func() { lab.start(context.WithoutCancel(ctx)) }}
	err = tui.Run(ctx, o)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// firstWrite is a terminal that says when it has been written to.
type firstWrite struct {
	*host.Output
	once sync.Once
	then func()
}

func (f *firstWrite) Write(p []byte) (int, error) {
	n, err := f.Output.Write(p)
	f.once.Do(f.then)
	return n, err
}

// runKubectl runs kubectl without input and returns what it printed.
func runKubectl(ctx context.Context, kubeconfig string, args []string) (string, error) {
	var out bytes.Buffer
	cmd, err := kubectl.Command(ctx, kubectl.Call{
		Args: args, Kubeconfig: kubeconfig, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
	})
	if err != nil {
		return "", err
	}
	err = cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = errors.New("kubectl failed") // the output says why
	}
	return out.String(), err
}
