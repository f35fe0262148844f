package main

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/course/prove"
	"github.com/kubestep/kubestep/engine/progress"
)

func (a *app) runCommand() *cobra.Command {
	var (
		f    lessonFlags
		auto bool
		seed uint64
		keep bool
	)
	cmd := &cobra.Command{
		Use:   "run LESSON --auto",
		Short: "Play a lesson's solution in a lab of its own",
		Long: `Play a lesson's solution in a lab of its own, step by step, as somebody who knows all would. It exits with 0 when
every step has been passed and with 1 when not.`,
		Example: "  kubestep run first-pod --auto\n  kubestep run first-pod --auto --json | jq .ok",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !auto {
				return usage(cmd, errors.New("say --auto; a lesson is done by hand in the screens"))
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
				save = func(s course.State) error {
					return store.Put(progress.Lessons, map[string]any{l.ID: s})
				}
			}
			return a.play(ctx, cmd.OutOrStdout(), l, prove.Options{SolutionOnly: true, Within: 90 * time.Second}, f.json, save)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&auto, "auto", false, "play the solution")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "draw the lesson's variables with this number")
	cmd.Flags().BoolVar(&keep, "save", false, "keep the place in the learner's progress")
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
