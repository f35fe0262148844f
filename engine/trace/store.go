package trace

import (
	"context"
	"sync"
)

// Cursor is a reader's place in a store's stream of changes; the zero Cursor is the beginning.
type Cursor uint64

// Batch is what changed in a store since a cursor.
type Batch struct {
	// Events are the events that are new or changed, each once and as it is now, by Seq.
	Events []Event
	Next   Cursor
	// Lost counts changes that had been dropped before this reader came for them.
	Lost int
}

// Limits bounds what a store keeps. When a limit is passed, the oldest events are dropped.
type Limits struct {
	Events int // default 200,000
	Bytes  int // of bodies, default 96 MiB
}

// Store keeps events in memory for many readers. Writers never wait for readers. It is safe for concurrent use.
type Store struct {
	limits Limits

	mu      sync.Mutex
	first   uint64 // Seq of events[0]
	events  []Event
	sizes   []int32
	bytes   int
	changes []uint64 // Seq of each change
	dropped uint64   // changes dropped from the front
	wake    chan struct{}
}

// NewStore returns an empty store. Zero limits mean the defaults.
func NewStore(l Limits) *Store {
	if l.Events <= 0 {
		l.Events = 200_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 96 << 20
	}
	return &Store{limits: l, first: 1}
}

// Get returns the event with the given number, and whether the store has it.
func (s *Store) Get(seq uint64) (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := seq - s.first; seq >= s.first && i < uint64(len(s.events)) && s.events[i].Seq != 0 {
		return s.events[i], true
	}
	return Event{}, false
}

// Len returns the numbers of the first and the last event that the store has; last is 0 when it has none.
func (s *Store) Len() (first, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		return 0, 0
	}
	return s.first, s.first + uint64(len(s.events)) - 1
}

// Since returns what changed after c. It does not wait.
func (s *Store) Since(c Cursor) Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := Batch{Next: Cursor(s.dropped + uint64(len(s.changes)))}
	from := uint64(c)
	if from < s.dropped {
		b.Lost = int(s.dropped - from)
		from = s.dropped
	}
	if from >= uint64(b.Next) {
		return b
	}
	changed := s.changes[from-s.dropped:]
	lo, hi := changed[0], changed[0]
	for _, seq := range changed {
		lo, hi = min(lo, seq), max(hi, seq)
	}
	marked := make([]bool, hi-lo+1)
	for _, seq := range changed {
		marked[seq-lo] = true
	}
	for i, m := range marked {
		if seq := lo + uint64(i); m && seq >= s.first {
			b.Events = append(b.Events, s.events[seq-s.first])
		}
	}
	return b
}

// Wait blocks until something has changed after c, or ctx ends, whose error it then returns.
func (s *Store) Wait(ctx context.Context, c Cursor) error {
	for {
		s.mu.Lock()
		if s.dropped+uint64(len(s.changes)) > uint64(c) {
			s.mu.Unlock()
			return nil
		}
		if s.wake == nil {
			s.wake = make(chan struct{})
		}
		wake := s.wake
		s.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Load adds e, or replaces the event with its number: for readers of a recording or of another process's stream. A store
// that a [Tap] fills is not loaded besides.
func (s *Store) Load(e Event) { s.put(e) }

// put adds e, or replaces the event with its number. A number further on than the next one leaves a gap that reads as
// absent.
func (s *Store) put(e Event) {
	size := int32(eventSize(&e))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 && s.dropped == 0 && len(s.changes) == 0 {
		s.first = e.Seq // a reader that came late has nothing before
	}
	if e.Seq < s.first {
		return // dropped in the meantime
	}
	for e.Seq >= s.first+uint64(len(s.events)) {
		s.events = append(s.events, Event{})
		s.sizes = append(s.sizes, 0)
	}
	i := e.Seq - s.first
	s.events[i] = e
	s.bytes += int(size - s.sizes[i])
	s.sizes[i] = size
	s.changes = append(s.changes, e.Seq)
	s.trim()
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// trim drops the oldest tenth when a limit is passed, so that the cost is spread over many puts.
func (s *Store) trim() {
	if len(s.events) > s.limits.Events || s.bytes > s.limits.Bytes {
		n := max(len(s.events)/10, 1)
		if n == len(s.events) {
			n-- // never the event that was just put
		}
		for _, size := range s.sizes[:n] {
			s.bytes -= int(size)
		}
		s.events = append([]Event(nil), s.events[n:]...)
		s.sizes = append([]int32(nil), s.sizes[n:]...)
		s.first += uint64(n)
	}
	if most := 4 * s.limits.Events; len(s.changes) > most {
		n := len(s.changes) - most/2
		s.changes = append([]uint64(nil), s.changes[n:]...)
		s.dropped += uint64(n)
	}
}

func eventSize(e *Event) int {
	switch d := e.Detail.(type) {
	case *RequestDetail:
		return d.Body.Size() + d.Response.Size() // Before and After are the commit's
	case *StageDetail:
		return d.Before.Size() + d.After.Size()
	case *CommitDetail:
		return d.Before.Size() + d.After.Size()
	case *DeliverDetail:
		return d.Object.Size()
	case *CRIDetail:
		return d.Request.Size() + d.Response.Size()
	case *HopDetail:
		return len(d.Data.Raw())
	}
	return 0
}
