package classroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/progress"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
)

// lab is a lab without Kubernetes: a real store and gate, and objects that kubectl deletes.
type lab struct {
	engine.Lab
	store *trace.Store
	gate  *gate.Gate
	tap   *trace.Tap
	nodes int

	mu       sync.Mutex
	objects  []engine.StoredObject
	revision int64
}

func newLab(nodes int) *lab {
	l := &lab{store: trace.NewStore(trace.Limits{}), gate: gate.New(), nodes: nodes}
	l.tap = trace.NewTap(l.store, l.gate)
	l.gate.Watch(l.tap)
	return l
}

func (l *lab) Events() *trace.Store      { return l.store }
func (l *lab) Debugger() engine.Debugger { return l.gate }
func (l *lab) History() engine.History   { return l }
func (l *lab) Faults() engine.Faults     { return l }
func (l *lab) Status() engine.Status {
	return engine.Status{Ready: true, Nodes: l.nodes, Kubeconfig: "the lab's"}
}

// Do implements [engine.Faults]: nothing is broken.
func (l *lab) Do(context.Context, engine.FaultCommand) (engine.FaultState, error) {
	return engine.FaultState{}, nil
}

// State implements [engine.Faults].
func (l *lab) State(context.Context) (engine.FaultState, error) { return engine.FaultState{}, nil }

// At implements [engine.History].
func (l *lab) At(context.Context, uint64) (engine.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return engine.Snapshot{Objects: slices.Clone(l.objects)}, nil
}

// Object implements [engine.History].
func (l *lab) Object(context.Context, trace.Object, uint64) (engine.StoredObject, bool, error) {
	return engine.StoredObject{}, false, errors.New("not asked for")
}

// put makes a Deployment, as somebody does who uses the lab.
func (l *lab) put(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.revision++
	o := trace.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: name, UID: fmt.Sprint("uid-", l.revision)}
	body := trace.JSONBody(fmt.Appendf(nil, `{"metadata":{"name":%q}}`, name))
	l.objects = append(l.objects, engine.StoredObject{Object: o, Revision: l.revision, Body: body})
	l.tap.Record(context.Background(), trace.Event{Actor: "etcd", Kind: trace.EtcdCommit, Verb: "put", Object: o,
		EtcdRevision: l.revision, Detail: &trace.CommitDetail{After: body}})
}

// kubectl deletes everything.
func (l *lab) kubectl(_ context.Context, args []string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.objects {
		l.revision++
		l.tap.Record(context.Background(), trace.Event{Actor: "etcd", Kind: trace.EtcdCommit, Verb: "delete", Object: o.Object, EtcdRevision: l.revision})
	}
	l.objects = nil
	return strings.Join(args, " "), nil
}

// room returns a room with lessons: one that fits, one that needs nine nodes, one for containers.
func room(t *testing.T, l *lab) (*Room, *progress.Store) {
	t.Helper()
	files := fstest.MapFS{}
	for id, needs := range map[string]string{"small": "nodes: 1", "wide": "nodes: 9", "contained": "runtime: containerd"} {
		made, err := schema.Skeleton(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range made {
			s := strings.ReplaceAll(string(f.Content), "lab: {nodes: 1}", "lab: {"+needs+"}\nvars: {app: [web, shop, blog]}")
			if f.Name == "en.md" {
				s = strings.Replace(s, "# Title", "# ${app}", 1)
			}
			files[id+"/"+f.Name] = &fstest.MapFile{Data: []byte(s)}
		}
	}
	list, problems := schema.LoadAll(files)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	store := progress.Open(filepath.Join(t.TempDir(), "progress.json"))
	return New(Options{Lessons: list, Store: store, Lab: l, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		Kubectl: func(_, _ string) func(context.Context, []string) (string, error) { return l.kubectl }}), store
}

// run keeps an attempt going; stop ends it.
func run(t *testing.T, a play.Attempt) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAttemptsAreKeptAndResumed(t *testing.T) {
	r, store := room(t, newLab(3))
	a, err := r.Begin(t.Context(), route.Lesson{ID: "small"})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, a)
	values := a.Lesson().Values
	awaitKept(t, store, func(k play.Kept) bool { return k.Step == "make" && k.Values["app"] == values["app"] })
	a.Do(course.Choose{Option: "nowhere"})
	awaitKept(t, store, func(k play.Kept) bool { return k.Chosen["make"] == "nowhere" })
	if r.Dir() == "" {
		t.Error("an attempt has no folder")
	}
	stop()
	if r.Dir() != "" {
		t.Error("the folder outlives the attempt")
	}
	for range 5 { // other values would be drawn by now
		a, err := r.Begin(t.Context(), route.Lesson{ID: "small"})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Lesson().Values["app"]; got != values["app"] || a.View().State.Chosen["make"] != "nowhere" {
			t.Fatalf("resumed with %s, chosen %v; it was %s", got, a.View().State.Chosen, values["app"])
		}
	}
	if a, err = r.Begin(t.Context(), route.Lesson{ID: "small", Restart: true}); err != nil || len(a.View().State.Chosen) > 0 {
		t.Errorf("begun anew: %v, %v", a.View().State, err)
	}
}

// awaitKept waits until what is kept of the small lesson is so.
func awaitKept(t *testing.T, store *progress.Store, so func(play.Kept) bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(20 * time.Second)
	for {
		var k play.Kept
		if _, err := store.Get(progress.Lessons, "small", &k); err != nil {
			t.Fatal(err)
		}
		if so(k) {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("kept: %+v", k)
		}
	}
}

func TestWhatIsInTheWay(t *testing.T) {
	l := newLab(3)
	r, _ := room(t, l)
	l.put("mine")
	_, err := r.Begin(t.Context(), route.Lesson{ID: "small"})
	var way *play.InTheWay
	if !errors.As(err, &way) || !slices.Equal(way.Objects, []string{"deployment/mine"}) {
		t.Fatalf("%v", err)
	}
	if len(l.objects) != 1 {
		t.Fatal("it was deleted unasked")
	}
	a, err := r.Begin(t.Context(), route.Lesson{ID: "small", Clear: true})
	if err != nil || len(l.objects) != 0 {
		t.Fatalf("%v; left: %v", err, l.objects)
	}
	stop := run(t, a)
	l.put("of-the-lesson")
	awaitMade(t, a, "of-the-lesson")
	stop()
	if _, err := r.Begin(t.Context(), route.Lesson{ID: "small"}); err != nil || len(l.objects) != 0 {
		t.Errorf("what a lesson made is cleared unasked: %v; left: %v", err, l.objects)
	}
}

// awaitMade waits until the attempt knows of an object.
func awaitMade(t *testing.T, a play.Attempt, name string) {
	t.Helper()
	v := a.View()
	for {
		found := false
		_ = a.World(func(w *check.World) error {
			for _, o := range w.Made() {
				found = found || o.Name == name
			}
			return nil
		})
		if found {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		v, _ = a.Wait(ctx, v.Generation) // the time is up, or there is news
		cancel()
	}
}

func TestWhatLessonsNeed(t *testing.T) {
	r, _ := room(t, newLab(3))
	for id, want := range map[string]string{"wide": "kubestep run wide", "contained": "containers of Linux", "none": "no lesson"} {
		if _, err := r.Begin(t.Context(), route.Lesson{ID: id}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestManifestsOfAnAttempt(t *testing.T) {
	r, _ := room(t, newLab(3))
	dirs := map[string]bool{}
	for range 2 {
		if _, err := r.Begin(t.Context(), route.Lesson{ID: "small"}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(r.Dir())
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info, err)
		}
		dirs[r.Dir()] = true
	}
	if len(dirs) != 2 {
		t.Errorf("attempts share a folder: %v", dirs)
	}
}

func TestDone(t *testing.T) {
	r, store := room(t, newLab(3))
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	missed := quiz.Record{Due: now.Add(-time.Minute), Tries: []quiz.Try{{Score: 0}}}
	if err := r.Keep(t.Context(), map[string]quiz.Record{"small/image": missed}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []course.State{{Lesson: "small", Done: true}, {Lesson: "small", Step: "make"}} {
		if err := Save(store, "small", s, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Put(progress.Lessons, map[string]any{"strange": 7}); err != nil {
		t.Fatal(err)
	}
	d, err := Done(store, r.o.Lessons, now)
	if err != nil {
		t.Fatal(err)
	}
	if k := d.Lessons["small"]; !k.Finished || k.Step != "make" || !k.Saved.Equal(now) || len(d.Lessons) != 1 || d.Due != 1 || len(d.Records) != 1 {
		t.Errorf("done: %+v", d)
	}
}

func TestTroubleWithProgress(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "progress.json")
	if err := os.WriteFile(path, []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := room(t, newLab(3))
	r.o.Store = progress.Open(path)
	a, err := r.Begin(t.Context(), route.Lesson{ID: "small"})
	if err != nil {
		t.Fatalf("a lesson can be played though nothing can be kept: %v", err)
	}
	stop := run(t, a)
	defer stop()
	if err := <-r.Trouble(); !errors.Is(err, progress.ErrNewer) {
		t.Errorf("%v", err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != `{"version":99}` {
		t.Errorf("the file is %s, %v", raw, err)
	}
}
