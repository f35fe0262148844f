package trace

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// gateFunc is a Gate that is a function.
type gateFunc func(context.Context, *Event) error

func (f gateFunc) Admit(ctx context.Context, e *Event) error { return f(ctx, e) }

func TestBeginEnd(t *testing.T) {
	store := NewStore(Limits{})
	tap := NewTap(store, nil)
	span, err := tap.Begin(t.Context(), Event{Actor: "a", Kind: APIRequest, Verb: "create"})
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := store.Get(1); !e.Open || e.Seq != 1 {
		t.Errorf("begun event = %+v, want open with seq 1", e)
	}
	if open, _ := tap.Activity(); open != 1 {
		t.Errorf("open = %d, want 1", open)
	}
	failure := errors.New("refused")
	span.End(failure, func(e *Event) { e.ResourceVersion = "7" })
	span.End(nil, func(e *Event) { t.Error("a second End must not count") })
	if e, _ := store.Get(1); e.Open || e.Error != "refused" || e.ResourceVersion != "7" {
		t.Errorf("ended event = %+v", e)
	}
	if open, _ := tap.Activity(); open != 0 {
		t.Errorf("open = %d, want 0", open)
	}
}

// TestHeldOrder shows that a number is given on release, so that numbers are the order in which things took effect.
func TestHeldOrder(t *testing.T) {
	release := make(chan struct{})
	held := make(chan struct{})
	tap := NewTap(NewStore(Limits{}), gateFunc(func(ctx context.Context, e *Event) error {
		if e.Actor == "held" {
			close(held)
			<-release
		}
		return nil
	}))
	done := make(chan uint64)
	go func() {
		s, err := tap.Begin(t.Context(), Event{Actor: "held"})
		if err != nil {
			t.Error(err)
		}
		done <- s.Seq()
	}()
	<-held
	free, err := tap.Begin(t.Context(), Event{Actor: "free"})
	if err != nil {
		t.Fatal(err)
	}
	close(release)
	if first, second := free.Seq(), <-done; first != 1 || second != 2 {
		t.Errorf("seqs = %d, %d, want 1, 2", first, second)
	}
}

func TestHeldAndGivenUp(t *testing.T) {
	tap := NewTap(NewStore(Limits{}), gateFunc(func(ctx context.Context, e *Event) error {
		<-ctx.Done()
		return ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tap.Begin(ctx, Event{}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want %v", err, context.Canceled)
	}
	if _, last := tap.Store().Len(); last != 0 {
		t.Errorf("an event that never happened was stored")
	}
	if _, err := tap.Begin(ctx, Event{Background: true}); err != nil {
		t.Errorf("background events are never held: %v", err)
	}
}

func TestCauseFromContext(t *testing.T) {
	tap := NewTap(NewStore(Limits{}), nil)
	tap.Record(t.Context(), Event{Actor: "kube-scheduler", Kind: SchedPhase, Verb: "bind"})
	seq := tap.Record(WithCause(t.Context(), 1), Event{Actor: "kube-scheduler", Kind: APIRequest, Verb: "create"})
	if e, _ := tap.Store().Get(seq); e.Cause != 1 || e.CauseLink != Exact {
		t.Errorf("cause = %d %s, want 1 exact", e.Cause, e.CauseLink)
	}
}

// TestWriterOf covers both orders in which a commit and the end of its request can be seen.
func TestWriterOf(t *testing.T) {
	tap := NewTap(NewStore(Limits{}), nil)
	one := tap.BeginWrite("/registry/pods/a", 10)
	if seq, ok := tap.WriterOf(t.Context(), "/registry/pods/a", 5); !ok || seq != 10 {
		t.Errorf("single writer = %d %t, want 10", seq, ok)
	}
	two := tap.BeginWrite("/registry/pods/a", 11)
	found := make(chan uint64)
	go func() {
		seq, _ := tap.WriterOf(t.Context(), "/registry/pods/a", 6)
		found <- seq
	}()
	one(5)
	two(6)
	if seq := <-found; seq != 11 {
		t.Errorf("writer of revision 6 = %d, want 11", seq)
	}
	if seq, ok := tap.WriterOf(t.Context(), "/registry/pods/a", 5); !ok || seq != 10 {
		t.Errorf("writer after the fact = %d %t, want 10", seq, ok)
	}
	if _, ok := tap.WriterOf(t.Context(), "/registry/pods/other", 9); ok {
		t.Error("found a writer for a key that nobody wrote")
	}
	three, four := tap.BeginWrite("k", 1), tap.BeginWrite("k", 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, ok := tap.WriterOf(ctx, "k", 99); ok {
		t.Error("an ambiguous writer must not be guessed")
	}
	three(0)
	four(0)
}

func TestCommitAt(t *testing.T) {
	tap := NewTap(NewStore(Limits{}), nil)
	if _, ok := tap.CommitAt(t.Context(), 3); ok {
		t.Error("found a commit before any was seen")
	}
	tap.Committed(3, 30)
	got := make(chan uint64)
	go func() {
		seq, _ := tap.CommitAt(t.Context(), 4)
		got <- seq
	}()
	tap.Committed(4, 40)
	if seq := <-got; seq != 40 {
		t.Errorf("commit at 4 = %d, want 40", seq)
	}
	if seq, ok := tap.CommitAt(t.Context(), 3); !ok || seq != 30 {
		t.Errorf("commit at 3 = %d %t, want 30", seq, ok)
	}
}

func TestStoreLimits(t *testing.T) {
	store := NewStore(Limits{Events: 100, Bytes: 1000})
	body := func() *Body { return JSONBody(make([]byte, 100)) }
	for i := range uint64(500) {
		store.put(&Event{Seq: i + 1, Detail: &CommitDetail{After: body()}})
		if store.bytes > 1000 {
			t.Fatalf("holds %d bytes, limit 1000", store.bytes)
		}
	}
	first, last := store.Len()
	if last != 500 || last-first+1 > 10 {
		t.Errorf("has %d..%d, want at most 10 events up to 500", first, last)
	}
	if _, ok := store.Get(first - 1); ok {
		t.Error("a dropped event is still there")
	}
	if b := store.Since(0); b.Lost == 0 || b.Events[len(b.Events)-1].Seq != 500 {
		t.Errorf("lost = %d, last = %d", b.Lost, b.Events[len(b.Events)-1].Seq)
	}
	store.put(&Event{Seq: 3}) // an event that ended after it was dropped
	if got, _ := store.Len(); got != first {
		t.Error("a dropped event came back")
	}
}

// TestStoreReaders has readers follow a stream of begins and ends; each must end up with every event, ended.
func TestStoreReaders(t *testing.T) {
	const n = 2000
	tap := NewTap(NewStore(Limits{}), nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			seen := map[uint64]Event{}
			var at Cursor
			ended := 0
			for ended < n {
				if err := tap.Store().Wait(t.Context(), at); err != nil {
					t.Error(err)
					return
				}
				b := tap.Store().Since(at)
				at = b.Next
				for _, e := range b.Events {
					if old, ok := seen[e.Seq]; ok && !old.Open {
						t.Errorf("event %d came after its end", e.Seq)
					}
					seen[e.Seq] = e
					if !e.Open {
						ended++
					}
				}
			}
		})
	}
	for range 8 {
		wg.Go(func() {
			for range n / 8 {
				s, err := tap.Begin(t.Context(), Event{Actor: "a"})
				if err != nil {
					t.Error(err)
				}
				s.End(nil, nil)
			}
		})
	}
	wg.Wait()
}

func BenchmarkTap(b *testing.B) {
	tap := NewTap(NewStore(Limits{}), nil)
	e := Event{Actor: "replicaset-controller", Process: "kube-controller-manager", Kind: APIRequest, Verb: "create",
		Object: Object{Kind: "Pod", Namespace: "default"}, Refs: Refs{Owners: []string{"r1"}}}
	b.ReportAllocs()
	for b.Loop() {
		s, err := tap.Begin(b.Context(), e)
		if err != nil {
			b.Fatal(err)
		}
		s.End(nil, nil)
	}
}
