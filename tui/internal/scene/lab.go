package scene

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Lab plays the run behind a gate. It has what tui.Lab and engine.Debugger ask for and is safe for concurrent use.
type Lab struct {
	store *trace.Store

	mu      sync.Mutex
	wake    chan struct{} // closed and replaced with every change
	status  engine.Status
	debug   engine.DebugState
	script  []item
	at      int
	held    []item
	seq     uint64
	numbers map[string]uint64
	nextID  uint64
	begun   bool
	stops   []string      // of a lesson
	answer  chan struct{} // closed when kubectl's request has been let through
}

// New returns a lab that has not started: its phases wait.
func New() *Lab {
	l := &Lab{store: trace.NewStore(trace.Limits{}), wake: make(chan struct{}), script: play(), numbers: map[string]uint64{}, answer: make(chan struct{})}
	l.debug = engine.DebugState{Generation: 1, Mode: engine.Run, Level: engine.Requests}
	l.status = engine.Status{Generation: 1, Version: "v1.36.3", Nodes: 3, Seed: 1}
	for _, name := range []string{"etcd", "apiserver", "controllers", "scheduler", "nodes"} {
		l.status.Phases = append(l.status.Phases, engine.Phase{Name: name})
	}
	return l
}

func (l *Lab) changed() {
	close(l.wake)
	l.wake = make(chan struct{})
}

// PhaseDone ends the next phase of the start; after the last one the lab is ready.
func (l *Lab) PhaseDone(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Phases = slices.Clone(l.status.Phases)
	for i := range l.status.Phases {
		if p := &l.status.Phases[i]; !p.Done {
			p.Done, p.Took = true, took
			l.status.Ready, l.status.Took = i == len(l.status.Phases)-1, took
			break
		}
	}
	l.status.Generation++
	l.changed()
}

// Fail stops the lab with an error.
func (l *Lab) Fail(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Stopped, l.status.Error = true, why
	l.status.Generation++
	l.changed()
}

// Status returns how far the start is.
func (l *Lab) Status() engine.Status { l.mu.Lock(); defer l.mu.Unlock(); return l.status }

// State returns the gate.
func (l *Lab) State() engine.DebugState { l.mu.Lock(); defer l.mu.Unlock(); return l.debug }

// Events returns the store.
func (l *Lab) Events() *trace.Store { return l.store }

// Debugger returns the lab itself.
func (l *Lab) Debugger() engine.Debugger { return l }

// WaitStatus blocks until the status is another than the given one.
func (l *Lab) WaitStatus(ctx context.Context, generation uint64) (engine.Status, error) {
	return wait(ctx, l, func() (engine.Status, bool) { return l.status, l.status.Generation != generation })
}

// WaitState blocks until the gate is another than the given one.
func (l *Lab) WaitState(ctx context.Context, generation uint64) (engine.DebugState, error) {
	return wait(ctx, l, func() (engine.DebugState, bool) { return l.debug, l.debug.Generation != generation })
}

func wait[T any](ctx context.Context, l *Lab, look func() (T, bool)) (T, error) {
	for {
		l.mu.Lock()
		v, ok := look()
		wake := l.wake
		l.mu.Unlock()
		if ok {
			return v, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// Settle returns at once: the play never has anything under way.
func (l *Lab) Settle(context.Context, time.Duration) error { return nil }

// Kubectl begins the run and blocks until its request is let through.
func (l *Lab) Kubectl(ctx context.Context, args []string) (string, error) {
	switch args[0] {
	case "delete":
		return "deployment.apps \"web\" deleted\n", nil
	case "get":
		return "NAME                        READY   STATUS    RESTARTS   AGE\nweb-6f8d9c7b5-x2x4k         1/1     Running   0          4s\n", nil
	}
	l.begin()
	select {
	case <-l.answer:
		return "deployment.apps/web created\n", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// begin begins the run.
func (l *Lab) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = true
	l.advance()
	l.debug.Generation++
	l.changed()
}

// letGo releases what is held and runs on.
func (l *Lab) letGo() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.goOn()
	l.advance()
	l.debug.Generation++
	l.changed()
}

func (l *Lab) goOn() {
	l.debug.Mode = engine.Run
	for len(l.held) > 0 {
		l.release(0)
	}
}

// Do carries out a verb.
func (l *Lab) Do(_ context.Context, c engine.Command) (engine.DebugState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	levels := []engine.Level{engine.Requests, engine.Calls, engine.Hops, engine.Deliveries, engine.Stages}
	at := slices.Index(levels, l.debug.Level)
	switch c.Verb {
	case engine.Pause:
		l.debug.Mode = engine.Paused
	case engine.Continue:
		l.goOn()
	case engine.StepIn:
		l.debug.Level = levels[min(at+1, len(levels)-1)]
	case engine.StepOut:
		l.debug.Level = levels[max(at-1, 0)]
	case engine.Break:
		if strings.Contains(c.Pattern, "!") {
			return l.debug, fmt.Errorf("%w: pattern %q", engine.ErrUsage, c.Pattern)
		}
		l.debug.Breakpoints = append(slices.Clone(l.debug.Breakpoints), c.Pattern)
	case engine.Unbreak:
		l.debug.Breakpoints = slices.DeleteFunc(slices.Clone(l.debug.Breakpoints), func(s string) bool { return s == c.Pattern })
	case engine.Step:
		if len(l.held) > 0 {
			l.release(0)
		}
	case engine.StepThis:
		i := slices.IndexFunc(l.debug.Held, func(h trace.Held) bool { return h.ID == c.Held })
		if i < 0 {
			return l.debug, fmt.Errorf("%w: nothing with ID %d is held", engine.ErrUsage, c.Held)
		}
		l.release(i)
	default:
		return l.debug, fmt.Errorf("%w: no verb %q", engine.ErrUsage, c.Verb)
	}
	l.advance()
	l.debug.Generation++
	l.changed()
	return l.debug, nil
}

// release lets a held event happen.
func (l *Lab) release(i int) {
	l.put(l.held[i])
	l.held = slices.Delete(slices.Clone(l.held), i, i+1)
	l.debug.Held = slices.Delete(slices.Clone(l.debug.Held), i, i+1)
}

// advance lets the play go on until something is held.
func (l *Lab) advance() {
	for l.begun && l.at < len(l.script) {
		it := l.script[l.at]
		holds := l.debug.Mode == engine.Paused && it.level != "" && finer(l.debug.Level, it.level) || l.stopsAt(&it.event)
		if len(l.held) > 0 && !(holds && it.beside) {
			return
		}
		l.at++
		if !holds {
			l.put(it)
			continue
		}
		l.nextID++
		l.held = append(l.held, it)
		h := trace.Held{ID: l.nextID, Since: Start().Add(time.Duration(l.nextID) * time.Second), Event: unanswered(l.linked(it))}
		l.debug.Held = append(slices.Clone(l.debug.Held), h)
	}
}

// unanswered takes away what is known only when the event has happened.
func unanswered(e trace.Event) trace.Event {
	e.DurationMs = 0
	if d, ok := e.Detail.(*trace.RequestDetail); ok {
		sent := *d
		sent.Status = 0
		e.Detail = &sent
	}
	return e
}

func finer(level, needs engine.Level) bool {
	levels := []engine.Level{engine.Requests, engine.Calls, engine.Hops, engine.Deliveries, engine.Stages}
	return slices.Index(levels, level) >= slices.Index(levels, needs)
}

func (l *Lab) linked(it item) trace.Event {
	e := it.event
	if e.Cause = l.numbers[it.cause]; e.Cause != 0 {
		e.CauseLink = trace.Exact
		if len(e.Frames) > 0 || e.Kind == trace.CRICall {
			e.CauseLink = trace.Inferred
		}
	}
	return e
}

// Bootstrap lets something happen that has nothing to do with the run.
func (l *Lab) Bootstrap() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(request("", "", "service-controller", "create", "services", "", object("v1", "Service", "kubernetes"), m{}))
}

func (l *Lab) put(it item) {
	e := l.linked(it)
	l.seq++
	e.Seq, e.Time = l.seq, Start().Add(time.Duration(l.seq)*17*time.Millisecond)
	if it.label != "" {
		l.numbers[it.label] = e.Seq
	}
	l.store.Load(e)
	if it.label == "kubectl" {
		close(l.answer)
	}
}
