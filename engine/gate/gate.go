package gate

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Traffic is what the gate needs to know of what has passed it. A [trace.Tap] is one.
type Traffic interface {
	// Activity returns how many events have begun and not ended, and when the last one began or ended.
	Activity() (open int, last time.Time)
	// Store returns the events that have begun.
	Store() *trace.Store
}

// Gate holds events until a debugger releases them. Use [New] and, as a tap needs its gate first, [Gate.Watch]. It is
// safe for concurrent use.
type Gate struct {
	// now is time.Now but for tests.
	now func() time.Time
	// active is nil while nothing can be held, so that an event costs one load.
	active  atomic.Pointer[rules]
	pods    atomic.Pointer[podFilter] // whose packets are looked at, nil for none
	traffic atomic.Pointer[Traffic]
	// stepping has room for one: steps wait for the lab to settle, and two at once would wait for each other's.
	stepping chan struct{}

	mu       sync.Mutex
	core     *core
	waiters  map[uint64]chan struct{} // by held ID; closed on release
	changed  chan struct{}            // closed on the next change of the state
	last     time.Time                // when something last arrived, was released or given up
	leaving  int                      // released, and not yet back in Admit
	settling settling
}

var (
	_ trace.Gate      = (*Gate)(nil)
	_ engine.Debugger = (*Gate)(nil)
)

// New returns a gate that runs: it holds nothing until it is told to.
func New() *Gate {
	return &Gate{now: time.Now, stepping: make(chan struct{}, 1), core: newCore(), waiters: map[uint64]chan struct{}{},
		changed: make(chan struct{})}
}

// Watch gives the gate the tap whose events it admits. Without one it cannot tell what is under way, and settles on what
// arrives alone. It is called once, before anything is stepped.
func (g *Gate) Watch(t Traffic) { g.traffic.Store(&t) }

// Admit implements [trace.Gate].
func (g *Gate) Admit(ctx context.Context, e *trace.Event) error {
	r := g.active.Load()
	if r == nil {
		return nil
	}
	if hold, _ := r.hold(e, g.find); !hold {
		return nil
	}
	return g.wait(ctx, e)
}

// Idle reports whether nothing is to be held now.
func (g *Gate) Idle() bool { return g.active.Load() == nil }

// MayHoldStages reports whether a stage of a request inside the API server could be held now, so that somebody looks at
// each of them.
func (g *Gate) MayHoldStages() bool {
	r := g.active.Load()
	return r != nil && r.mayHoldStages()
}

func (g *Gate) wait(ctx context.Context, e *trace.Event) error {
	var inside []uint64
	if p := g.traffic.Load(); p != nil {
		_, last := (*p).Store().Len()
		inside = enclosers(e, g.find, last)
	}
	g.mu.Lock()
	now := g.now()
	if settled, _ := g.settling.check(g.look(now, stepQuiet), stepQuiet); settled {
		g.core.settled() // nobody had asked until now
	}
	id := g.core.arrive(now, e, g.find, inside)
	if id == 0 {
		g.mu.Unlock()
		return nil // the rules changed in the meantime
	}
	released := make(chan struct{})
	g.waiters[id] = released
	g.publish(now)
	g.mu.Unlock()

	select {
	case <-released:
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.core.cancel(id) {
		delete(g.waiters, id)
		g.publish(g.now())
		return fmt.Errorf("given up while held at the gate: %w", ctx.Err())
	}
	g.leaving--
	g.last = g.now()
	return nil
}

// publish makes a change of the core known. The caller holds mu.
func (g *Gate) publish(now time.Time) {
	g.last = now
	if g.core.rules.idle() {
		g.active.Store(nil)
	} else {
		g.active.Store(g.core.rules)
	}
	g.pods.Store(g.core.rules.followed())
	close(g.changed)
	g.changed = make(chan struct{})
}

// carryOut gives a command to the core and wakes what it releases.
func (g *Gate) carryOut(c engine.Command) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids, err := g.core.do(c)
	if err != nil {
		return err
	}
	g.leaving += len(ids)
	for _, id := range ids {
		close(g.waiters[id])
		delete(g.waiters, id)
	}
	g.publish(g.now())
	return nil
}

// Do implements [engine.Debugger]. When ctx ends while a step waits for the lab to settle, the state tells whether the
// event has been released.
func (g *Gate) Do(ctx context.Context, c engine.Command) (engine.DebugState, error) {
	var err error
	switch c.Verb {
	case engine.Step, engine.StepThis:
		err = g.step(ctx, c)
	default:
		err = g.carryOut(c)
	}
	return g.State(), err
}

func (g *Gate) step(ctx context.Context, c engine.Command) error {
	select {
	case g.stepping <- struct{}{}:
		defer func() { <-g.stepping }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.Verb == engine.Step {
		// In a lab that runs freely there is nowhere to step from: the step only pauses it.
		from := g.State()
		if from.Mode == engine.Run {
			if err := g.carryOut(engine.Command{Verb: engine.Pause}); err != nil {
				return err
			}
		}
		// What the last command set off must have arrived before it is decided who is first.
		if err := g.settleStep(ctx); err != nil {
			return fmt.Errorf("waiting for the lab to settle before the step: %w", err)
		}
		if from.Mode == engine.Run && len(from.Held) == 0 {
			return nil
		}
	}
	if err := g.carryOut(c); err != nil {
		return err
	}
	if err := g.settleStep(ctx); err != nil {
		return fmt.Errorf("waiting for the lab to settle after the step: %w", err)
	}
	return nil
}

// settleStep waits for the lab to settle, but for no longer than stepLimit, nor for a lab that has been let run.
func (g *Gate) settleStep(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	err := g.settle(limited, stepQuiet, func() bool { return g.core.rules.mode == engine.Run && len(g.core.held) == 0 })
	if ctx.Err() == nil && limited.Err() != nil {
		return nil
	}
	return err
}

// Settle implements [engine.Debugger]. What is under way and has given no news for two seconds is not waited for any
// longer.
func (g *Gate) Settle(ctx context.Context, quiet time.Duration) error {
	return g.settle(ctx, quiet, func() bool { return false })
}

// settle waits until the lab has settled or enough, which is called with mu held, says so.
func (g *Gate) settle(ctx context.Context, quiet time.Duration, enough func() bool) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		g.mu.Lock()
		settled, again := g.settling.check(g.look(g.now(), quiet), quiet)
		if settled {
			g.core.settled()
		}
		done := settled || enough()
		g.mu.Unlock()
		if done {
			return nil
		}
		timer.Reset(again)
	}
}

// look returns what is going on. It leaves out what does not matter when something happened within quiet. The caller
// holds mu.
func (g *Gate) look(now time.Time, quiet time.Duration) traffic {
	t := traffic{now: now, last: g.last, leaving: g.leaving}
	if p := g.traffic.Load(); p != nil {
		var last time.Time
		t.open, last = (*p).Activity()
		if last.After(t.last) {
			t.last = last
		}
		if t.open > 0 && now.Sub(t.last) >= quiet {
			t.enclosing = enclosing(g.core.held)
		}
	}
	return t
}

// find returns an event that has begun.
func (g *Gate) find(seq uint64) (trace.Event, bool) {
	if p := g.traffic.Load(); p != nil && seq != 0 {
		return (*p).Store().Get(seq)
	}
	return trace.Event{}, false
}

// State implements [engine.Debugger].
func (g *Gate) State() engine.DebugState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.core.state()
}

// WaitState implements [engine.Debugger].
func (g *Gate) WaitState(ctx context.Context, generation uint64) (engine.DebugState, error) {
	for {
		g.mu.Lock()
		changed := g.changed
		if g.core.generation != generation {
			defer g.mu.Unlock()
			return g.core.state(), nil
		}
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return engine.DebugState{}, ctx.Err()
		}
	}
}
