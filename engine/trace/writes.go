package trace

import (
	"context"
	"sync"
	"time"
)

// writes finds, for a commit in etcd, the request that made it. The API server says which key a request is about to
// write and, afterwards, at which revision; commits are seen in between or later.
type writes struct {
	mu     sync.Mutex
	going  map[string][]*write // by key
	byRev  map[int64]uint64
	recent []int64 // revisions in byRev, oldest first
	done   *sync.Cond
}

type write struct{ request uint64 }

const recentRevisions = 4096

func (w *writes) init() {
	w.going = map[string][]*write{}
	w.byRev = map[int64]uint64{}
	w.done = sync.NewCond(&w.mu)
}

// BeginWrite reports that the given request is about to write an etcd key. The returned function must be called when
// that is over, with the revision it got, 0 when nothing was written.
func (t *Tap) BeginWrite(key string, request uint64) (end func(revision int64)) {
	w := &t.writes
	me := &write{request: request}
	w.mu.Lock()
	w.going[key] = append(w.going[key], me)
	w.mu.Unlock()
	return func(revision int64) {
		w.mu.Lock()
		defer w.mu.Unlock()
		list := w.going[key]
		for i, x := range list {
			if x == me {
				list = append(list[:i:i], list[i+1:]...)
				break
			}
		}
		if len(list) == 0 {
			delete(w.going, key)
		} else {
			w.going[key] = list
		}
		if _, seen := w.byRev[revision]; revision > 0 && !seen {
			w.byRev[revision] = request
			w.recent = append(w.recent, revision)
			if len(w.recent) > recentRevisions {
				delete(w.byRev, w.recent[0])
				w.recent = w.recent[1:]
			}
		}
		w.done.Broadcast()
	}
}

// WriterOf returns the request that wrote key at revision. When several requests are writing the key it waits, until ctx
// ends, for them to say which of them it was. It returns false when no traced request wrote it.
func (t *Tap) WriterOf(ctx context.Context, key string, revision int64) (request uint64, ok bool) {
	w := &t.writes
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if seq, ok := w.byRev[revision]; ok {
			return seq, true
		}
		switch list := w.going[key]; {
		case len(list) == 1:
			return list[0].request, true
		case len(list) == 0 || ctx.Err() != nil:
			return 0, false
		}
		w.done.Wait()
	}
}

// commits finds the commit that a delivery is about. Deliveries race with the tap on etcd, so they wait for it.
type commits struct {
	mu      sync.Mutex
	byRev   map[int64]uint64
	recent  []int64
	seen    int64 // every commit up to here is in the store
	changed *sync.Cond
}

// commitWait bounds how long a delivery waits to be linked. etcd's watch is normally microseconds behind; on a machine
// with more to do than it can, it has been seen to take longer than half a second.
const commitWait = 5 * time.Second

func (c *commits) init() {
	c.byRev = map[int64]uint64{}
	c.changed = sync.NewCond(&c.mu)
}

// Committed reports that the event with number seq is the commit at revision.
func (t *Tap) Committed(revision int64, seq uint64) {
	c := &t.commits
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq != 0 {
		if _, seen := c.byRev[revision]; !seen {
			c.recent = append(c.recent, revision)
			if len(c.recent) > recentRevisions {
				delete(c.byRev, c.recent[0])
				c.recent = c.recent[1:]
			}
		}
		c.byRev[revision] = seq
	}
	c.seen = max(c.seen, revision)
	c.changed.Broadcast()
}

// CommitAt returns the commit event at revision. It waits shortly for the tap on etcd to get there, unless that has not
// reported anything at all yet.
func (t *Tap) CommitAt(ctx context.Context, revision int64) (seq uint64, ok bool) {
	c := &t.commits
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq, ok = c.byRev[revision]; ok || c.seen == 0 || c.seen >= revision {
		return seq, ok
	}
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer stop()
	for c.seen < revision && ctx.Err() == nil {
		c.changed.Wait()
	}
	seq, ok = c.byRev[revision]
	return seq, ok
}

// requestTable finds a request by its audit ID, on both sides of the wire.
type requestTable struct {
	mu sync.Mutex
	m  map[string]*Span
}

// TrackRequest makes the request that span is known under its audit ID until the returned function is called.
func (t *Tap) TrackRequest(auditID string, span *Span) (forget func()) {
	t.requests.mu.Lock()
	if t.requests.m == nil {
		t.requests.m = map[string]*Span{}
	}
	t.requests.m[auditID] = span
	t.requests.mu.Unlock()
	return func() {
		t.requests.mu.Lock()
		delete(t.requests.m, auditID)
		t.requests.mu.Unlock()
	}
}

// Request returns the number of the open request with the given audit ID and whether it is background; ok is false when
// it is not traced.
func (t *Tap) Request(auditID string) (seq uint64, background, ok bool) {
	t.requests.mu.Lock()
	defer t.requests.mu.Unlock()
	s, ok := t.requests.m[auditID]
	if !ok {
		return 0, false, false
	}
	return s.event.Seq, s.event.Background, true
}
