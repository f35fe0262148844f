package scene

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

//go:embed lesson
var lessonFiles embed.FS

// Lesson returns a lesson that the play's run fits.
func Lesson() *schema.Lesson {
	files, err := fs.Sub(lessonFiles, "lesson")
	if err != nil {
		panic(err) // the play is wrong
	}
	l, problems := schema.Load(files, "first")
	if err := problems.Err(); err != nil {
		panic(err)
	}
	return l
}

// Attempt plays [Lesson] in a lab with the real machine of the course engine, without a goroutine of its own: it takes in
// what has happened whenever somebody looks. It is safe for concurrent use.
type Attempt struct {
	lab    *Lab
	lesson *schema.Lesson

	mu     sync.Mutex
	m      *course.Machine
	cursor trace.Cursor
	held   uint64 // generation of the gate that the machine knows
	shown  uint64
	wake   chan struct{}
	wrong  error
}

// Begin returns an attempt that has been started.
func (l *Lab) Begin() *Attempt {
	a := &Attempt{lab: l, lesson: Lesson(), wake: make(chan struct{}), shown: 1}
	var err error
	if a.m, err = course.New(a.lesson, check.NewWorld()); err != nil {
		panic(err) // the lesson is wrong
	}
	a.Do(course.Start{})
	return a
}

// Fail makes the next Wait return an error.
func (a *Attempt) Fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wrong = err
	a.changed()
}

// Lesson returns the lesson.
func (a *Attempt) Lesson() *schema.Lesson { return a.lesson }

// Kubectl is the lab's.
func (a *Attempt) Kubectl(ctx context.Context, args []string) (string, error) {
	return a.lab.Kubectl(ctx, args)
}

// Run waits for the end of ctx.
func (a *Attempt) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Do tells the machine something.
func (a *Attempt) Do(in course.Input) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.look()
	a.handle(in)
	a.look()
}

// View returns what there is to show now.
func (a *Attempt) View() course.View {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.view()
}

func (a *Attempt) view() course.View {
	a.look()
	v := a.m.View()
	v.Generation = a.shown
	return v
}

// World calls f with what the machine knows.
func (a *Attempt) World(f func(w *check.World) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return f(a.m.World())
}

// Wait blocks until the view is of another generation.
func (a *Attempt) Wait(ctx context.Context, generation uint64) (course.View, error) {
	for {
		a.mu.Lock()
		v, wake, err, cursor, held := a.view(), a.wake, a.wrong, a.cursor, a.held
		a.wrong = nil
		a.mu.Unlock()
		if v.Generation != generation || err != nil {
			return v, err
		}
		if err := a.somethingHappens(ctx, wake, cursor, held); err != nil {
			return v, err
		}
	}
}

// somethingHappens waits for an event, a change of the gate, or of the attempt itself.
func (a *Attempt) somethingHappens(ctx context.Context, wake chan struct{}, cursor trace.Cursor, held uint64) error {
	first, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		_ = a.lab.store.Wait(first, cursor)
	}()
	go func() {
		defer cancel()
		_, _ = a.lab.WaitState(first, held)
	}()
	select {
	case <-wake:
	case <-first.Done():
	}
	return ctx.Err()
}

// look takes in what has happened; it needs a.mu.
func (a *Attempt) look() {
	for {
		batch, state := a.lab.store.Since(a.cursor), a.lab.State()
		if len(batch.Events) == 0 && state.Generation == a.held {
			return
		}
		a.cursor, a.held = batch.Next, state.Generation
		a.handle(course.Events{Events: batch.Events})
		a.handle(course.Held{Held: state.Held})
	}
}

// handle needs a.mu.
func (a *Attempt) handle(in course.Input) {
	before := a.m.View().Generation
	effects := a.m.Handle(in)
	for _, e := range effects {
		a.carryOut(e)
	}
	if len(effects) > 0 || a.m.View().Generation != before {
		a.changed()
	}
}

func (a *Attempt) changed() {
	a.shown++
	close(a.wake)
	a.wake = make(chan struct{})
}

func (a *Attempt) carryOut(e course.Effect) {
	switch e := e.(type) {
	case course.Stops:
		a.lab.stopAt(e.Patterns)
	case course.Release:
		a.lab.letGo()
	case course.Run:
		a.lab.begin()
		a.handle(course.Ran{ID: e.ID, Output: "done\n"})
	}
}

// stopAt holds what matches one of the patterns while the lab runs.
func (l *Lab) stopAt(patterns []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stops = patterns
}

// stopsAt reports whether an event matches one of the stops: each word must be of its actor, its verb or its resource.
func (l *Lab) stopsAt(e *trace.Event) bool {
	actor, node, _ := strings.Cut(e.Actor, "@")
	words := []string{actor, actor + "@*", actor + "@" + node, e.Verb}
	if d, ok := e.Detail.(*trace.RequestDetail); ok {
		words = append(words, strings.TrimSuffix(fmt.Sprintf("%s/%s", d.Resource, e.Subresource), "/"))
	}
	return slices.ContainsFunc(l.stops, func(p string) bool {
		return !slices.ContainsFunc(strings.Fields(p), func(w string) bool { return !slices.Contains(words, w) })
	})
}
