// Package prove plays a lesson in a real lab and finds out whether what it says is true: each check fails before the
// step and after the listed wrong attempts, with the right words, and passes after the solution; predictions and live
// answers come out of the real trace as the lesson says.
//
// cmd imports it. It imports engine/{course,check,quiz} and lessons/schema.
package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Options are what a proof needs.
type Options struct {
	course.Options
	// SolutionOnly leaves out wrong attempts and questions: it plays the lesson as somebody who knows all would.
	SolutionOnly bool
	// Within is how long one step may take.
	Within time.Duration
	// Quiet is for how long nothing must happen before the lab counts as settled.
	Quiet time.Duration
	// Told gets each step when it is done; nil for nobody.
	Told func(StepReport)
}

// Report is what came out.
type Report struct {
	Lesson   string            `json:"lesson"`
	Values   map[string]string `json:"values,omitempty"`
	OK       bool              `json:"ok"`
	Ms       int64             `json:"ms"`
	ResetMs  int64             `json:"resetMs,omitempty"` // how long it took to come to the last step again
	Steps    []StepReport      `json:"steps"`
	Problems []schema.Problem  `json:"problems,omitempty"`
}

// StepReport is one step.
type StepReport struct {
	ID       string   `json:"id"`
	Ms       int64    `json:"ms"`
	Checks   int      `json:"checks"`
	Attempts int      `json:"attempts"`
	Truth    string   `json:"truth,omitempty"` // of the prediction
	Problems []string `json:"problems,omitempty"`
}

type prover struct {
	Options
	session *course.Session
	report  Report
	step    StepReport
}

// Run proves a lesson. The error is one of the lab; what is wrong with the lesson is in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	began := time.Now()
	session, err := course.NewSession(ctx, o.Options)
	if err != nil {
		return Report{}, err
	}
	p := &prover{Options: o, session: session, report: Report{Lesson: o.Lesson.ID, Values: o.Lesson.Values}}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- session.Run(running) }()
	err = p.lesson(ctx)
	stop()
	if e := <-ended; e != nil {
		err = e
	}
	p.report.Ms = time.Since(began).Milliseconds()
	p.report.OK = err == nil && len(p.report.Problems) == 0
	return p.report, err
}

func (p *prover) wrong(at schema.Pos, fix, what string, args ...any) {
	x := schema.Problem{Pos: at, What: fmt.Sprintf(what, args...), Fix: fix}
	p.report.Problems = append(p.report.Problems, x)
	p.step.Problems = append(p.step.Problems, x.String())
}

// errStuck ends a proof at a step that cannot be passed.
var errStuck = errors.New("stuck")

func (p *prover) lesson(ctx context.Context) error {
	p.session.Do(course.Start{})
	for {
		v := p.session.View()
		if v.Phase == course.Ended {
			break
		}
		began := time.Now()
		p.step = StepReport{ID: v.Step.ID, Checks: len(v.Step.Checks)}
		var err error
		if !p.SolutionOnly && v.Index > 0 && v.Index == v.Total-1 {
			v, err = p.reset(ctx, v)
		}
		if err == nil {
			err = p.playStep(ctx, v)
		}
		p.step.Ms = time.Since(began).Milliseconds()
		p.report.Steps = append(p.report.Steps, p.step)
		if p.Told != nil {
			p.Told(p.step)
		}
		if errors.Is(err, errStuck) {
			return nil // the report says so
		}
		if err != nil {
			return fmt.Errorf("step %s: %w", v.Step.ID, err)
		}
		p.session.Do(course.Next{})
		if now := p.session.View(); now.Index == v.Index {
			p.wrong(v.Step.Pos, "", "step %s cannot be left", v.Step.ID)
			return nil
		}
	}
	if !p.SolutionOnly {
		return p.questions(ctx)
	}
	return nil
}

// reset puts the last step back to its beginning: all steps before are played again, on an emptied cluster.
func (p *prover) reset(ctx context.Context, v course.View) (course.View, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Within)
	defer cancel()
	began := time.Now()
	p.session.Do(course.Reset{})
	now, err := p.session.Await(ctx, func(v course.View) bool { return !v.Replaying && v.Phase != course.Preparing })
	p.report.ResetMs = time.Since(began).Milliseconds()
	if err != nil {
		at := v.Step
		if now.Step != nil {
			at = now.Step
		}
		return now, p.stuck(ctx, err, at, "when the lesson is played again after a reset, "+unpassed(now))
	}
	if now.Index != v.Index {
		p.wrong(v.Step.Pos, "", "a reset of step %s leads to step %d", v.Step.ID, now.Index+1)
		return now, errStuck
	}
	return now, p.session.Settle(ctx, p.Quiet)
}

// playStep plays one step; v is the view right after it was entered, before any of its effects.
func (p *prover) playStep(ctx context.Context, v course.View) error {
	ctx, cancel := context.WithTimeout(ctx, p.Within)
	defer cancel()
	s := v.Step
	if v.Phase == course.Preparing {
		var err error
		if v, err = p.session.Await(ctx, func(v course.View) bool { return v.Phase != course.Preparing }); err != nil {
			return p.stuck(ctx, err, s, "its setup does not end")
		}
		if v.Failed {
			p.wrong(s.Pos, "try it by hand", "the setup of step %s fails: %s", s.ID, v.Output)
		}
		if err := p.session.Settle(ctx, p.Quiet); err != nil {
			return p.stuck(ctx, err, s, "the lab does not come to rest")
		}
		v = p.session.View()
	}
	for i, c := range v.Checks {
		if c.Passed {
			p.wrong(s.Checks[i].Pos, "let it ask for what the step changes", "check %s of step %s passes before anything was done", c.ID, s.ID)
		}
	}
	if v.Phase == course.Asking {
		p.session.Do(course.Choose{Option: s.Predict.Options[0].ID})
	}
	if !p.SolutionOnly {
		if len(s.Attempts) > 0 { // what the step before has left under way is not theirs
			if err := p.session.Settle(ctx, p.Quiet); err != nil {
				return p.stuck(ctx, err, s, "the lab does not come to rest")
			}
		}
		for _, a := range s.Attempts {
			p.step.Attempts++
			if err := p.attempt(ctx, s, a); err != nil {
				return err
			}
		}
	}
	p.session.Do(course.Solve{})
	v, err := p.session.Await(ctx, func(v course.View) bool {
		return v.Phase == course.Passed || len(v.Checks) == 0 && v.Phase == course.Doing || v.Failed
	})
	if err != nil || v.Failed && v.Phase != course.Passed {
		return p.stuck(ctx, err, s, unpassed(p.session.View()))
	}
	if s.Predict != nil {
		p.prediction(s, v)
	}
	return p.claims(ctx, s)
}

// stuck reports a step that does not pass; the error is the context's when the proof itself was ended.
func (p *prover) stuck(ctx context.Context, err error, s *schema.Step, why string) error {
	if err != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	p.wrong(s.Pos, "play it by hand", "step %s is not passed by its solution: %s", s.ID, why)
	return errStuck
}

func unpassed(v course.View) string {
	out := ""
	for _, c := range v.Checks {
		if c.Passed {
			continue
		}
		if out != "" {
			out += "; "
		}
		out += fmt.Sprintf("check %s says %q", c.ID, c.Wrong)
		if c.Err != nil {
			out += fmt.Sprintf(" (%v)", c.Err)
		}
	}
	if v.Failed {
		out += "; kubectl failed: " + v.Output
	}
	return out
}

// attempt does something wrong, looks what is said, and undoes it.
func (p *prover) attempt(ctx context.Context, s *schema.Step, a schema.Attempt) error {
	before := p.made()
	if err := p.commands(ctx, a.Run); err != nil {
		return err
	}
	if err := p.session.Settle(ctx, p.Quiet); err != nil {
		return p.stuck(ctx, err, s, "the lab does not come to rest after a wrong attempt")
	}
	v := p.session.View()
	var said []string
	for _, c := range v.Checks {
		said = append(said, c.Wrong)
	}
	switch {
	case v.Phase == course.Passed:
		p.wrong(a.Pos, "make a check stricter", "step %s is passed by a wrong attempt", s.ID)
		return errStuck
	case !slices.Contains(said, a.Expect):
		p.wrong(a.Pos, "correct \"when\", or what is expected", "after this wrong attempt step %s says %q, not %q", s.ID, said, a.Expect)
	}
	for i, c := range s.Checks {
		for _, w := range c.Wrong {
			if w.ID == said[i] {
				p.texts(w.When.Pos, []schema.Text{w.Say})
			}
		}
	}
	// What the attempt was stopped at goes on first: undo must find what it makes.
	if err := p.letGo(ctx, s); err != nil {
		return err
	}
	if len(a.Undo) > 0 {
		if err := p.commands(ctx, a.Undo); err != nil {
			return err
		}
		if err := p.rest(ctx, s); err != nil {
			return err
		}
		if err := p.letGo(ctx, s); err != nil {
			return err
		}
	}
	if after := p.made(); !slices.Equal(before, after) {
		p.wrong(a.Pos, "let undo lead back to where the attempt began", "after undo the lesson's objects are %v, before the attempt they were %v", after, before)
	}
	return nil
}

// letGo lets all go on that is stopped, until nothing is: a packet that is released may lead to another. The lab rests
// before and after.
func (p *prover) letGo(ctx context.Context, s *schema.Step) error {
	for !s.Keep && len(p.Lab.Debugger().State().Held) > 0 {
		if _, err := p.Lab.Debugger().Do(ctx, engine.Command{Verb: engine.Continue}); err != nil {
			return fmt.Errorf("let go of what a wrong attempt stopped at: %w", err)
		}
		if err := p.rest(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (p *prover) rest(ctx context.Context, s *schema.Step) error {
	if err := p.session.Settle(ctx, p.Quiet); err != nil {
		return p.stuck(ctx, err, s, "the lab does not come to rest after a wrong attempt was undone")
	}
	return nil
}

// made names what the lesson has made by now.
func (p *prover) made() []string {
	var names []string
	_ = p.session.World(func(w *check.World) error {
		for _, o := range w.Made() {
			names = append(names, o.String())
		}
		return nil
	})
	return names
}

// commands runs kubectl; it may fail, as wrong attempts do, and it may have to wait for what the gate holds.
func (p *prover) commands(ctx context.Context, commands []schema.Command) error {
	for _, c := range commands {
		c, err := p.session.Fill(ctx, c)
		if err != nil {
			p.wrong(c.Pos, "let it insert what is there by now", "%v", err)
			continue
		}
		done := make(chan struct{})
		before := p.Lab.Debugger().State().Held
		go func() {
			defer close(done)
			_, _ = p.Command(ctx, c) // what matters is what the checks say
		}()
		if err := p.unlessHeld(ctx, before, done); err != nil {
			return err
		}
	}
	return nil
}

// startTimes is how many quiet times a command gets to come to the gate.
const startTimes = 3

// unlessHeld waits until done is closed, or everything that is under way is held. What was held before says nothing of
// what has just been started.
func (p *prover) unlessHeld(ctx context.Context, before []trace.Held, done <-chan struct{}) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-done:
			cancel()
		case <-waiting.Done():
		}
	}()
	starting := waiting
	if len(before) > 0 {
		var stop context.CancelFunc
		starting, stop = context.WithTimeout(waiting, startTimes*p.Quiet)
		defer stop()
	}
	d := p.Lab.Debugger()
	var err error
	for state := d.State(); err == nil && !slices.ContainsFunc(state.Held, func(h trace.Held) bool {
		return !slices.ContainsFunc(before, func(b trace.Held) bool { return b.ID == h.ID })
	}); {
		state, err = d.WaitState(starting, state.Generation)
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		err = d.Settle(waiting, p.Quiet) // kubectl, too, may wait for the gate
	}
	select {
	case <-done:
		return nil
	default:
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (p *prover) prediction(s *schema.Step, v course.View) {
	p.step.Truth = v.Truth
	ids := []string{}
	for _, o := range s.Predict.Options {
		ids = append(ids, o.ID)
	}
	switch {
	case !slices.Contains(ids, v.Truth):
		p.wrong(s.Predict.Truth.Pos, fmt.Sprintf("let it give one of %v", ids), "the truth of the prediction in step %s comes out as %q", s.ID, v.Truth)
	case s.Predict.Answer != "" && s.Predict.Answer != v.Truth:
		p.wrong(s.Predict.Pos, "correct the answer, and the text", "the prediction in step %s has the answer %q; what happened is %q", s.ID, s.Predict.Answer, v.Truth)
	}
}
