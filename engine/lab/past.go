package lab

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// past is the lab's history, from when etcd runs on.
type past struct {
	history atomic.Pointer[engine.History]
}

func (p *past) set(h engine.History) { p.history.Store(&h) }

func (p *past) get() (engine.History, error) {
	if h := p.history.Load(); h != nil {
		return *h, nil
	}
	return nil, fmt.Errorf("look at the past: etcd does not run yet: %w", engine.ErrNotReady)
}

// At implements [engine.History].
func (p *past) At(ctx context.Context, seq uint64) (engine.Snapshot, error) {
	h, err := p.get()
	if err != nil {
		return engine.Snapshot{}, err
	}
	return h.At(ctx, seq)
}

// Object implements [engine.History].
func (p *past) Object(ctx context.Context, o trace.Object, seq uint64) (engine.StoredObject, bool, error) {
	h, err := p.get()
	if err != nil {
		return engine.StoredObject{}, false, err
	}
	return h.Object(ctx, o, seq)
}
