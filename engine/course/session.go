package course

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Options are what a [Session] needs.
type Options struct {
	Lesson *schema.Lesson
	Lab    engine.Lab
	// Kubectl runs kubectl against the lab, in a directory that has the lesson's manifests, and returns what it printed.
	Kubectl func(ctx context.Context, args []string) (output string, err error)
	// Save keeps the state; nil for not at all.
	Save func(State) error
	// Resume is an earlier attempt to go on with.
	Resume *State
	Log    *slog.Logger
}

// Session plays a lesson in a lab. It waits for events and never polls. Its methods are safe for concurrent use.
type Session struct {
	o Options

	mu      sync.Mutex
	m       *Machine
	cursor  trace.Cursor
	shown   uint64 // generation of what Wait waits for
	wake    chan struct{}
	queue   []Effect
	queued  chan struct{} // has room for one
	stops   []string
	pending int // effects and commands under way
	err     error
}

// NewSession prepares an attempt: the cluster as it is now is what the lesson begins with. The lab must be ready.
func NewSession(ctx context.Context, o Options) (*Session, error) {
	world := check.NewWorld()
	store := o.Lab.Events()
	// The cursor first: what happens meanwhile comes again as events, which the world takes for what they are.
	cursor := store.Since(math.MaxUint64).Next
	_, last := store.Len()
	snapshot, err := o.Lab.History().At(ctx, last)
	if err != nil {
		return nil, fmt.Errorf("look at the cluster before the lesson: %w", err)
	}
	world.Load(snapshot)
	if e, ok := store.Get(last); ok {
		world.Observe([]trace.Event{e}) // so that the world knows where it is
	}
	m, err := New(o.Lesson, world)
	if err != nil {
		return nil, err
	}
	if o.Resume != nil {
		m.Resume(*o.Resume)
	}
	return &Session{o: o, m: m, cursor: cursor, shown: 1, wake: make(chan struct{}), queued: make(chan struct{}, 1)}, nil
}

// Lesson returns the lesson, with its variables filled in.
func (s *Session) Lesson() *schema.Lesson { return s.o.Lesson }

// Kubectl runs kubectl as the lesson's own commands are run.
func (s *Session) Kubectl(ctx context.Context, args []string) (output string, err error) {
	return s.o.Kubectl(ctx, args)
}

// Run carries out effects and takes in what happens, until ctx ends or the lab does. It is called once.
func (s *Session) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, pod := range s.o.Lesson.Follow {
		if _, err := s.o.Lab.Debugger().Do(ctx, engine.Command{Verb: engine.Follow, Pattern: "pod/" + pod}); err != nil {
			return fmt.Errorf("follow the packets of Pod %s: %w", pod, err)
		}
	}
	var wg sync.WaitGroup
	failed := make(chan error, 3)
	for _, part := range []func(context.Context) error{s.takeEvents, s.takeHeld, func(ctx context.Context) error { return s.carryOut(ctx, &wg) }} {
		wg.Go(func() {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				failed <- err
				cancel()
			}
		})
	}
	<-ctx.Done()
	wg.Wait()
	s.leave(context.WithoutCancel(ctx))
	for _, pod := range s.o.Lesson.Follow {
		// The learner may have let go of it.
		_, _ = s.o.Lab.Debugger().Do(context.WithoutCancel(ctx), engine.Command{Verb: engine.Unfollow, Pattern: "pod/" + pod})
	}
	if breaks(s.o.Lesson) {
		if err := s.heal(context.WithoutCancel(ctx)); err != nil {
			s.o.Log.Warn("end of a lesson", "error", err)
		}
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// leave takes the lesson's breakpoints away.
func (s *Session) leave(ctx context.Context) {
	s.mu.Lock()
	stops := s.stops
	s.stops = nil
	s.mu.Unlock()
	for _, p := range stops {
		// The learner may have removed it.
		_, _ = s.o.Lab.Debugger().Do(ctx, engine.Command{Verb: engine.Unbreak, Pattern: p})
	}
}

// heal mends everything, whoever has broken it.
func (s *Session) heal(ctx context.Context) error {
	if _, err := s.o.Lab.Faults().Do(ctx, engine.FaultCommand{Heal: true}); err != nil {
		return fmt.Errorf("mend what the lesson has broken: %w", err)
	}
	return nil
}

// Do tells the machine what the learner wants.
func (s *Session) Do(in Input) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drain() // what the learner wants is about what has happened until now
	s.handle(in)
}

// handle needs s.mu.
func (s *Session) handle(in Input) {
	before := s.m.view
	effects := s.m.Handle(in)
	s.queue = append(s.queue, effects...)
	s.pending += len(effects)
	if len(effects) > 0 {
		select {
		case s.queued <- struct{}{}:
		default:
		}
	}
	if len(effects) > 0 || s.m.view != before {
		s.changed()
	}
}

// changed wakes who waits for the view; it needs s.mu.
func (s *Session) changed() {
	s.shown++
	close(s.wake)
	s.wake = make(chan struct{})
}

// View returns what there is to show now.
func (s *Session) View() View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewLocked()
}

func (s *Session) viewLocked() View {
	v := s.m.View()
	v.Generation = s.shown
	return v
}

// World calls f with what the lesson knows of the cluster; f must not keep it.
func (s *Session) World(f func(w *check.World) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s.m.World())
}

// Wait blocks until the view differs from the one with the given generation, or ctx ends, whose error it then returns.
// What has gone wrong meanwhile is an error, too, once.
func (s *Session) Wait(ctx context.Context, generation uint64) (View, error) {
	for {
		s.mu.Lock()
		v, wake, err := s.viewLocked(), s.wake, s.err
		s.err = nil
		s.mu.Unlock()
		if v.Generation != generation || err != nil {
			return v, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// Await blocks until done says so of the view, or ctx ends.
func (s *Session) Await(ctx context.Context, done func(View) bool) (View, error) {
	v := s.View()
	for !done(v) {
		var err error
		if v, err = s.Wait(ctx, v.Generation); err != nil {
			return v, err
		}
	}
	return v, nil
}

// Settle blocks until what was asked for has been done and nothing more happens in the lab but what is held.
func (s *Session) Settle(ctx context.Context, quiet time.Duration) error {
	for {
		if err := s.o.Lab.Debugger().Settle(ctx, quiet); err != nil {
			return fmt.Errorf("wait until nothing happens any more: %w", err)
		}
		s.mu.Lock()
		s.drain()
		s.handle(Held{s.o.Lab.Debugger().State().Held})
		idle := s.pending == 0 || s.m.running != 0 // a command may itself wait for what is held
		generation := s.shown
		s.mu.Unlock()
		if idle {
			return nil
		}
		if _, err := s.Wait(ctx, generation); err != nil {
			return err
		}
	}
}

// drain takes in the events that have come; it needs s.mu.
func (s *Session) drain() {
	batch := s.o.Lab.Events().Since(s.cursor)
	s.cursor = batch.Next
	if batch.Lost > 0 && s.err == nil {
		s.err = fmt.Errorf("%d events came too fast for the lesson to see; begin the step again", batch.Lost)
		s.o.Log.Warn("lesson lost events", "lost", batch.Lost)
	}
	if len(batch.Events) > 0 {
		s.handle(Events{batch.Events})
	}
}

func (s *Session) takeEvents(ctx context.Context) error {
	for {
		s.mu.Lock()
		cursor := s.cursor
		s.mu.Unlock()
		if err := s.o.Lab.Events().Wait(ctx, cursor); err != nil {
			return err
		}
		s.mu.Lock()
		s.drain()
		s.mu.Unlock()
	}
}

func (s *Session) takeHeld(ctx context.Context) error {
	for state := s.o.Lab.Debugger().State(); ; {
		s.mu.Lock()
		s.drain() // what is held follows from what has happened
		s.handle(Held{state.Held})
		s.mu.Unlock()
		var err error
		if state, err = s.o.Lab.Debugger().WaitState(ctx, state.Generation); err != nil {
			return err
		}
	}
}

// carryOut does what the machine wants, in order. Commands run beside it, as they may wait for what the gate holds.
func (s *Session) carryOut(ctx context.Context, wg *sync.WaitGroup) error {
	for {
		select {
		case <-s.queued:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
		effects := s.queue
		s.queue = nil
		s.mu.Unlock()
		for _, e := range effects {
			async := false
			var err error
			switch e := e.(type) {
			case Stops:
				err = s.setStops(ctx, e.Patterns)
			case Heal:
				err = s.heal(ctx)
			case Release:
				_, err = s.o.Lab.Debugger().Do(ctx, engine.Command{Verb: engine.Continue})
			case Save:
				if s.o.Save != nil {
					err = s.o.Save(e.State)
				}
			case Remove:
				async = true
				wg.Go(func() { s.remove(ctx, e.Objects) })
			case Run:
				async = true
				wg.Go(func() { s.run(ctx, e) })
			}
			if err != nil {
				return err
			}
			if !async {
				s.finished()
			}
		}
	}
}

func (s *Session) finished() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending--
	s.changed()
}

func (s *Session) setStops(ctx context.Context, patterns []string) error {
	s.leave(ctx)
	for _, p := range patterns {
		if _, err := s.o.Lab.Debugger().Do(ctx, engine.Command{Verb: engine.Break, Pattern: p}); err != nil {
			return fmt.Errorf("stop at %q: %w", p, err)
		}
	}
	s.mu.Lock()
	s.stops = patterns
	s.mu.Unlock()
	return nil
}

func (s *Session) run(ctx context.Context, r Run) {
	defer s.finished()
	in := Ran{ID: r.ID}
	for _, c := range r.Commands {
		c, err := s.Fill(ctx, c)
		if err != nil {
			in.Failed, in.Output = true, err.Error()
			break
		}
		out, err := s.o.Command(ctx, c)
		in.Output = out
		if err != nil {
			in.Failed = true
			s.o.Log.Info("a command of the lesson failed", "command", c.Line, "error", err)
			break
		}
	}
	s.Do(in)
}

// remove deletes objects, without waiting until they are gone: the machine sees that.
func (s *Session) remove(ctx context.Context, objects []trace.Object) {
	defer s.finished()
	for _, o := range objects {
		s.mu.Lock()
		pinned := s.m.World().Pinned(o)
		s.mu.Unlock()
		for _, args := range removal(o, pinned) {
			if _, err := s.o.Kubectl(ctx, args); err != nil && !errors.Is(err, context.Canceled) {
				s.o.Log.Warn("remove what the lesson made", "object", o.String(), "error", err)
			}
		}
	}
}

// resource returns a kind as kubectl takes it without doubt: "Deployment.v1.apps".
func resource(o trace.Object) string {
	for i := range o.APIVersion {
		if o.APIVersion[i] == '/' {
			return o.Kind + "." + o.APIVersion[i+1:] + "." + o.APIVersion[:i]
		}
	}
	return o.Kind
}
