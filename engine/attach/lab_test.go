package attach

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/trace"
)

// fakeLab is a lab without a cluster: the test plays the components.
type fakeLab struct {
	*gate.Gate
	tap    *trace.Tap
	faults fakeFaults

	mu      sync.Mutex
	status  engine.Status
	changed chan struct{}
}

func newFakeLab(limits trace.Limits) *fakeLab {
	g := gate.New()
	l := &fakeLab{Gate: g, tap: trace.NewTap(trace.NewStore(limits), g), changed: make(chan struct{})}
	l.status = engine.Status{Generation: 1, Version: "v1.36.3", Nodes: 3, Phases: []engine.Phase{{Name: "etcd"}}}
	g.Watch(l.tap)
	l.faults.tap = l.tap
	return l
}

func (l *fakeLab) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (l *fakeLab) Status() engine.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *fakeLab) setStatus(edit func(s *engine.Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	edit(&l.status)
	l.status.Generation++
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *fakeLab) WaitStatus(ctx context.Context, generation uint64) (engine.Status, error) {
	for {
		l.mu.Lock()
		s, changed := l.status, l.changed
		l.mu.Unlock()
		if s.Generation != generation {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return engine.Status{}, ctx.Err()
		}
	}
}

func (l *fakeLab) Events() *trace.Store      { return l.tap.Store() }
func (l *fakeLab) Debugger() engine.Debugger { return l.Gate }
func (l *fakeLab) History() engine.History   { return fakeHistory{} }
func (l *fakeLab) Faults() engine.Faults     { return &l.faults }

// fakeHistory has one object since event 5, and has lost what was before event 3.
type fakeHistory struct{}

func (fakeHistory) At(_ context.Context, seq uint64) (engine.Snapshot, error) {
	if seq < 3 {
		return engine.Snapshot{}, fmt.Errorf("event %d is %w", seq, engine.ErrGone)
	}
	return engine.Snapshot{Revision: int64(seq), Counts: map[string]int{"Pod": 1},
		Objects: []engine.StoredObject{{Key: "/registry/pods/default/web", Body: trace.JSONBody([]byte(`{"kind":"Pod"}`))}}}, nil
}

func (fakeHistory) Object(_ context.Context, o trace.Object, seq uint64) (engine.StoredObject, bool, error) {
	if o.Name == "" {
		return engine.StoredObject{}, false, fmt.Errorf("%w: no name", engine.ErrUsage)
	}
	if seq < 5 {
		return engine.StoredObject{}, false, nil
	}
	return engine.StoredObject{Key: "/registry/x", Object: o, Revision: int64(seq),
		Body: trace.JSONBody([]byte(`{"kind":"Pod"}`))}, true, nil
}

// fakeFaults breaks nothing, and knows what would be broken. There is one node.
type fakeFaults struct {
	tap *trace.Tap

	mu   sync.Mutex
	list []engine.Fault
}

func (f *fakeFaults) Do(ctx context.Context, c engine.FaultCommand) (engine.FaultState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case c.Heal:
		f.list = nil
	case c.Fault.Target != "node-1":
		return f.state(), fmt.Errorf("%w: there is no node %s", engine.ErrUsage, c.Fault.Target)
	default:
		f.list = append(f.list, c.Fault)
		f.tap.Record(ctx, trace.Event{Actor: "kubestep", Kind: trace.NetFault, Verb: "set", Root: true, Detail: &c.Fault})
	}
	return f.state(), nil
}

func (f *fakeFaults) State(context.Context) (engine.FaultState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state(), nil
}

func (f *fakeFaults) state() engine.FaultState {
	return engine.FaultState{Faults: append([]engine.Fault{}, f.list...), Nodes: []string{"node-1"}, Pods: []string{"default/web"}}
}

// write asks for a write as a component does, and returns when it has happened.
func (l *fakeLab) write(ctx context.Context, actor, name string) error {
	span, err := l.tap.Begin(ctx, trace.Event{Actor: actor, Kind: trace.APIRequest, Verb: "create", Root: true,
		Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: name},
		Detail: &trace.RequestDetail{Method: "POST", Body: trace.JSONBody([]byte(`{"kind":"Pod"}`))}})
	span.End(err, nil)
	return err
}

const deadline = 10 * time.Second

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// held waits until n events are held.
func held(t *testing.T, d engine.Debugger, n int) engine.DebugState {
	t.Helper()
	for s := d.State(); ; {
		if len(s.Held) == n {
			return s
		}
		next, err := d.WaitState(limited(t), s.Generation)
		if err != nil {
			t.Fatalf("%d are held, not %d: %v", len(s.Held), n, err)
		}
		s = next
	}
}
