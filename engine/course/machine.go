package course

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Machine is the state of one attempt at a lesson. Its methods are not safe for concurrent use.
type Machine struct {
	lesson *schema.Lesson
	world  *check.World
	steps  []*step // in the order in which they are done

	at       int // the step; len(steps) at the end
	phase    Phase
	target   int // steps before it are played by themselves
	wiping   bool
	removed  map[trace.Object]bool // what has been asked to go while wiping
	edge     map[string]bool       // checks of this step that were true once
	solution bool
	running  int // the Run that plays, 0 for none
	runs     int
	failed   bool
	output   string
	state    State
	view     uint64 // generation
	held     []trace.Held
	inherits bool // something was held when the step was entered
	// released are the held events that were let go: until the gate has done it, it still names them, and the checks of
	// the next step must not take them for new ones.
	released map[uint64]bool
}

// step is a step with its expressions.
type step struct {
	*schema.Step
	checks  []checkExpr
	truth   *check.Expression
	fillers map[string]*filler
}

type checkExpr struct {
	*schema.Check
	that  *check.Expression
	wrong []*check.Expression
}

// New returns the machine of an attempt. world knows the cluster as it is; the machine feeds it from now on. An
// expression that does not compile is an error, though lint finds it first.
func New(l *schema.Lesson, world *check.World) (*Machine, error) {
	m := &Machine{lesson: l, world: world, phase: Preparing, at: -1, state: State{
		Lesson: l.ID, Values: l.Values, Chosen: map[string]string{}, Truth: map[string]string{}, Hints: map[string]int{},
		Helped: map[string]bool{}, Skipped: map[string]bool{},
	}}
	for _, s := range Path(l) {
		made, err := compile(s, world)
		if err != nil {
			return nil, err
		}
		m.steps = append(m.steps, made)
	}
	return m, nil
}

// Path returns the steps in the order in which they are done.
func Path(l *schema.Lesson) []*schema.Step {
	var out []*schema.Step
	if len(l.Steps) == 0 {
		return nil
	}
	for s := l.Steps[0]; s != nil && len(out) < len(l.Steps); s, _ = l.Step(s.Next) {
		out = append(out, s)
		if s.Next == "" {
			break
		}
	}
	return out
}

func compile(s *schema.Step, world *check.World) (*step, error) {
	out := &step{Step: s}
	where := func(e schema.Expr, err error) error { return fmt.Errorf("%s:%d: %w", e.Pos.File, e.Pos.Line, err) }
	for _, c := range s.Checks {
		x := checkExpr{Check: c}
		var err error
		if x.that, err = world.Compile(c.That.Source, check.Boolean); err != nil {
			return nil, where(c.That, err)
		}
		for _, w := range c.Wrong {
			e, err := world.Compile(w.When.Source, check.Boolean)
			if err != nil {
				return nil, where(w.When, err)
			}
			x.wrong = append(x.wrong, e)
		}
		out.checks = append(out.checks, x)
	}
	var err error
	if out.fillers, err = fillers(s, world); err != nil {
		return nil, err
	}
	if s.Predict != nil {
		if out.truth, err = world.Compile(s.Predict.Truth.Source, check.Any); err != nil {
			return nil, where(s.Predict.Truth, err)
		}
	}
	return out, nil
}

// World returns what the attempt knows of the cluster. It must not be changed.
func (m *Machine) World() *check.World { return m.world }

// Lesson returns the lesson.
func (m *Machine) Lesson() *schema.Lesson { return m.lesson }

// Resume takes over what was kept of an earlier attempt. It is called before [Start].
func (m *Machine) Resume(s State) {
	for _, pair := range []struct{ to, from map[string]string }{{m.state.Chosen, s.Chosen}, {m.state.Truth, s.Truth}} {
		maps.Copy(pair.to, pair.from)
	}
	maps.Copy(m.state.Hints, s.Hints)
	maps.Copy(m.state.Helped, s.Helped)
	maps.Copy(m.state.Skipped, s.Skipped)
}

// Handle takes one input and returns what is to be done, in order. Inputs that make no sense now have no effect.
func (m *Machine) Handle(in Input) []Effect {
	var out []Effect
	switch in := in.(type) {
	case Start:
		out = m.start(in.Step)
	case Events:
		m.world.Observe(in.Events)
		out = m.look()
	case Held:
		m.hold(in.Held)
		out = m.look()
	case Choose:
		out = m.choose(in.Option)
	case Next:
		if m.phase == Passed || m.free() {
			out = m.enter(m.at + 1)
		}
	case Hint:
		m.hint()
	case Solution:
		m.show()
	case Solve:
		out = m.solve()
	case Skip:
		out = m.skip()
	case Reset:
		out = m.reset()
	case Ran:
		out = m.ran(in)
	}
	return out
}

// free reports whether the step can be left without having done anything.
func (m *Machine) free() bool { return m.phase == Doing && len(m.steps[m.at].checks) == 0 }

func (m *Machine) start(id string) []Effect {
	if m.at >= 0 {
		return nil
	}
	m.world.Begin()
	m.target = max(0, slices.IndexFunc(m.steps, func(s *step) bool { return s.ID == id }))
	return m.enter(0)
}

// enter begins the step with an index, or ends the lesson.
func (m *Machine) enter(i int) []Effect {
	m.view++
	m.at, m.edge, m.solution, m.failed, m.output = i, map[string]bool{}, false, false, ""
	m.running, m.inherits = 0, len(m.held) > 0
	m.world.Step()
	if i >= len(m.steps) {
		m.phase, m.state.Done, m.state.Step = Ended, true, ""
		return []Effect{Stops{}, m.release(), m.save()}
	}
	s := m.steps[i]
	var out []Effect
	if i >= m.target {
		m.state.Step = s.ID
		out = append(out, m.save())
	}
	var stops []string
	for _, p := range s.Stop {
		stops = append(stops, p.Source)
	}
	out = append(out, Stops{stops})
	if len(s.Setup) > 0 {
		m.phase = Preparing
		return append(out, m.run(ForSetup, s.Setup))
	}
	return append(out, m.begin()...)
}

// begin asks the prediction, or lets the step go.
func (m *Machine) begin() []Effect {
	m.view++
	s := m.steps[m.at]
	if s.Predict != nil && m.at >= m.target && m.state.Chosen[s.ID] == "" && !m.state.Helped[s.ID] {
		m.phase = Asking
		return nil
	}
	return m.open()
}

// open lets go of what the step before stopped at, and looks at the checks from now on.
func (m *Machine) open() []Effect {
	m.view++
	asked := m.phase == Asking
	m.phase = Doing
	s := m.steps[m.at]
	var out []Effect
	// Who typed before answering has what this step is to stop at held already.
	if !s.Keep && (m.inherits || !asked) {
		out = append(out, m.release())
	}
	if m.at < m.target && len(s.Solve) > 0 {
		out = append(out, m.run(ForSolution, s.Solve))
	}
	return append(out, m.look()...)
}

func (m *Machine) release() Effect {
	m.released = map[uint64]bool{}
	for _, h := range m.held {
		m.released[h.ID] = true
	}
	m.hold(m.held)
	return Release{}
}

func (m *Machine) hold(held []trace.Held) {
	m.held = held
	var now []trace.Held
	for _, h := range held {
		if !m.released[h.ID] {
			now = append(now, h)
		}
	}
	m.world.Hold(now)
}

func (m *Machine) run(why Purpose, commands []schema.Command) Effect {
	m.runs++
	m.running = m.runs
	return Run{m.runs, why, commands}
}

func (m *Machine) save() Effect {
	s := m.state
	s.Chosen, s.Truth, s.Hints = maps.Clone(s.Chosen), maps.Clone(s.Truth), maps.Clone(s.Hints)
	s.Helped, s.Skipped = maps.Clone(s.Helped), maps.Clone(s.Skipped)
	return Save{s}
}

// look judges the step when something has changed.
func (m *Machine) look() []Effect {
	if m.wiping {
		made := m.world.Made()
		if len(made) == 0 {
			m.wiping = false
			return m.enter(0)
		}
		// What was under way when the reset came appears later.
		made = slices.DeleteFunc(made, func(o trace.Object) bool { return m.removed[o] })
		if len(made) == 0 {
			return nil
		}
		for _, o := range made {
			m.removed[o] = true
		}
		return []Effect{Remove{made}}
	}
	if m.phase != Doing {
		return nil
	}
	s := m.steps[m.at]
	all := true
	for _, c := range s.checks {
		if c.Edge && m.edge[c.ID] {
			continue
		}
		if c.that.Stale() || slices.ContainsFunc(c.wrong, (*check.Expression).Stale) {
			m.view++
		}
		ok, _ := c.that.True()
		if ok && c.Edge {
			m.edge[c.ID] = true
		}
		all = all && ok
	}
	automatic := m.at < m.target
	if len(s.checks) == 0 && !automatic && s.Predict == nil || !all {
		return nil
	}
	return m.pass(automatic)
}

func (m *Machine) pass(automatic bool) []Effect {
	s := m.steps[m.at]
	m.phase = Passed
	m.view++
	if s.truth != nil && !automatic {
		if v, err := s.truth.Value(); err == nil {
			m.state.Truth[s.ID] = check.Format(v)
		}
	}
	if automatic {
		return m.enter(m.at + 1)
	}
	return []Effect{m.save()}
}

func (m *Machine) choose(option string) []Effect {
	if m.phase != Asking || !slices.ContainsFunc(m.steps[m.at].Predict.Options, func(o schema.Option) bool { return o.ID == option }) {
		return nil
	}
	m.state.Chosen[m.steps[m.at].ID] = option
	return append([]Effect{m.save()}, m.open()...)
}

// hint shows one more: first those for what is wrong now, then the others.
func (m *Machine) hint() {
	if m.at < 0 || m.at >= len(m.steps) {
		return
	}
	s := m.steps[m.at]
	if n := m.state.Hints[s.ID]; n < len(m.ladder()) {
		m.state.Hints[s.ID] = n + 1
		m.view++
	}
}

// ladder returns the hints that fit what is wrong now, then the general ones.
func (m *Machine) ladder() []schema.Text {
	var fitting, general []schema.Text
	wrong := map[string]bool{}
	for _, c := range m.checkViews() {
		wrong[c.Wrong] = true
	}
	for _, h := range m.steps[m.at].Hints {
		switch {
		case h.After == "":
			general = append(general, h.Text)
		case wrong[h.After]:
			fitting = append(fitting, h.Text)
		}
	}
	return append(fitting, general...)
}

func (m *Machine) show() {
	if m.at < 0 || m.at >= len(m.steps) {
		return
	}
	m.solution = true
	m.state.Helped[m.steps[m.at].ID] = true
	m.view++
}

func (m *Machine) solve() []Effect {
	if m.phase != Doing && m.phase != Asking || m.running != 0 {
		return nil
	}
	m.show()
	var out []Effect
	if m.phase == Asking {
		out = m.open()
	}
	if s := m.steps[m.at]; len(s.Solve) > 0 && m.phase == Doing {
		m.failed = false
		out = append(out, m.run(ForSolution, s.Solve))
	}
	return append(out, m.save())
}

func (m *Machine) skip() []Effect {
	if m.at < 0 || m.at >= len(m.steps) || m.phase == Preparing {
		return nil
	}
	if m.phase == Passed {
		return m.enter(m.at + 1)
	}
	m.state.Skipped[m.steps[m.at].ID] = true
	m.target = m.at + 1
	out := []Effect{m.save()}
	if m.phase == Doing && m.running == 0 && len(m.steps[m.at].Solve) > 0 {
		return append(append(out, m.run(ForSolution, m.steps[m.at].Solve)), m.look()...)
	}
	if m.phase == Asking {
		return append(out, m.open()...)
	}
	return append(out, m.look()...)
}

// reset plays the steps before this one again on an empty cluster.
func (m *Machine) reset() []Effect {
	if m.at < 0 || m.at >= len(m.steps) {
		return nil
	}
	m.view++
	s := m.steps[m.at]
	delete(m.state.Chosen, s.ID)
	delete(m.state.Truth, s.ID)
	m.target, m.wiping, m.phase, m.running = m.at, true, Preparing, 0
	m.removed = map[trace.Object]bool{}
	out := []Effect{Stops{}, m.release()}
	if breaks(m.lesson) {
		out = append(out, Heal{}) // what is to go must find its node
	}
	return append(out, m.look()...)
}

func (m *Machine) ran(in Ran) []Effect {
	if in.ID != m.running || in.ID == 0 {
		return nil // of a step that has been left
	}
	m.running, m.failed, m.output = 0, in.Failed, in.Output
	m.view++
	if m.phase == Preparing && !m.wiping && m.at >= 0 {
		return m.begin()
	}
	return m.look()
}

// View returns what there is to show.
func (m *Machine) View() View {
	v := View{Generation: m.view, Index: m.at, Total: len(m.steps), Phase: m.phase, Replaying: m.at < m.target || m.wiping,
		Running: m.running != 0, Failed: m.failed, Output: m.output, State: m.save().(Save).State}
	if m.at < 0 || m.at >= len(m.steps) {
		return v
	}
	s := m.steps[m.at]
	v.Step, v.Chosen, v.Truth = s.Step, m.state.Chosen[s.ID], m.state.Truth[s.ID]
	v.Checks = m.checkViews()
	ladder := m.ladder()
	v.Hints = ladder[:min(len(ladder), m.state.Hints[s.ID])]
	if !s.Hidden {
		v.Do = m.filled(s.Do)
	}
	if m.solution {
		v.Solution = m.filled(s.Solve)
	}
	return v
}

func (m *Machine) checkViews() []CheckView {
	var out []CheckView
	for _, c := range m.steps[m.at].checks {
		ok, err := c.that.True()
		x := CheckView{ID: c.ID, Label: c.Label, Passed: m.phase == Passed || ok || c.Edge && m.edge[c.ID], Err: err}
		if !x.Passed {
			x.Wrong, x.Say = "todo", c.Todo
			for i, w := range c.wrong {
				if fits, _ := w.True(); fits {
					x.Wrong, x.Say = c.Wrong[i].ID, c.Wrong[i].Say
					break
				}
			}
		}
		out = append(out, x)
	}
	return out
}
