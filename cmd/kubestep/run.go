package main

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/classroom"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/course/prove"
	"github.com/kubestep/kubestep/engine/progress"
)

func (a *app) runCommand() *cobra.Command {
	var (
		f       lessonFlags
		lab     labFlags
		looks   screenFlags
		auto    bool
		restart bool
		seed    uint64
		keep    bool
	)
	cmd := &cobra.Command{
		Use:   "run LESSON",
		Short: "Open a lesson in the screens, or play its solution with --auto",
		Long: `Open a lesson in the screens, in a lab that it fits into: where it was left, or from its start with --restart.

With --auto it opens nothing and plays the lesson's solution, step by step, as somebody who knows all would. It exits with
0 when every step has been passed and with 1 when not.`,
		Example: `  kubestep run first-pod
  kubestep run first-pod --restart
  kubestep run my-lesson --lessons .
  kubestep run first-pod --auto --json | jq .ok`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !auto {
				if cmd.Flags().Changed("seed") || f.json || keep {
					return usage(cmd, errors.New("--seed, --json and --save go with --auto"))
				}
				at, err := f.open(args[0], restart, &lab)
				if err != nil {
					return err
				}
				return a.open(cmd.Context(), lab, looks, f, at)
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			l, err := f.one(args[0])
			if err != nil {
				return err
			}
			if l, err = l.With(l.Draw(seed)); err != nil {
				return err
			}
			var save func(course.State) error
			if keep {
				store := a.progress()
				save = func(s course.State) error { return classroom.Save(store, l.ID, s, time.Now()) }
			}
			return a.play(ctx, cmd.OutOrStdout(), l, prove.Options{SolutionOnly: true, Within: 90 * time.Second}, f.json, save)
		},
	}
	looks.add(cmd)
	flags := cmd.Flags()
	f.addDir(flags)
	flags.BoolVar(&f.json, "json", false, "with --auto: print JSON")
	flags.BoolVar(&auto, "auto", false, "play the solution, without screens")
	flags.BoolVar(&restart, "restart", false, "begin anew, with other values for the lesson's variables")
	flags.Uint64Var(&seed, "seed", 0, "with --auto: draw the lesson's variables with this number")
	flags.BoolVar(&keep, "save", false, "with --auto: keep the place in the learner's progress")
	// The lab's own --seed is not offered: it would share its name with the one above.
	all := pflag.NewFlagSet("lab", pflag.ContinueOnError)
	lab.add(all)
	for _, name := range []string{"nodes", "data-dir", "port"} {
		flags.AddFlag(all.Lookup(name))
	}
	return cmd
}

// progress returns where the learner's progress is kept.
func (a *app) progress() *progress.Store {
	dir := a.dirs.State
	if dir == "" {
		dir = a.dirs.Run // no home: it lasts as long as the machine runs
	}
	return progress.Open(filepath.Join(dir, "progress.json"))
}
