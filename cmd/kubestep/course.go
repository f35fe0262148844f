package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/classroom"
	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/route"
)

// course returns the lessons for the screens, with what the learner has done of them, and where they are played in a lab
// that need not run yet. A progress file that cannot be read keeps nobody from learning: a damaged one is set aside, and one that a later
// version wrote is left alone.
func (a *app) course(list []*schema.Lesson, problems schema.Problems, lab *running) (*tui.Course, *classroom.Room) {
	store := a.progress()
	room := classroom.New(classroom.Options{
		Lessons: list, Store: store, Lab: lab, Dir: lab.dir, Kubectl: lessonKubectl, Log: slog.New(slog.DiscardHandler),
	})
	c := &tui.Course{Lessons: list, Problems: problems, Read: room.Done, Book: room, Begin: room.Begin, Trouble: room.Trouble()}
	var err error
	if c.Aside, err = store.SetAside(); err == nil {
		c.Done, err = classroom.Done(store, list, time.Now())
	}
	if err != nil {
		room.Report(err)
	}
	return c, room
}

// sound returns the lessons without problems, and the problems of the others. Those of the program itself have been
// looked at before they came into it.
func (f *lessonFlags) sound() ([]*schema.Lesson, schema.Problems, error) {
	list, problems, err := f.load()
	if err != nil || f.dir == "" {
		return list, problems, err
	}
	for _, l := range list {
		problems = append(problems, course.Lint(l)...)
	}
	good := slices.DeleteFunc(list, func(l *schema.Lesson) bool {
		return slices.ContainsFunc(problems, func(p schema.Problem) bool { return strings.HasPrefix(p.File, l.ID+"/") })
	})
	return good, problems, nil
}

// open returns a lesson to be opened in the screens, with flags for a lab that it fits into.
func (f *lessonFlags) open(id string, restart bool, lab *labFlags) (route.Lesson, error) {
	l, err := f.one(id)
	if err != nil {
		return route.Lesson{}, err
	}
	if l.Lab.Runtime == "containerd" {
		return route.Lesson{}, fmt.Errorf("lesson %s needs containers of Linux: %w", id, errors.ErrUnsupported)
	}
	if lab.nodes < l.Lab.Nodes {
		if lab.set.Changed("nodes") {
			return route.Lesson{}, fmt.Errorf("%w: lesson %s needs %d nodes", engine.ErrUsage, id, l.Lab.Nodes)
		}
		lab.nodes = l.Lab.Nodes
	}
	return route.Lesson{ID: id, Restart: restart}, nil
}
