package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/classroom"
	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/course/prove"
	"github.com/kubestep/kubestep/engine/kubectl"
	"github.com/kubestep/kubestep/lessons/schema"
)

func (a *app) lessonProveCommand() *cobra.Command {
	var (
		f     lessonFlags
		every bool
		seeds int
		step  time.Duration
	)
	cmd := &cobra.Command{
		Use:   "prove [LESSON...]",
		Short: "Play lessons in a real lab and find out whether what they say is true",
		Long: `Play lessons in a real lab and find out whether what they say is true.

Each check must fail before its step, and after each of the listed wrong attempts with the words that the lesson says;
it must pass after the solution. Predictions and live answers are computed from what happened and compared with what the
lesson says. Each lesson gets a lab of its own, and is proved for each seed with other values for its variables.`,
		Example: `  kubestep lesson prove first-pod
  kubestep lesson prove --all --seeds 3
  kubestep lesson prove --lessons . my-lesson --json`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if every == (len(ids) > 0) {
				return usage(cmd, errors.New("name lessons, or say --all"))
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			if every {
				list, problems, err := f.all()
				if err := errors.Join(err, problems.Err()); err != nil {
					return err
				}
				for _, l := range list {
					ids = append(ids, l.ID)
				}
			}
			if len(ids)*seeds > 1 {
				return a.proveEach(ctx, cmd, f, ids, seeds, step)
			}
			l, err := f.one(ids[0])
			if err != nil {
				return err
			}
			seed, err := cmd.Flags().GetUint64("seed")
			if err != nil {
				return err
			}
			if l, err = l.With(l.Draw(seed)); err != nil {
				return err
			}
			return a.play(ctx, cmd.OutOrStdout(), l, prove.Options{Within: step}, f.json, nil)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&every, "all", false, "prove every lesson")
	cmd.Flags().IntVar(&seeds, "seeds", 1, "how many draws of the variables to prove")
	cmd.Flags().Uint64("seed", 0, "draw the variables with this number")
	cmd.Flags().DurationVar(&step, "step", 90*time.Second, "how long one step may take")
	return cmd
}

// proveEach proves one lesson after the other, each in a process of its own: a process has one lab.
func (a *app) proveEach(ctx context.Context, cmd *cobra.Command, f lessonFlags, ids []string, seeds int, step time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's own file: %w", err)
	}
	failed := 0
	for _, id := range ids {
		for seed := range seeds {
			words := []string{"lesson", "prove", id, "--seed", fmt.Sprint(seed), "--step", step.String()}
			if f.dir != "" {
				words = append(words, "--lessons", f.dir)
			}
			if f.json {
				words = append(words, "--json")
			}
			child := exec.CommandContext(ctx, self, words...)
			child.Stdout, child.Stderr = cmd.OutOrStdout(), a.terminal
			child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
			child.WaitDelay = 30 * time.Second
			if err := child.Run(); err != nil {
				failed++
			}
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d proofs failed", failed, len(ids)*seeds)
	}
	return nil
}

// play makes a lab and plays a lesson in it.
func (a *app) play(ctx context.Context, out io.Writer, l *schema.Lesson, o prove.Options, asJSON bool, save func(course.State) error) (err error) {
	lab, err := a.labFor(ctx, l)
	if err != nil {
		return err
	}
	defer func() {
		if e := lab.Close(); err == nil {
			err = e
		}
	}()
	dir := filepath.Join(lab.dir, "lesson")
	if err := classroom.Manifests(dir, l); err != nil {
		return err
	}
	status, err := ready(ctx, lab, nil)
	if err != nil {
		return err
	}
	o.Options = course.Options{Lesson: l, Lab: lab, Save: save, Log: slog.New(slog.DiscardHandler), Kubectl: lessonKubectl(status.Kubeconfig, dir)}
	o.Quiet = settled
	if !asJSON {
		fmt.Fprintf(out, "%s %s\n", l.ID, values(l.Values))
		o.Told = func(s prove.StepReport) { tellStep(out, s) }
	}
	report, err := prove.Run(ctx, o)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(out, report)
	} else {
		verdict := "proved"
		if o.SolutionOnly {
			verdict = "played"
		}
		if !report.OK {
			verdict = fmt.Sprintf("problems: %d", len(report.Problems))
		}
		_, err = fmt.Fprintf(out, "%s: %s in %.1f s\n", l.ID, verdict, float64(report.Ms)/1000)
	}
	if err == nil && !report.OK {
		return errTold
	}
	return err
}

func values(v map[string]string) string {
	if len(v) == 0 {
		return ""
	}
	return strings.TrimPrefix(fmt.Sprint(v), "map")
}

func tellStep(out io.Writer, s prove.StepReport) {
	mark := "ok  "
	if len(s.Problems) > 0 {
		mark = "FAIL"
	}
	fmt.Fprintf(out, "  %s %-14s %5.1f s  %d checks, %d wrong attempts", mark, s.ID, float64(s.Ms)/1000, s.Checks, s.Attempts)
	if s.Truth != "" {
		fmt.Fprintf(out, ", prediction: %s", s.Truth)
	}
	fmt.Fprintln(out)
	for _, p := range s.Problems {
		fmt.Fprintln(out, "       "+p)
	}
}

// labFor starts a lab as a lesson needs it.
func (a *app) labFor(ctx context.Context, l *schema.Lesson) (*running, error) {
	var f labFlags
	flags := pflag.NewFlagSet("lesson", pflag.ContinueOnError)
	f.add(flags)
	if err := flags.Set("nodes", fmt.Sprint(l.Lab.Nodes)); err != nil {
		return nil, err
	}
	if slices.Contains(engine.NetworkModes(), engine.NetworkMode(l.Lab.Network)) {
		if err := flags.Set("network", l.Lab.Network); err != nil {
			return nil, err
		}
	}
	if l.Lab.Seed != 0 {
		if err := flags.Set("seed", fmt.Sprint(l.Lab.Seed)); err != nil {
			return nil, err
		}
	}
	lab, err := a.newLab(f)
	if err != nil {
		return nil, err
	}
	if err := a.register(ctx, lab); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	lab.start(context.WithoutCancel(ctx))
	if _, err := ready(ctx, lab, nil); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	return lab, nil
}

// lessonKubectl returns what runs kubectl for a lesson: against the lab, in the folder of its manifests, without
// anything of the user's own configuration.
func lessonKubectl(kubeconfig, dir string) func(ctx context.Context, args []string) (string, error) {
	return func(ctx context.Context, args []string) (string, error) {
		var out bytes.Buffer
		cmd, err := kubectl.Command(ctx, kubectl.Call{
			Args: args, Kubeconfig: kubeconfig, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
		})
		if err != nil {
			return "", err
		}
		cmd.Dir = dir
		cmd.Env = append(cmd.Env, "KUBERC=off", "HOME="+dir)
		err = cmd.Run()
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("%w: %s", errKubectl, strings.TrimSpace(out.String()))
		}
		return out.String(), err
	}
}

var errKubectl = errors.New("kubectl failed")
