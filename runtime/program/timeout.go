package program

import (
	"context"
	"time"
)

// withTimeout is [context.WithTimeout] on the program's clock, so that time that a packet is held does not count. The
// context has no deadline: its cause is [context.DeadlineExceeded] when the time is over. No time-out for d <= 0.
func (w *World) withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := w.Clock.NewTimer(d)
	go func() {
		defer timer.Stop()
		select {
		case <-timer.C():
			cancel(context.DeadlineExceeded)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}
