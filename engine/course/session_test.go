package course

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/progress"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

// bench is a lab without Kubernetes: a real store, gate and tap, and a kubectl that makes the events of a Pod.
type bench struct {
	engine.Lab
	store *trace.Store
	gate  *gate.Gate
	tap   *trace.Tap

	mu       sync.Mutex
	revision int64
	ran      []string
}

func newBench() *bench {
	b := &bench{store: trace.NewStore(trace.Limits{}), gate: gate.New(), revision: 1}
	b.tap = trace.NewTap(b.store, b.gate)
	b.gate.Watch(b.tap)
	return b
}

func (b *bench) Events() *trace.Store      { return b.store }
func (b *bench) Debugger() engine.Debugger { return b.gate }
func (b *bench) History() engine.History   { return b }

// At implements [engine.History]: one Pod is there before the lesson.
func (b *bench) At(context.Context, uint64) (engine.Snapshot, error) {
	return engine.Snapshot{Objects: []engine.StoredObject{{Object: aPod("before"), Revision: 1, Body: trace.JSONBody([]byte(`{"metadata":{"name":"before"}}`))}}}, nil
}

// Object implements [engine.History].
func (b *bench) Object(context.Context, trace.Object, uint64) (engine.StoredObject, bool, error) {
	return engine.StoredObject{}, false, errors.New("not asked for")
}

func aPod(name string) trace.Object {
	return trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: name, UID: name}
}

func (b *bench) commit(ctx context.Context, verb, name, phase string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revision++
	b.tap.Record(ctx, trace.Event{Actor: "etcd", Kind: trace.EtcdCommit, Verb: verb, Object: aPod(name), EtcdRevision: b.revision,
		Detail: &trace.CommitDetail{After: trace.JSONBody(fmt.Appendf(nil, `{"metadata":{"name":%q},"status":{"phase":%q}}`, name, phase))}})
}

// kubectl knows run, which goes through the gate as the scheduler's binding does, get and label, which start a Pod, and
// delete.
func (b *bench) kubectl(ctx context.Context, args []string) (string, error) {
	b.mu.Lock()
	b.ran = append(b.ran, strings.Join(args, " "))
	b.mu.Unlock()
	switch args[0] {
	case "run":
		b.commit(ctx, "put", args[1], "Pending")
		go func() { // the scheduler takes longer than the lesson
			for s := b.gate.State(); len(s.Breakpoints) == 0; {
				var err error
				if s, err = b.gate.WaitState(ctx, s.Generation); err != nil {
					return
				}
			}
			span, err := b.tap.Begin(ctx, trace.Event{Actor: "kube-scheduler", Kind: trace.APIRequest, Verb: "create", Subresource: "binding", Object: aPod(args[1])})
			if err == nil {
				span.End(nil, nil)
			}
		}()
	case "get":
		b.commit(ctx, "put", "web", "Running")
	case "delete":
		b.commit(ctx, "delete", args[2], "")
	}
	return "done", nil
}

// begin starts a session that ends with the test.
func begin(t *testing.T, b *bench, resume *State) (*Session, *progress.Store) {
	t.Helper()
	return beginWith(t, b, lesson(t), resume)
}

func beginWith(t *testing.T, b *bench, l *schema.Lesson, resume *State) (*Session, *progress.Store) {
	t.Helper()
	kept := progress.Open(filepath.Join(t.TempDir(), "progress.json"))
	s, err := NewSession(t.Context(), Options{
		Lesson: l, Lab: b, Kubectl: b.kubectl, Resume: resume, Log: slog.New(slog.DiscardHandler),
		Save: func(s State) error { return kept.Put(progress.Lessons, map[string]any{s.Lesson: s}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if left := b.gate.State().Breakpoints; len(left) > 0 {
			t.Errorf("the lesson leaves breakpoints: %v", left)
		}
	})
	return s, kept
}

func await(t *testing.T, s *Session, step string, phase Phase) View {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	v, err := s.Await(ctx, func(v View) bool { return v.Phase == phase && (v.Step == nil || v.Step.ID == step) && !v.Replaying })
	if err != nil {
		t.Fatalf("step %s does not come to %s: %v; it is %s", step, phase, err, describe(v))
	}
	return v
}

func TestSessionPlaysALesson(t *testing.T) {
	b := newBench()
	s, kept := begin(t, b, nil)
	s.Do(Start{})
	s.Do(Solve{})
	await(t, s, "make", Passed)
	s.Do(Next{})
	await(t, s, "bind", Asking)
	s.Do(Choose{"b"})
	v := await(t, s, "bind", Passed)
	if v.Truth != "a" || v.Chosen != "b" {
		t.Errorf("predicted %q, and it was %q", v.Chosen, v.Truth)
	}
	if held := b.gate.State().Held; len(held) != 1 {
		t.Errorf("%d events are held", len(held))
	}
	s.Do(Next{})
	await(t, s, "fault", Doing)
	s.Do(Solve{})
	await(t, s, "fault", Passed)
	if held := b.gate.State().Held; len(held) != 0 {
		t.Errorf("%d events are still held", len(held))
	}
	if !slices.Contains(b.ran, "label pod web broken=yes") {
		t.Errorf("the setup did not run: %v", b.ran)
	}
	var state State
	if ok, err := kept.Get(progress.Lessons, "play", &state); !ok || err != nil || state.Step != "fault" || state.Chosen["bind"] != "b" {
		t.Errorf("kept: %+v, %t, %v", state, ok, err)
	}
	s.Do(Next{})
	s.Do(Next{})
	await(t, s, "", Ended)
}

func TestSessionResumesAndResets(t *testing.T) {
	b := newBench()
	s, _ := begin(t, b, &State{Lesson: "play", Step: "fault", Chosen: map[string]string{"bind": "a"}})
	s.Do(Start{"fault"})
	if v := await(t, s, "fault", Doing); v.State.Chosen["bind"] != "a" {
		t.Errorf("what was answered before is lost: %+v", v.State)
	}
	b.commit(t.Context(), "put", "mess", "Running")
	s.Do(Reset{})
	await(t, s, "fault", Doing)
	if !slices.ContainsFunc(b.ran, func(line string) bool { return strings.HasPrefix(line, "delete Pod mess ") }) ||
		slices.ContainsFunc(b.ran, func(line string) bool { return strings.HasPrefix(line, "delete Pod before ") }) {
		t.Errorf("a reset deletes what the lesson made and nothing else: %v", b.ran)
	}
}

// What has finalizers would stay for ever, and the reset with it.
func TestResetFreesWhatIsPinned(t *testing.T) {
	b := newBench()
	s, _ := begin(t, b, nil)
	s.Do(Start{})
	await(t, s, "make", Doing)
	b.tap.Record(t.Context(), trace.Event{Actor: "etcd", Kind: trace.EtcdCommit, Verb: "put", Object: aPod("mess"), EtcdRevision: 100,
		Detail: &trace.CommitDetail{After: trace.JSONBody([]byte(`{"metadata":{"name":"mess","finalizers":["example.com/keep"]}}`))}})
	b.revision = 100
	s.Do(Reset{})
	await(t, s, "make", Doing)
	b.mu.Lock()
	defer b.mu.Unlock()
	free := slices.IndexFunc(b.ran, func(line string) bool { return strings.HasPrefix(line, "patch Pod mess ") })
	gone := slices.IndexFunc(b.ran, func(line string) bool { return strings.HasPrefix(line, "delete Pod mess ") })
	if free < 0 || gone < free {
		t.Errorf("a reset takes finalizers away before it deletes: %v", b.ran)
	}
}

// A session that nothing happens to must not wake anybody.
func TestSessionIsIdle(t *testing.T) {
	b := newBench()
	s, _ := begin(t, b, nil)
	s.Do(Start{})
	v := await(t, s, "make", Doing)
	if err := s.Settle(t.Context(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	v = s.View()
	b.tap.Record(t.Context(), trace.Event{Actor: "kubelet@node-1", Kind: trace.APIRequest, Verb: "update", Object: trace.Object{Kind: "Lease", Name: "node-1"}, Background: true})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if now, err := s.Wait(ctx, v.Generation); err == nil {
		t.Errorf("a heartbeat changed the view: %s, was %s", describe(now), describe(v))
	}
}
