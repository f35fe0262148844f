package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
)

func (a *app) lessonPreviewCommand() *cobra.Command {
	var (
		f    lessonFlags
		s    screenFlags
		seed uint64
		step string
	)
	cmd := &cobra.Command{
		Use:   "preview LESSON",
		Short: "Leaf through a lesson as a learner sees it, without a lab",
		Long: `Leaf through a lesson as a learner sees it, without a lab: enter goes on, r twice goes back a step. Nothing is checked,
and what the text takes from the cluster shows as an ellipsis.

A lesson of one's own (--lessons) is read again whenever one of its files is saved.`,
		Example: `  kubestep lesson preview first-pod --lang zh
  kubestep lesson preview my-lesson --lessons . --step break-it`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.lang = s.lang
			read := func() (*schema.Lesson, error) {
				l, err := f.one(args[0])
				if err != nil {
					return nil, err
				}
				return l.With(l.Draw(seed))
			}
			l, err := read()
			if err != nil {
				return err
			}
			if found, _ := l.Step(step); step != "" && found == nil {
				return usage(cmd, fmt.Errorf("lesson %s has no step %q", l.ID, step))
			}
			return a.preview(cmd.Context(), s, l, step, f.dir, read)
		},
	}
	f.addDir(cmd.Flags())
	s.add(cmd)
	cmd.Flags().Uint64Var(&seed, "seed", 0, "draw the lesson's variables with this number")
	cmd.Flags().StringVar(&step, "step", "", "begin at this `STEP`")
	return cmd
}

// preview shows a lesson. With a folder, it is read again when a file in there changes.
func (a *app) preview(parent context.Context, s screenFlags, l *schema.Lesson, step, folder string, read func() (*schema.Lesson, error)) error {
	o, err := s.options()
	if err != nil {
		return err
	}
	if !term.IsTerminal(int(os.Stdout.Fd())) || !term.IsTerminal(int(os.Stdin.Fd())) {
		return errNoTerminal
	}
	ctx, stop := interruptible(parent)
	defer stop()
	p := course.NewPreview(l)
	if folder != "" {
		watcher, err := fsnotify.NewWatcher()
		if err != nil {
			return fmt.Errorf("watch the lesson's files: %w", err)
		}
		defer watcher.Close()
		if err := watcher.Add(filepath.Join(folder, l.ID)); err != nil {
			return fmt.Errorf("watch the lesson's files: %w", err)
		}
		go reread(ctx, watcher, p, read)
	}
	o.Course = &tui.Course{
		Lessons: []*schema.Lesson{l}, Folder: folder, Book: noBook{}, Open: route.Lesson{ID: l.ID, Step: step},
		Read: func(context.Context) (play.Done, error) { return play.Done{}, nil },
		Begin: func(_ context.Context, what route.Lesson) (play.Attempt, error) {
			p.Do(course.Start{Step: what.Step})
			return p, nil
		},
	}
	err = tui.Run(ctx, o)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// saving is how long after a change a file counts as saved: editors write in several goes.
const saving = 100 * time.Millisecond

// reread replaces the lesson after its files have changed, until ctx ends.
func reread(ctx context.Context, w *fsnotify.Watcher, p *course.Preview, read func() (*schema.Lesson, error)) {
	saved := time.NewTimer(0)
	<-saved.C
	for {
		select {
		case <-w.Events:
			saved.Reset(saving)
		case err := <-w.Errors:
			p.Replace(nil, errors.Join(errors.New("the lesson's files are not watched any more"), err))
		case <-saved.C:
			p.Replace(read())
		case <-ctx.Done():
			return
		}
	}
}

// noBook keeps no answers: they are the author's.
type noBook struct{}

func (noBook) Records(context.Context) (map[string]quiz.Record, error) { return nil, nil }

func (noBook) Keep(context.Context, map[string]quiz.Record) error { return nil }
