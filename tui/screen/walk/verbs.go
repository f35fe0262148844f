package walk

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
)

// deployment is what the walk creates.
const deployment = "web"

// createArgs and deleteArgs are the kubectl commands of the walk.
func createArgs() []string {
	return []string{"create", "deployment", deployment, "--image=kubestep.dev/web:v1", "--replicas=1"}
}

func deleteArgs() []string { return []string{"delete", "deployment", deployment} }

func commandLine(args []string) string { return "kubectl " + strings.Join(args, " ") }

// answer is what one of the screen's verbs came to.
type answer struct {
	verb   keymap.Action
	state  *engine.DebugState
	output *string // kubectl's
}

// tell sends the debugger commands, one after the other.
func (m *Walk) tell(verb keymap.Action, commands ...engine.Command) tea.Cmd {
	m.busy = verb
	d := m.o.Debugger
	return m.o.Ask(m.generation, func(ctx context.Context) (any, error) {
		var state engine.DebugState
		for _, c := range commands {
			var err error
			if state, err = d.Do(ctx, c); err != nil {
				return answer{verb: verb}, err
			}
		}
		return answer{verb: verb, state: &state}, nil
	})
}

// begin closes the gate, at the level of calls, and then runs kubectl against it.
func (m *Walk) begin() tea.Cmd {
	m.busy = keymap.Step
	d := m.o.Debugger
	return m.o.Ask(m.generation, func(ctx context.Context) (any, error) {
		state, err := d.Do(ctx, engine.Command{Verb: engine.Pause})
		for range describe.Levels() {
			if err != nil || state.Level == engine.Calls {
				break
			}
			verb := engine.StepIn
			if describe.Fineness(state.Level) > describe.Fineness(engine.Calls) {
				verb = engine.StepOut
			}
			state, err = d.Do(ctx, engine.Command{Verb: verb})
		}
		if err != nil {
			return answer{verb: keymap.None}, fmt.Errorf("close the gate: %w", err)
		}
		return answer{verb: keymap.None, state: &state}, nil
	})
}

// run runs kubectl; it blocks while its requests are held.
func (m *Walk) run(verb keymap.Action, args []string) tea.Cmd {
	done := make(chan struct{})
	m.kubectl = kubectl{running: true, done: done}
	do := m.o.Kubectl
	return m.o.Ask(m.generation, func(ctx context.Context) (any, error) {
		defer close(done)
		output, err := do(ctx, args)
		return answer{verb: verb, output: &output}, err
	})
}

// again opens the gate, deletes the Deployment and goes back to the beginning.
func (m *Walk) again() tea.Cmd {
	m.generation++
	m.busy = keymap.Again
	d, do, before := m.o.Debugger, m.o.Kubectl, m.kubectl.done
	return m.o.Ask(m.generation, func(ctx context.Context) (any, error) {
		if _, err := d.Do(ctx, engine.Command{Verb: engine.Continue}); err != nil {
			return answer{verb: keymap.Again}, err
		}
		// What the earlier command still creates must be there to be deleted, or the next one meets it.
		if before != nil {
			select {
			case <-before:
			case <-ctx.Done():
				return answer{verb: keymap.Again}, ctx.Err()
			}
		}
		output, err := do(ctx, deleteArgs())
		if err != nil && strings.Contains(output, "NotFound") {
			err = nil // somebody else has deleted it
		}
		return answer{verb: keymap.Again}, err
	})
}

// answered takes what a verb of this run came to.
func (m *Walk) answered(a answer, err error) tea.Cmd {
	if a.output == nil {
		m.busy = keymap.None
	}
	var cmd tea.Cmd
	if a.state != nil {
		cmd = m.debugChanged(*a.state)
	}
	switch {
	case a.output != nil:
		m.kubectl = kubectl{output: strings.TrimSpace(*a.output), err: err}
		if err != nil && m.stage == Walking && !m.requested() {
			m.stage = Ready // it never got as far as its request: the reader may try again
		}
		return nil
	case err != nil:
		m.notice = notice{true, m.say.T(text.VerbFailed, m.verbName(a.verb), err)}
		return nil
	case a.verb == keymap.None: // the gate is closed
		m.stage, m.level = Walking, engine.Calls
		m.progress.restart()
		m.filter.after, m.began, m.follow = m.progress.after, time.Time{}, true
		return tea.Batch(m.run(keymap.None, createArgs()), m.reindex())
	case a.verb == keymap.Again:
		m.stage, m.kubectl = Ready, kubectl{}
		m.progress.restart()
	}
	return cmd
}

// requested reports whether the Deployment has been asked for in this run. Then kubectl is not run a second time, whatever
// the first one said: the reader starts over instead.
func (m *Walk) requested() bool {
	first, last := m.o.Store.Len()
	for seq := max(first, m.filter.after+1); seq <= last; seq++ {
		if e, ok := m.o.Store.Get(seq); ok && e.Kind == trace.APIRequest && e.Verb == "create" && e.Object.Kind == "Deployment" {
			return true
		}
	}
	return false
}

// verbName returns a verb's word on the key bar.
func (m *Walk) verbName(a keymap.Action) string {
	for _, b := range m.bindings {
		if b.Action == a && b.Label != 0 {
			return m.say.T(b.Label)
		}
	}
	return m.say.T(text.KeyStart)
}
