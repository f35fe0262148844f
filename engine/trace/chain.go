package trace

import (
	"context"
	"sync"
)

// Chain is one piece of work that an actor does step by step, such as a kubelet's sync of one Pod: its first event is
// caused by what set the work off, each later one by the one before. It is safe for concurrent use; steps that run side
// by side are chained in the order in which they began.
type Chain struct {
	mu   sync.Mutex
	last uint64
	link Link
}

// NewChain returns a chain that was set off by the event with the given number, as [Tap.Infer] returns it. With 0, the
// first event's cause is inferred when it begins.
func NewChain(seq uint64, link Link) *Chain { return &Chain{last: seq, link: link} }

func (c *Chain) cause() (uint64, Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.link
}

// advance makes seq, which happened within the chain, the cause of what follows: exactly, by their order.
func (c *Chain) advance(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq > c.last {
		c.last, c.link = seq, Exact
	}
}

type chainKey struct{}

// WithChain returns a context whose events are steps of c, but for those that [WithCause] gives a cause further in:
// these are part of a step.
func WithChain(ctx context.Context, c *Chain) context.Context {
	return context.WithValue(ctx, chainKey{}, c)
}

// step returns the chain that the next event of ctx continues, nil for none.
func step(ctx context.Context) *Chain {
	if _, within := CauseFrom(ctx); within {
		return nil
	}
	c, _ := ctx.Value(chainKey{}).(*Chain)
	return c
}

// Infer returns what e's cause would be were it to happen now, and 0 when nothing fits.
func (t *Tap) Infer(e Event) (uint64, Link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.links.infer(&e, t.now())
}
