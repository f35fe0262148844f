package trace

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Gate decides when an event may happen.
type Gate interface {
	// Admit blocks until e may happen and then returns nil; when ctx ends first it returns ctx's error and e must not
	// happen. e has its cause but no Seq yet, and belongs to the gate until Admit returns, which must not change it.
	// Admit is called from many goroutines at once and must cost next to nothing when nothing is to be held.
	//
	// A gate may also have Idle() bool: true says that it holds nothing now, so that it need not be asked.
	Admit(ctx context.Context, e *Event) error
}

// Held is an event that waits at the gate.
type Held struct {
	// ID names the held event in step verbs. It is not a Seq: the event gets that when it is released.
	ID    uint64    `json:"id"`
	Since time.Time `json:"since"`
	Event Event     `json:"event"`
}

// Tap is where the lab's parts report what they do. It is safe for concurrent use.
type Tap struct {
	store *Store
	gate  Gate
	idle  func() bool // the gate's; nil when it has none
	now   func() time.Time

	mu    sync.Mutex // held while a Seq is given, so that order in the store is order of Seq
	seq   uint64
	links linker

	open     atomic.Int64 // events begun and not ended, without background and long-running ones
	activity atomic.Int64 // when the last such event began or ended, Unix ns

	writes   writes
	commits  commits
	requests requestTable
}

// NewTap returns a tap that puts events into store and asks gate first. A nil gate lets everything through.
func NewTap(store *Store, gate Gate) *Tap {
	t := &Tap{store: store, gate: gate, now: time.Now}
	if g, ok := gate.(interface{ Idle() bool }); ok {
		t.idle = g.Idle
	}
	t.links.init()
	t.writes.init()
	t.commits.init()
	return t
}

// Store returns the store that the tap fills.
func (t *Tap) Store() *Store { return t.store }

// Span is an event that has begun.
type Span struct {
	tap   *Tap
	event Event
	once  sync.Once
}

// Begin reports that e is about to happen. It finds e's cause when the caller gave none (the context's, see [WithCause],
// or an inferred one), waits at the gate, and returns with e numbered and stored as open. The error is the context's,
// when that ended while e was held; e then never happened and must not be carried out.
func (t *Tap) Begin(ctx context.Context, e Event) (*Span, error) {
	t.link(ctx, &e)
	if t.gate != nil && !e.Background {
		if err := t.gate.Admit(ctx, &e); err != nil {
			return nil, err
		}
	}
	e.Open = true
	t.appendStep(ctx, &e)
	s := &Span{tap: t, event: e}
	if counts(&e) {
		t.open.Add(1)
		t.activity.Store(s.event.Time.UnixNano())
	}
	return s, nil
}

// Pass reports something that can be held and takes no time, such as a packet at a point of its path: it is Begin and End
// in one, at half the cost. It returns the event's Seq. The error is that of [Tap.Begin].
func (t *Tap) Pass(ctx context.Context, e Event) (seq uint64, err error) {
	t.link(ctx, &e)
	if t.gate != nil && !e.Background && (t.idle == nil || !t.idle()) {
		held := e // the gate may keep it: e itself needs no memory of its own
		if err := t.gate.Admit(ctx, &held); err != nil {
			return 0, err
		}
	}
	t.appendStep(ctx, &e)
	if counts(&e) {
		t.activity.Store(e.Time.UnixNano())
	}
	return e.Seq, nil
}

// Record reports something that has happened at once and cannot be held, and returns its Seq.
func (t *Tap) Record(ctx context.Context, e Event) uint64 {
	t.link(ctx, &e)
	t.appendStep(ctx, &e)
	if counts(&e) {
		t.activity.Store(e.Time.UnixNano())
	}
	return e.Seq
}

// Seq returns the event's number. A nil span has none.
func (s *Span) Seq() uint64 {
	if s == nil {
		return 0
	}
	return s.event.Seq
}

// End reports that the event is over. edit, when not nil, fills in what is known only now. It gets the event as it has
// been amended meanwhile; it must not change Seq, Time or Kind, must replace Detail rather than change what it points at,
// and must not call the tap. Only the first call counts; a nil span ignores it.
func (s *Span) End(err error, edit func(e *Event)) {
	if s == nil {
		return
	}
	s.once.Do(func() {
		t, e := s.tap, s.event
		now := t.now()
		t.mu.Lock()
		if amended, ok := t.store.Get(e.Seq); ok {
			e = amended
		}
		e.DurationMs = float64(now.Sub(e.Time).Microseconds()) / 1000
		e.Open = false
		if err != nil {
			e.Error = err.Error()
		}
		if edit != nil {
			edit(&e)
		}
		t.links.observe(&e)
		t.store.put(&e)
		t.mu.Unlock()
		if counts(&e) {
			t.open.Add(-1)
			t.activity.Store(now.UnixNano())
		}
	})
}

// Amend changes an event that is in the store already, for what is learnt later. It does nothing when the event has been
// dropped.
func (t *Tap) Amend(seq uint64, edit func(e *Event)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.store.Get(seq); ok {
		edit(&e)
		t.store.put(&e)
	}
}

// Know tells the tap of an object that was stored before anything was traced, so that what happens to it later can be
// linked.
func (t *Tap) Know(o Object, r Refs) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.links.remember(o, r)
}

// Activity returns how many events have begun and not ended, and when the last one began or ended. Background events,
// held ones, streams (exec, logs) and what Pods send do not count.
func (t *Tap) Activity() (open int, last time.Time) {
	return int(t.open.Load()), time.Unix(0, t.activity.Load())
}

func counts(e *Event) bool {
	if e.Kind == NetHop || e.Kind == DNSQuery {
		return false // a Pod that sends requests all the time would keep the lab from ever being quiet
	}
	return !e.Background && e.Verb != "connect" && e.Subresource != "log"
}

// append numbers e and stores a copy.
func (t *Tap) append(e *Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	e.Seq = t.seq
	e.Time = t.now()
	if e.Cause >= e.Seq {
		e.Cause, e.CauseLink = 0, ""
	}
	t.links.observe(e)
	t.store.put(e)
}

// appendStep appends e and makes it the latest step of ctx's [Chain].
func (t *Tap) appendStep(ctx context.Context, e *Event) {
	t.append(e)
	if c := step(ctx); c != nil && !e.Background {
		c.advance(e.Seq)
	}
}

func (t *Tap) link(ctx context.Context, e *Event) {
	switch {
	case e.Cause != 0:
	case e.Root:
		return
	default:
		if seq, ok := CauseFrom(ctx); ok {
			e.Cause, e.CauseLink = seq, Exact
			return
		}
		if c := step(ctx); c != nil {
			if e.Cause, e.CauseLink = c.cause(); e.Cause != 0 {
				return
			}
		}
		t.mu.Lock()
		e.Cause, e.CauseLink = t.links.infer(e, t.now())
		t.mu.Unlock()
	}
	if e.Cause != 0 && e.CauseLink == "" {
		e.CauseLink = Exact
	}
}

type causeKey struct{}

// WithCause returns a context whose events are caused, exactly, by the event with the given number.
func WithCause(ctx context.Context, seq uint64) context.Context {
	if seq == 0 {
		return ctx
	}
	return context.WithValue(ctx, causeKey{}, seq)
}

// CauseFrom returns the cause that [WithCause] put into ctx.
func CauseFrom(ctx context.Context) (seq uint64, ok bool) {
	seq, ok = ctx.Value(causeKey{}).(uint64)
	return seq, ok
}
