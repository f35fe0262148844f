// Package classtest plays lessons without a cluster, for tests of the screens: the machines are real, and what they want done
// is not done.
//
// Only tests import it; it imports scene, engine/course and lessons/schema.
package classtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
)

// lessonsOf are the lessons there are: id, track, level, minutes, requires, titles.
var lessonsOf = [][7]string{
	{"first-pod", "pods", "beginner", "20", "", "Life of a Pod", "一个 Pod 的一生"},
	{"delete-pod", "pods", "beginner", "15", "first-pod", "How a Pod ends", "Pod 如何结束"},
	{"rolling-update", "controllers", "intermediate", "25", "first-pod", "A new version, Pod by Pod, without a gap in service", "逐个 Pod 换上新版本，服务不中断"},
	{"dns-search", "network", "intermediate", "20", "", "Which names are asked", "究竟问了哪些名字"},
}

// Lessons returns lessons that load, as Skeleton makes them, and what is wrong with another.
func Lessons() ([]*schema.Lesson, schema.Problems) {
	files := fstest.MapFS{}
	for _, l := range lessonsOf {
		made, err := schema.Skeleton(l[0])
		if err != nil {
			panic(err) // the names above are good
		}
		for _, f := range made {
			s := string(f.Content)
			s = strings.Replace(s, "level: beginner", "level: "+l[2]+"\ntrack: "+l[1], 1)
			s = strings.Replace(s, "minutes: 5", "minutes: "+l[3], 1)
			if l[4] != "" {
				s = strings.Replace(s, "topics:", "requires: ["+l[4]+"]\ntopics:", 1)
			}
			s = strings.Replace(s, "# Title of the lesson", "# "+l[5], 1)
			s = strings.Replace(s, "# 课程标题", "# "+l[6], 1)
			files[l[0]+"/"+f.Name] = &fstest.MapFile{Data: []byte(s)}
		}
	}
	files["torn/lesson.yaml"] = &fstest.MapFile{Data: []byte("format: 1\nid: torn\nminuts: 5\n")}
	files["torn/en.md"] = &fstest.MapFile{Data: []byte("# Torn\n")}
	files["torn/zh.md"] = &fstest.MapFile{Data: []byte("# 破\n")}
	return schema.LoadAll(files)
}

// Class makes attempts and keeps what was done. It is safe for concurrent use.
type Class struct {
	Lab    *scene.Lab
	Refuse error // what Begin answers, as long as nothing is to be cleared

	mu      sync.Mutex
	done    play.Done
	begun   []route.Lesson
	running int
}

// Attempted returns a class in which one lesson is done, one begun, and questions were answered.
func Attempted(l *scene.Lab) *Class {
	right, wrong := quiz.Record{Tries: []quiz.Try{{Score: 1}}}, quiz.Record{Tries: []quiz.Try{{Score: 0}}}
	return &Class{Lab: l, done: play.Done{
		Lessons: map[string]play.Kept{
			"first-pod":  {State: course.State{Lesson: "first-pod", Done: true}, Finished: true, Saved: scene.Start()},
			"delete-pod": {State: course.State{Lesson: "delete-pod", Step: "make"}, Saved: scene.Start().Add(time.Hour)},
		},
		Records: map[string]quiz.Record{"first-pod/image": right, "delete-pod/image": wrong}, Due: 1,
	}}
}

// Done returns what has been done.
func (c *Class) Done() play.Done { c.mu.Lock(); defer c.mu.Unlock(); return c.done }

// Read returns what has been done.
func (c *Class) Read(context.Context) (play.Done, error) { return c.Done(), nil }

// Begun returns what attempts were asked for.
func (c *Class) Begun() []route.Lesson {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.begun)
}

// Running returns how many attempts are running.
func (c *Class) Running() int { c.mu.Lock(); defer c.mu.Unlock(); return c.running }

// Begin makes an attempt at a lesson.
func (c *Class) Begin(_ context.Context, what route.Lesson) (play.Attempt, error) {
	c.mu.Lock()
	c.begun = append(c.begun, what)
	c.mu.Unlock()
	if c.Refuse != nil && !what.Clear {
		return nil, c.Refuse
	}
	all, _ := Lessons()
	for _, l := range all {
		if l.ID == what.ID {
			m, err := course.New(l, check.NewWorld())
			if err != nil {
				return nil, err
			}
			a := &Attempt{class: c, lesson: l, machine: m, wake: make(chan struct{})}
			a.handle(course.Start{Step: what.Step})
			return a, nil
		}
	}
	return nil, fmt.Errorf("there is no lesson %q", what.ID)
}

// Attempt is an attempt whose machine is told what the learner wants; what it wants done is not done.
type Attempt struct {
	class   *Class
	lesson  *schema.Lesson
	mu      sync.Mutex
	machine *course.Machine
	wake    chan struct{}
}

// Lesson returns the lesson.
func (a *Attempt) Lesson() *schema.Lesson { return a.lesson }

// Run waits for the end of ctx.
func (a *Attempt) Run(ctx context.Context) error {
	a.class.count(1)
	defer a.class.count(-1)
	<-ctx.Done()
	return nil
}

func (c *Class) count(n int) { c.mu.Lock(); defer c.mu.Unlock(); c.running += n }

// View returns what there is to show.
func (a *Attempt) View() course.View { a.mu.Lock(); defer a.mu.Unlock(); return a.machine.View() }

// Wait blocks until the view differs from the one with the given generation.
func (a *Attempt) Wait(ctx context.Context, generation uint64) (course.View, error) {
	for {
		a.mu.Lock()
		v, wake := a.machine.View(), a.wake
		a.mu.Unlock()
		if v.Generation != generation {
			return v, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// Do tells the machine what the learner wants.
func (a *Attempt) Do(in course.Input) { a.handle(in) }

// handle keeps what the machine wants kept.
func (a *Attempt) handle(in course.Input) {
	a.mu.Lock()
	effects := a.machine.Handle(in)
	close(a.wake)
	a.wake = make(chan struct{})
	a.mu.Unlock()
	for _, e := range effects {
		if s, ok := e.(course.Save); ok {
			a.class.keep(a.lesson.ID, s.State)
		}
	}
}

func (c *Class) keep(id string, s course.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done.Lessons == nil {
		c.done.Lessons = map[string]play.Kept{}
	}
	c.done.Lessons[id] = play.Kept{State: s, Saved: scene.Start().Add(2 * time.Hour), Finished: s.Done || c.done.Lessons[id].Finished}
}

// World calls f with what the attempt knows of the cluster.
func (a *Attempt) World(f func(w *check.World) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return f(a.machine.World())
}

// Kubectl runs kubectl against the lab.
func (a *Attempt) Kubectl(ctx context.Context, args []string) (string, error) {
	return a.class.Lab.Kubectl(ctx, args)
}
