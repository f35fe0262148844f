package history

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/etcd"
	"github.com/kubestep/kubestep/engine/trace"
)

// revision returns the store's revision right after the event with the given number.
//
// What wrote says so itself. For anything else it is that of the last commit before it: commits are numbered in the order
// of their revisions. A delivery's own revision may be older than that, as watches lag behind, and a request's number is
// that of its beginning, so that neither says what the revision was for the events after it.
func (h *History) revision(ctx context.Context, seq uint64) (int64, error) {
	first, last := h.store.Len()
	switch {
	case seq == 0 || seq > last:
		return 0, fmt.Errorf("%w: there is no event %d; the last is %d", engine.ErrUsage, seq, last)
	case seq < first:
		return 0, fmt.Errorf("event %d is %w: the trace begins at %d now", seq, engine.ErrGone, first)
	}
	if e, ok := h.store.Get(seq); ok && e.EtcdRevision > 0 && (e.Kind == trace.APIRequest || e.Kind == trace.APIStage) {
		return e.EtcdRevision, nil
	}
	for s := seq; s >= first; s-- {
		if e, ok := h.store.Get(s); ok && e.Kind == trace.EtcdCommit && e.EtcdRevision > 0 {
			return e.EtcdRevision, nil
		}
	}
	if first > 1 {
		return 0, fmt.Errorf("what was stored at event %d is %w: the trace has dropped the commit before it", seq,
			engine.ErrGone)
	}
	for s := seq + 1; s <= last; s++ {
		if e, ok := h.store.Get(s); ok && e.Kind == trace.EtcdCommit && e.EtcdRevision > 0 {
			return e.EtcdRevision - 1, nil // nothing had been written yet
		}
	}
	got, err := h.client.Get(ctx, etcd.Prefix, clientv3.WithCountOnly())
	if err != nil {
		return 0, fmt.Errorf("reading etcd's revision: %w", err)
	}
	return got.Header.Revision, nil
}

// commitOf returns the last commit of the object up to an event.
func (h *History) commitOf(o trace.Object, seq uint64) (trace.Event, bool) {
	first, last := h.store.Len()
	for s := min(seq, last); s >= first && s > 0; s-- {
		if e, ok := h.store.Get(s); ok && e.Kind == trace.EtcdCommit && same(o, e.Object) {
			return e, true
		}
	}
	return trace.Event{}, false
}
