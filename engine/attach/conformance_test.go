package attach

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// A lab must look the same from here and from another process.
func TestConformance(t *testing.T) {
	t.Run("direct", func(t *testing.T) {
		testLab(t, func(*testing.T) (engine.Lab, *fakeLab) {
			l := newFakeLab(trace.Limits{})
			return l, l
		})
	})
	t.Run("attached", func(t *testing.T) {
		testLab(t, func(t *testing.T) (engine.Lab, *fakeLab) {
			l := newFakeLab(trace.Limits{})
			return attached(t, l), l
		})
	})
}

// testLab runs what every [engine.Lab] must do. The fake is what is behind the lab.
func testLab(t *testing.T, newLab func(t *testing.T) (engine.Lab, *fakeLab)) {
	t.Run("status", func(t *testing.T) {
		l, behind := newLab(t)
		s := l.Status()
		if s.Ready || s.Version != "v1.36.3" || s.Nodes != 3 || len(s.Phases) != 1 || s.Generation == 0 {
			t.Errorf("Status = %+v", s)
		}
		go behind.setStatus(func(s *engine.Status) { s.Ready, s.Took = true, time.Second })
		next, err := l.WaitStatus(limited(t), s.Generation)
		if err != nil || !next.Ready || next.Took != time.Second || next.Generation == s.Generation {
			t.Errorf("WaitStatus = %+v, %v", next, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.WaitStatus(ended, next.Generation); !errors.Is(err, context.Canceled) {
			t.Errorf("WaitStatus = %v", err)
		}
	})
	t.Run("events", func(t *testing.T) {
		l, behind := newLab(t)
		for _, name := range []string{"a", "b"} {
			if err := behind.write(t.Context(), "kubectl", name); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Debugger().Settle(limited(t), time.Millisecond); err != nil {
			t.Fatal(err)
		}
		events := l.Events().Since(0).Events
		if len(events) != 2 {
			t.Fatalf("%d events", len(events))
		}
		for i, e := range events {
			want, _ := behind.Events().Get(uint64(i + 1))
			if !e.Time.Equal(want.Time) {
				t.Errorf("at %s, want %s", e.Time, want.Time)
			}
			e.Time = want.Time // JSON keeps no monotonic clock
			body, err := e.Detail.(*trace.RequestDetail).Body.JSON()
			if err != nil || string(body) != `{"kind":"Pod"}` {
				t.Errorf("body %s, %v", body, err)
			}
			e.Detail, want.Detail = nil, nil
			if !reflect.DeepEqual(e, want) {
				t.Errorf("event %+v, want %+v", e, want)
			}
		}
	})
	t.Run("debugger", func(t *testing.T) { testDebugger(t, newLab) })
	t.Run("faults", func(t *testing.T) { testFaults(t, newLab) })
	t.Run("history", func(t *testing.T) {
		l, _ := newLab(t)
		s, err := l.History().At(t.Context(), 7)
		if err != nil || s.Revision != 7 || s.Counts["Pod"] != 1 || len(s.Objects) != 1 {
			t.Errorf("At = %+v, %v", s, err)
		}
		if _, err := l.History().At(t.Context(), 2); !errors.Is(err, engine.ErrGone) || err.Error() != "event 2 is no longer kept" {
			t.Errorf("At = %v", err)
		}
		o := trace.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "a b", Name: "x&y=z", UID: "u"}
		found, ok, err := l.History().Object(t.Context(), o, 9)
		if err != nil || !ok || found.Object != o || found.Revision != 9 {
			t.Errorf("Object = %+v, %t, %v", found, ok, err)
		}
		if body, err := found.Body.JSON(); string(body) != `{"kind":"Pod"}` || err != nil {
			t.Errorf("body %s, %v", body, err)
		}
		if _, ok, err := l.History().Object(t.Context(), o, 4); ok || err != nil {
			t.Errorf("Object = %t, %v", ok, err)
		}
		if _, _, err := l.History().Object(t.Context(), trace.Object{}, 4); !errors.Is(err, engine.ErrUsage) {
			t.Errorf("Object = %v", err)
		}
	})
}

func testFaults(t *testing.T, newLab func(t *testing.T) (engine.Lab, *fakeLab)) {
	l, _ := newLab(t)
	f := l.Faults()
	want := engine.FaultState{Faults: []engine.Fault{}, Nodes: []string{"node-1"}, Pods: []string{"default/web"}}
	if s, err := f.State(limited(t)); err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("State = %+v, %v, want %+v", s, err, want)
	}
	slow := engine.Fault{Kind: engine.FaultReorder, Target: "node-1", Share: 0.25, Delay: 20 * time.Millisecond}
	want.Faults = append(want.Faults, slow)
	if s, err := f.Do(limited(t), engine.FaultCommand{Fault: slow}); err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("Do = %+v, %v, want %+v", s, err, want)
	}
	// What it did is in the events when it returns.
	if e, ok := l.Events().Get(1); !ok || e.Kind != trace.NetFault || !reflect.DeepEqual(e.Detail, &slow) {
		t.Errorf("the event is %+v", e)
	}
	s, err := f.Do(limited(t), engine.FaultCommand{Fault: engine.Fault{Kind: engine.FaultCut, Target: "node-9"}})
	if !errors.Is(err, engine.ErrUsage) || !strings.Contains(err.Error(), "there is no node node-9") || !reflect.DeepEqual(s, want) {
		t.Errorf("Do = %+v, %v", s, err)
	}
	if s, err := f.Do(limited(t), engine.FaultCommand{Heal: true}); err != nil || len(s.Faults) != 0 {
		t.Errorf("Do = %+v, %v", s, err)
	}
	if s, err := f.State(limited(t)); err != nil || len(s.Faults) != 0 {
		t.Errorf("State = %+v, %v", s, err)
	}
}

func testDebugger(t *testing.T, newLab func(t *testing.T) (engine.Lab, *fakeLab)) {
	l, behind := newLab(t)
	d := l.Debugger()
	do := func(c engine.Command) engine.DebugState {
		t.Helper()
		s, err := d.Do(limited(t), c)
		if err != nil {
			t.Fatalf("%s: %v", c.Verb, err)
		}
		return s
	}
	if s := d.State(); s.Mode != engine.Run || s.Generation == 0 {
		t.Errorf("State = %+v", s)
	}
	do(engine.Command{Verb: engine.Break, Pattern: "pods/binding"})
	if s := do(engine.Command{Verb: engine.Pause}); s.Mode != engine.Paused || len(s.Breakpoints) != 1 {
		t.Errorf("after pause %+v", s)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, actor := range []string{"b", "a"} {
		wg.Go(func() {
			if err := behind.write(t.Context(), actor, "web"); err != nil {
				t.Error(err)
			}
		})
	}
	s := held(t, d, 2)
	if s.Held[0].Event.Actor != "a" || s.Held[0].Since.IsZero() || s.Held[0].Event.Detail == nil {
		t.Errorf("held first: %+v", s.Held[0])
	}
	if s = do(engine.Command{Verb: engine.StepThis, Held: s.Held[1].ID}); len(s.Held) != 1 || s.Held[0].Event.Actor != "a" {
		t.Errorf("after step-this: %+v", s.Held)
	}
	// What the step did is in the events when it returns.
	if e, ok := l.Events().Get(1); !ok || e.Actor != "b" || e.Open {
		t.Errorf("the first event is %+v", e)
	}
	if s = do(engine.Command{Verb: engine.Step}); len(s.Held) != 0 {
		t.Errorf("after step: %+v", s.Held)
	}
	if _, ok := l.Events().Get(2); !ok {
		t.Error("the second event is missing")
	}
	s, err := d.Do(limited(t), engine.Command{Verb: engine.Break, Pattern: "podz"})
	if !errors.Is(err, engine.ErrUsage) || !strings.Contains(err.Error(), `did you mean "pods"`) || s.Mode != engine.Paused {
		t.Errorf("Do = %+v, %v", s, err)
	}
	if _, err := d.Do(limited(t), engine.Command{Verb: "dance"}); !errors.Is(err, engine.ErrUsage) {
		t.Errorf("Do = %v", err)
	}
	ended, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := d.WaitState(ended, d.State().Generation); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitState = %v", err)
	}
	if err := d.Settle(ended, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Settle = %v", err)
	}
	if s := do(engine.Command{Verb: engine.Continue}); s.Mode != engine.Run {
		t.Errorf("after continue: %+v", s)
	}
}
