package gate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Whatever a learner types while components work, nothing deadlocks, and every event happens exactly once or is given up
// with its context's error.
func TestRandomSequences(t *testing.T) {
	const sequences, workers = 1000, 8
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	for seed := range uint64(sequences) {
		slots <- struct{}{}
		if t.Failed() {
			break // a deadlock takes sequenceLimit to show
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := randomSequence(t.Context(), rand.New(rand.NewPCG(seed, 1))); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
	wg.Wait()
}

// sequenceLimit is far beyond what a sequence takes.
const sequenceLimit = 30 * time.Second

func randomSequence(ctx context.Context, r *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, sequenceLimit)
	defer cancel()
	g := New()
	tap := trace.NewTap(trace.NewStore(trace.Limits{}), g)
	g.Watch(tap)

	actors := []string{"kube-scheduler", "replicaset-controller", "kubelet@node-1", "kubelet@node-2"}
	var happened, givenUp atomic.Int64
	var components sync.WaitGroup
	problems := make(chan error, 100)
	events := 0
	for i := range 3 + r.IntN(6) {
		n, actor, gives, seed := 1+r.IntN(6), actors[r.IntN(len(actors))], r.IntN(4) == 0, r.Uint64()
		events += n
		components.Go(func() {
			r := rand.New(rand.NewPCG(seed, 2))
			for j := range n {
				// Some give up at any time, also at the moment of their release.
				mine, stop := context.WithCancel(ctx)
				if gives {
					time.AfterFunc(time.Duration(r.IntN(3000))*time.Microsecond, stop)
				}
				span, err := tap.Begin(mine, randomEvent(r, actor, fmt.Sprintf("%d-%d", i, j)))
				switch {
				case err == nil:
					happened.Add(1)
					// Some take a while, some have a stage inside them that is held too.
					if r.IntN(3) == 0 {
						inner, err := tap.Begin(ctx, trace.Event{Actor: "kube-apiserver", Kind: trace.APIStage,
							Verb: trace.StageMutating, Cause: span.Seq()})
						if err != nil {
							problems <- fmt.Errorf("stage: %w", err)
						}
						inner.End(nil, nil)
					}
					span.End(nil, nil)
				case errors.Is(err, context.Canceled) && gives:
					givenUp.Add(1)
				default:
					problems <- fmt.Errorf("event %d-%d: %w", i, j, err)
				}
				stop()
			}
		})
	}

	var learner sync.WaitGroup
	for range 1 + r.IntN(2) { // the second one sits in another terminal
		seed := r.Uint64()
		learner.Go(func() {
			r := rand.New(rand.NewPCG(seed, 3))
			for range 4 + r.IntN(10) {
				c := randomCommand(r, g.State())
				// A learner does not wait for every step to settle.
				brief, stop := context.WithTimeout(ctx, time.Duration(r.IntN(4))*time.Millisecond)
				_, err := g.Do(brief, c)
				stop()
				if err != nil && !errors.Is(err, engine.ErrUsage) && !errors.Is(err, context.DeadlineExceeded) {
					problems <- fmt.Errorf("%s: %w", c.Verb, err)
				}
			}
		})
	}
	learner.Wait()
	if err := release(ctx, g, &components); err != nil {
		return err
	}
	close(problems)
	for err := range problems {
		return err
	}
	return account(g, tap, int64(events), happened.Load(), givenUp.Load())
}

// release lets everything run, and waits until the components are done.
func release(ctx context.Context, g *Gate, components *sync.WaitGroup) error {
	for _, b := range g.State().Breakpoints {
		if _, err := g.Do(ctx, engine.Command{Verb: engine.Unbreak, Pattern: b}); err != nil {
			return err
		}
	}
	if _, err := g.Do(ctx, engine.Command{Verb: engine.Continue}); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { components.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("deadlock: %+v", g.State())
	}
}

// account checks that nothing was lost and nothing happened twice.
func account(g *Gate, tap *trace.Tap, events, happened, givenUp int64) error {
	if happened+givenUp != events {
		return fmt.Errorf("%d events: %d happened, %d were given up", events, happened, givenUp)
	}
	stored := int64(0)
	for _, e := range tap.Store().Since(0).Events {
		if e.Open {
			return fmt.Errorf("event %d is still open", e.Seq)
		}
		if e.Kind != trace.APIStage {
			stored++
		}
	}
	if stored != happened {
		return fmt.Errorf("%d events happened, %d are in the store", happened, stored)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.core.held) != 0 || len(g.waiters) != 0 || g.leaving != 0 {
		return fmt.Errorf("left over: %d held, %d waiters, %d leaving", len(g.core.held), len(g.waiters), g.leaving)
	}
	return nil
}

func randomEvent(r *rand.Rand, actor, name string) trace.Event {
	e := trace.Event{Actor: actor, Kind: trace.APIRequest, Verb: []string{"create", "update", "get", "delete"}[r.IntN(4)],
		Root: true, Object: trace.Object{Kind: "Pod", Namespace: "default", Name: name}}
	switch r.IntN(7) {
	case 0:
		e.Kind, e.Verb = trace.WatchDeliver, "modified"
	case 1:
		e.Kind, e.Verb = trace.CRICall, "StartContainer"
	case 2:
		e.Subresource = "binding"
	case 3:
		e.Kind, e.Verb = trace.NetHop, "wire"
		e.Detail = &trace.HopDetail{Point: "wire", From: "default/client", To: "default/web"}
	}
	return e
}

func randomCommand(r *rand.Rand, s engine.DebugState) engine.Command {
	patterns := []string{"pods/binding", "kubelet@*", "create pods", "watch.deliver", "StartContainer", "* !kubelet",
		"net.hop pod/default/web"}
	all := []engine.Verb{engine.Pause, engine.Continue, engine.Step, engine.Step, engine.StepThis, engine.StepThis,
		engine.RunTo, engine.StepIn, engine.StepOut, engine.Break, engine.Unbreak}
	c := engine.Command{Verb: all[r.IntN(len(all))]}
	switch c.Verb {
	case engine.StepThis:
		c.Held = r.Uint64N(20)
		if len(s.Held) > 0 {
			c.Held = s.Held[r.IntN(len(s.Held))].ID
		}
	case engine.RunTo, engine.Break, engine.Unbreak:
		c.Pattern = patterns[r.IntN(len(patterns))]
	}
	return c
}

// With the same commands, the order of releases does not depend on the order in which goroutines run.
func TestSameStepsSameRun(t *testing.T) {
	run := func(t *testing.T) (order []string) {
		l := newLab()
		l.do(t, engine.Pause, "")
		var wg sync.WaitGroup
		defer wg.Wait()
		for _, actor := range []string{"a", "b", "c", "d", "e"} {
			wg.Go(func() {
				for _, name := range []string{"1", "2", "3"} {
					time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond) // in the bubble: who is first is chance
					span, err := l.tap.Begin(t.Context(), write(actor, name))
					if err != nil {
						t.Error(err)
						return
					}
					span.End(nil, nil)
				}
			})
		}
		for s := l.held(t, 5); len(s.Held) > 0; {
			order = append(order, s.Held[0].Event.Actor+s.Held[0].Event.Object.Name)
			s = l.do(t, engine.Step, "")
		}
		return order
	}
	var first string
	for i := range 20 {
		synctest.Test(t, func(t *testing.T) {
			again := fmt.Sprint(run(t))
			if i == 0 {
				first = again
			} else if again != first {
				t.Errorf("one run was\n%s, another\n%s", first, again)
			}
		})
	}
}
