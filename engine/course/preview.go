package course

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Preview leafs through a lesson as its author wants to see it: without a lab, so nothing is ever checked. Next goes from
// a prediction to what is to be done, from there to the debrief and on; Reset goes back a step. It can be watched like a
// [Session]. Its methods are safe for concurrent use.
type Preview struct {
	mu         sync.Mutex
	lesson     *schema.Lesson
	steps      []*schema.Step
	world      *check.World
	problem    error // of the files as they are now
	at         int
	phase      Phase
	hints      int
	solution   bool
	chosen     map[string]string
	generation uint64
	wake       chan struct{}
}

// NewPreview returns a preview at the lesson's first step.
func NewPreview(l *schema.Lesson) *Preview {
	p := &Preview{
		lesson: l, steps: Path(l), world: check.NewWorld(), chosen: map[string]string{}, generation: 1, wake: make(chan struct{}),
	}
	p.enter(0)
	return p
}

// Replace shows a lesson whose files have changed at the step where the preview is, or why they cannot be read.
func (p *Preview) Replace(l *schema.Lesson, problem error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problem = problem
	if l != nil {
		id := ""
		if p.at < len(p.steps) {
			id = p.steps[p.at].ID
		}
		p.lesson, p.steps = l, Path(l)
		at := slices.IndexFunc(p.steps, func(s *schema.Step) bool { return s.ID == id })
		if at < 0 {
			at = min(p.at, max(0, len(p.steps)-1))
		}
		if phase := p.phase; at != p.at || phase == Ended {
			p.enter(at)
		}
	}
	p.changed()
}

// Lesson returns the lesson as it was last read.
func (p *Preview) Lesson() *schema.Lesson {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lesson
}

// Run waits for ctx to end: a preview carries out nothing.
func (p *Preview) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Kubectl runs nothing.
func (p *Preview) Kubectl(context.Context, []string) (string, error) { return "", errNoLab }

var errNoLab = errors.New("a preview has no lab")

// World calls f with an empty cluster.
func (p *Preview) World(f func(w *check.World) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return f(p.world)
}

// Do leafs through the lesson. Inputs that make no sense now have no effect.
func (p *Preview) Do(in Input) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch in := in.(type) {
	case Start:
		if i := slices.IndexFunc(p.steps, func(s *schema.Step) bool { return s.ID == in.Step }); i > 0 {
			p.enter(i)
		}
	case Choose:
		if p.phase == Asking {
			p.chosen[p.steps[p.at].ID] = in.Option
			p.phase = Doing
		}
	case Next, Skip, Solve:
		p.forward()
	case Hint:
		p.hints++
	case Solution:
		p.solution = true
	case Reset:
		p.enter(max(0, p.at-1))
	}
	p.changed()
}

func (p *Preview) forward() {
	switch p.phase {
	case Asking:
		p.phase = Doing
	case Doing:
		p.phase = Passed
	case Passed:
		p.enter(p.at + 1)
	case Preparing, Ended:
	}
}

// enter begins a step; p.mu is held, or nobody else has p.
func (p *Preview) enter(i int) {
	p.at, p.hints, p.solution, p.phase = i, 0, false, Doing
	switch {
	case i >= len(p.steps):
		p.phase = Ended
	case p.steps[i].Predict != nil:
		p.phase = Asking
	}
}

func (p *Preview) changed() {
	p.generation++
	close(p.wake)
	p.wake = make(chan struct{})
}

// View returns what there is to show now.
func (p *Preview) View() View {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view()
}

func (p *Preview) view() View {
	v := View{
		Generation: p.generation, Index: p.at, Total: len(p.steps), Phase: p.phase, Preview: true,
		State: State{Lesson: p.lesson.ID, Values: p.lesson.Values, Chosen: maps.Clone(p.chosen), Done: p.phase == Ended},
	}
	if p.at >= len(p.steps) {
		return v
	}
	s := p.steps[p.at]
	v.Step, v.Chosen = s, p.chosen[s.ID]
	for _, c := range s.Checks {
		x := CheckView{ID: c.ID, Label: c.Label, Passed: p.phase == Passed}
		if !x.Passed {
			x.Wrong, x.Say = "todo", c.Todo
		}
		v.Checks = append(v.Checks, x)
	}
	for _, h := range s.Hints[:min(p.hints, len(s.Hints))] {
		v.Hints = append(v.Hints, h.Text)
	}
	if s.Predict != nil && p.phase == Passed {
		v.Truth = s.Predict.Answer
	}
	v.Do = s.Do
	if p.solution {
		v.Solution = s.Solve
	}
	return v
}

// Wait blocks until the view differs from the one with the given generation, or ctx ends, whose error it then returns.
// Another error says why the lesson's files cannot be read as they are now.
func (p *Preview) Wait(ctx context.Context, generation uint64) (View, error) {
	for {
		p.mu.Lock()
		v, wake, problem := p.view(), p.wake, p.problem
		p.mu.Unlock()
		if v.Generation != generation {
			return v, problem
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}
