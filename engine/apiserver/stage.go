package apiserver

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubestep/kubestep/engine/trace"
)

// traced is what a request's stages need to know of it. It travels in the request's context.
type traced struct {
	tap        *trace.Tap
	seq        uint64
	background bool
	every      bool // report admission plugins that do nothing, too
	object     trace.Object
	gone       <-chan struct{} // closed when the client has gone away

	mu       sync.Mutex
	seen     runtime.Object // the object that admission looked at last
	snapshot runtime.Object // a copy of it as it then was
}

type tracedKey struct{}

func withTraced(ctx context.Context, t *traced) context.Context {
	return context.WithValue(ctx, tracedKey{}, t)
}

// tracedFrom returns the request that ctx belongs to, nil when that is not traced.
func tracedFrom(ctx context.Context) *traced {
	t, _ := ctx.Value(tracedKey{}).(*traced)
	return t
}

// staged is like tracedFrom, but returns nil as well for background requests, whose stages are not reported.
func staged(ctx context.Context) *traced {
	if t := tracedFrom(ctx); t != nil && !t.background {
		return t
	}
	return nil
}

// event returns a stage's event.
func (t *traced) event(stage string, detail *trace.StageDetail) trace.Event {
	return trace.Event{
		Actor: Actor, Kind: trace.APIStage, Verb: stage, Object: t.object,
		Cause: t.seq, CauseLink: trace.Exact, Detail: detail,
	}
}

// begin reports that a stage is about to happen and waits while it is held. The error is ctx's; then the stage must not
// happen.
func (t *traced) begin(ctx context.Context, stage string, detail *trace.StageDetail) (*trace.Span, error) {
	return t.tap.Begin(ctx, t.event(stage, detail))
}

// end ends a stage with its detail.
func end(span *trace.Span, err error, detail *trace.StageDetail) {
	span.End(err, func(e *trace.Event) { e.Detail = detail })
}
