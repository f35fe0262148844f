package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Tests that wait for quiet run in a bubble, where time passes only when everybody waits: so they do not depend on how busy
// the machine is.

// lab is a gate with the tap that it serves.
type lab struct {
	*Gate
	tap *trace.Tap
}

func newLab() lab {
	g := New()
	tap := trace.NewTap(trace.NewStore(trace.Limits{}), g)
	g.Watch(tap)
	return lab{g, tap}
}

func (l lab) do(t *testing.T, verb engine.Verb, pattern string) engine.DebugState {
	t.Helper()
	s, err := l.Do(t.Context(), engine.Command{Verb: verb, Pattern: pattern})
	if err != nil {
		t.Fatalf("%s %s: %v", verb, pattern, err)
	}
	return s
}

// held waits until n events are held.
func (l lab) held(t *testing.T, n int) engine.DebugState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for s := l.State(); ; {
		if len(s.Held) == n {
			return s
		}
		next, err := l.WaitState(ctx, s.Generation)
		if err != nil {
			t.Fatalf("%d are held, not %d: %v", len(s.Held), n, err)
		}
		s = next
	}
}

func write(actor, name string) trace.Event {
	return trace.Event{Actor: actor, Kind: trace.APIRequest, Verb: "create", Root: true,
		Object: trace.Object{Kind: "Pod", Namespace: "default", Name: name}}
}

// At the level of hops, a step moves a followed packet by one point of its path, and nothing else of the network moves.
func TestStepMovesOneHop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		points := []string{"veth", "bridge", "prerouting", "routing", "wire"}
		send := func(name string) {
			for _, point := range points {
				if _, err := l.tap.Pass(t.Context(), trace.Event{Actor: "network@node-1", Kind: trace.NetHop, Verb: point, Root: true,
					Detail: &trace.HopDetail{Point: point, From: "default/" + name}}); err != nil {
					t.Error(err)
				}
			}
		}
		l.do(t, engine.Pause, "")
		l.do(t, engine.StepIn, "")
		send("calls") // at a coarser level it goes all the way
		l.do(t, engine.StepIn, "")
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { send("client") }) // as the fabric does: one after the other
		s := l.held(t, 1)
		for i, point := range points {
			if len(s.Held) != 1 || s.Held[0].Event.Verb != point || s.Level != engine.Hops {
				t.Fatalf("before step %d at level %s, held are %+v; want %s", i+1, s.Level, s.Held, point)
			}
			s = l.do(t, engine.Step, "")
		}
		if len(s.Held) != 0 {
			t.Errorf("after the last step, held are %+v", s.Held)
		}
	})
}

func TestStepWaitsForWhatItSetsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.do(t, engine.Pause, "")
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			span, err := l.tap.Begin(t.Context(), write("a", "1"))
			if err != nil {
				t.Error(err)
				return
			}
			// Longer than the quiet time, as on a slow machine: the step must wait, as the request is open.
			<-time.After(3 * stepQuiet)
			span.End(nil, nil)
			wg.Go(func() {
				if span, err := l.tap.Begin(t.Context(), write("b", "2")); err != nil {
					t.Error(err)
				} else {
					span.End(nil, nil)
				}
			})
		})
		l.held(t, 1)
		s := l.do(t, engine.Step, "")
		if len(s.Held) != 1 || s.Held[0].Event.Actor != "b" {
			t.Errorf("after the step, held are %+v; want what it set off", s.Held)
		}
		if s = l.do(t, engine.Step, ""); len(s.Held) != 0 {
			t.Errorf("after the second step, held are %+v", s.Held)
		}
	})
}

func TestStepInsideAnOpenRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		for range len(levels) - 1 {
			l.do(t, engine.StepIn, "")
		}
		span, err := l.tap.Begin(t.Context(), write("kubectl", "1"))
		if err != nil {
			t.Fatal(err)
		}
		l.do(t, engine.Pause, "")
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			defer span.End(nil, nil)
			for _, stage := range []string{trace.StageMutating, trace.StageValidating} {
				s, err := l.tap.Begin(t.Context(), trace.Event{Actor: "kube-apiserver", Kind: trace.APIStage, Verb: stage,
					Cause: span.Seq()})
				if err != nil {
					t.Error(err)
					return
				}
				s.End(nil, nil)
			}
		})
		l.held(t, 1)
		begin := time.Now()
		s := l.do(t, engine.Step, "")
		if len(s.Held) != 1 || s.Held[0].Event.Verb != trace.StageValidating {
			t.Errorf("held are %+v", s.Held)
		}
		if took := time.Since(begin); took > 2*stepQuiet {
			t.Errorf("the step took %s: it waited for the request that the held stage is in", took)
		}
		l.do(t, engine.Continue, "")
	})
}

// What takes long by itself is waited for once, and not at every step.
func TestStepDuringSomethingLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		stop, err := l.tap.Begin(t.Context(), trace.Event{Actor: "kubelet@node-1", Kind: trace.CRICall,
			Verb: "StopContainer", Root: true})
		if err != nil {
			t.Fatal(err)
		}
		l.do(t, engine.Pause, "")
		var wg sync.WaitGroup
		defer wg.Wait()
		for _, name := range []string{"1", "2", "3"} {
			wg.Go(func() {
				span, err := l.tap.Begin(t.Context(), write("a", name))
				if err != nil {
					t.Error(err)
				}
				span.End(nil, nil)
			})
		}
		l.held(t, 3)
		begin := time.Now()
		for range 3 {
			l.do(t, engine.Step, "")
		}
		if took := time.Since(begin); took < patience || took > patience+time.Second {
			t.Errorf("three steps took %s", took)
		}
		stop.End(nil, nil)
	})
}

func TestStepOfARunningLabPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		if s := l.do(t, engine.Step, ""); s.Mode != engine.Paused || len(s.Held) != 0 {
			t.Errorf("state %+v", s)
		}
	})
}

func TestCancelledWhileHeld(t *testing.T) {
	l := newLab()
	l.do(t, engine.Pause, "")
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := l.tap.Begin(ctx, write("a", "1"))
		result <- err
	}()
	l.held(t, 1)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Begin = %v", err)
	}
	l.held(t, 0)
	if _, last := l.tap.Store().Len(); last != 0 {
		t.Error("what was given up is in the store")
	}
}

func TestContinueEndsAStepThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.do(t, engine.Pause, "")
		spans := make(chan *trace.Span, 1)
		go func() {
			span, err := l.tap.Begin(t.Context(), write("a", "1"))
			if err != nil {
				t.Error(err)
			}
			spans <- span
		}()
		l.held(t, 1)
		stepped := make(chan error)
		go func() {
			_, err := l.Do(t.Context(), engine.Command{Verb: engine.Step})
			stepped <- err
		}()
		span := <-spans // released; the step waits for its end
		synctest.Wait()
		begin := time.Now()
		l.do(t, engine.Continue, "")
		if err := <-stepped; err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > stepQuiet {
			t.Errorf("the step took %s to notice", took)
		}
		span.End(nil, nil)
	})
}

func TestSettleEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		if _, err := l.tap.Begin(t.Context(), write("a", "1")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := l.Settle(ctx, stepQuiet); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Settle = %v while a request is under way", err)
		}
		if _, err := l.WaitState(ctx, l.State().Generation); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitState = %v", err)
		}
	})
}

// The state that was returned must not change under its reader.
func TestStateIsACopy(t *testing.T) {
	l := newLab()
	l.do(t, engine.Pause, "")
	for i := range 3 {
		go l.tap.Begin(t.Context(), write("a", fmt.Sprint(i))) //nolint:errcheck // ends with the test
	}
	s := l.held(t, 3)
	l.do(t, engine.Step, "")
	l.do(t, engine.Step, "")
	for i, h := range s.Held {
		if h.Event.Object.Name != fmt.Sprint(i) {
			t.Errorf("held %d became %+v", i, h)
		}
	}
	l.do(t, engine.Continue, "")
}

func TestMayHoldStages(t *testing.T) {
	l := newLab()
	for _, step := range []struct {
		verb    engine.Verb
		pattern string
		want    bool
	}{
		{engine.Pause, "", false},
		{engine.Break, "pods/binding", false},
		{engine.Break, "api.stage pods", true},
		{engine.Unbreak, "api.stage pods", false},
		{engine.RunTo, "kubectl storage", true},
		{engine.Continue, "", false},
		{engine.StepIn, "", false},
		{engine.StepIn, "", false},
		{engine.StepIn, "", false},
		{engine.StepIn, "", true}, // the breakpoint means what the level holds
		{engine.Unbreak, "pods/binding", false},
		{engine.Pause, "", true},
	} {
		l.do(t, step.verb, step.pattern)
		if got := l.MayHoldStages(); got != step.want {
			t.Errorf("after %s %s: %t", step.verb, step.pattern, got)
		}
	}
}

func BenchmarkAdmitRunning(b *testing.B) {
	g := New()
	e := write("a", "1")
	for b.Loop() {
		if err := g.Admit(b.Context(), &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdmitBreakpoint(b *testing.B) {
	g := New()
	if _, err := g.Do(b.Context(), engine.Command{Verb: engine.Break, Pattern: "kube-scheduler create pods/binding"}); err != nil {
		b.Fatal(err)
	}
	e := write("kubelet@node-1", "1")
	for b.Loop() {
		if err := g.Admit(b.Context(), &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkState5000Held(b *testing.B) {
	l := newLab()
	if _, err := l.Do(b.Context(), engine.Command{Verb: engine.Pause}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	for i := range 5000 {
		wg.Go(func() { l.tap.Begin(ctx, write("a", fmt.Sprint(i))) }) //nolint:errcheck // given up below
	}
	for s := l.State(); len(s.Held) < 5000; {
		s, _ = l.WaitState(ctx, s.Generation)
	}
	for b.Loop() {
		l.State()
	}
	cancel()
	wg.Wait()
}
