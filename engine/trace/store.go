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
	first   uint64   // Seq of the oldest event
	count   int      // how many there are
	chunks  []*chunk // of which the first may have lost its oldest events
	bytes   int
	changes []uint64 // Seq of each change
	dropped uint64   // changes dropped from the front
	wake    chan struct{}
}

// chunk holds events with consecutive numbers, beginning at a multiple of chunkSize plus one. Chunks spare a store with
// hundreds of thousands of events from ever being copied.
type chunk struct {
	events [chunkSize]Event
	sizes  [chunkSize]int32
}

const chunkSize = 1024

// at returns the place of an event that the store has room for. The caller holds mu.
func (s *Store) at(seq uint64) (*Event, *int32) {
	base := (s.first - 1) / chunkSize
	c := s.chunks[(seq-1)/chunkSize-base]
	i := (seq - 1) % chunkSize
	return &c.events[i], &c.sizes[i]
}

// has reports whether seq is between the first and the last event. The caller holds mu.
func (s *Store) has(seq uint64) bool { return seq >= s.first && seq < s.first+uint64(s.count) }

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
	if !s.has(seq) {
		return Event{}, false
	}
	e, _ := s.at(seq)
	return *e, e.Seq != 0
}

// Len returns the numbers of the first and the last event that the store has; last is 0 when it has none.
func (s *Store) Len() (first, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 {
		return 0, 0
	}
	return s.first, s.first + uint64(s.count) - 1
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
			e, _ := s.at(seq)
			b.Events = append(b.Events, *e)
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
func (s *Store) Load(e Event) { s.put(&e) }

// put adds e, or replaces the event with its number. A number further on than the next one leaves a gap that reads as
// absent.
func (s *Store) put(e *Event) {
	size := int32(eventSize(e))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 && len(s.changes) == 0 {
		s.first = e.Seq // a reader that came late has nothing before
	}
	if e.Seq < s.first {
		return // dropped in the meantime
	}
	if n := int(e.Seq - s.first + 1); n > s.count {
		s.count = n
		for base := (s.first - 1) / chunkSize; uint64(len(s.chunks)) <= (e.Seq-1)/chunkSize-base; {
			s.chunks = append(s.chunks, new(chunk))
		}
	}
	event, before := s.at(e.Seq)
	*event = *e
	s.bytes += int(size - *before)
	*before = size
	s.changes = append(s.changes, e.Seq)
	s.trim()
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// trim drops the oldest events while a limit is passed, but never the last one.
func (s *Store) trim() {
	for s.count > 1 && (s.count > s.limits.Events || s.bytes > s.limits.Bytes) {
		event, size := s.at(s.first)
		s.bytes -= int(*size)
		*event, *size = Event{}, 0 // what it points at is free
		s.first++
		s.count--
		if (s.first-1)%chunkSize == 0 {
			s.chunks[0] = nil
			s.chunks = s.chunks[1:]
		}
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
