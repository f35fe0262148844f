package fabric

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// Clock is the time of the network: it runs as real time does while nothing is held, and stands still while it is
// paused. Everything on the fabric that waits must wait on it. It is safe for concurrent use.
//
// Invariant: while the clock runs and timers is not empty, wake is armed for a moment not after the first timer's. A
// pause leaves wake alone; one that fires too early arms itself again. So pausing and resuming costs two looks at the
// machine's clock, cheap enough for every hop.
type Clock struct {
	mu      sync.Mutex
	epoch   time.Time     // what Now returned at elapsed 0; without a monotonic reading
	resumed time.Time     // when it last began to run
	elapsed time.Duration // the clock's time then, or while paused now
	paused  int           // nested pauses
	timers  timerHeap
	wake    *time.Timer
	armed   bool
	armedAt time.Duration
}

var _ tcpip.Clock = (*Clock)(nil)

// NewClock returns a running clock that shows start. A clock needs no stopping: it has no goroutine of its own.
func NewClock(start time.Time) *Clock {
	return &Clock{epoch: start.Round(0), resumed: time.Now()}
}

// Now returns the clock's time. It has no monotonic reading, by which deadlines on this clock are told from real ones:
// see [Namespace.Dial].
func (c *Clock) Now() time.Time { return c.epoch.Add(c.Elapsed()) }

// Elapsed returns how long the clock has run.
func (c *Clock) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// NowMonotonic implements [tcpip.Clock].
func (c *Clock) NowMonotonic() tcpip.MonotonicTime {
	var m tcpip.MonotonicTime
	return m.Add(c.Elapsed())
}

// Pause stops the clock until Resume has been called as often as Pause.
func (c *Clock) Pause() { c.halt() }

// halt pauses and returns at what time the clock stands.
func (c *Clock) halt() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == 0 {
		c.elapsed = c.now()
	}
	c.paused++
	return c.elapsed
}

// Resume undoes one Pause.
func (c *Clock) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused--; c.paused == 0 {
		c.resumed = time.Now()
		c.arm()
	}
}

// Paused reports whether the clock stands still.
func (c *Clock) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused > 0
}

// AfterFunc calls f in its own goroutine when d has passed on the clock. It implements [tcpip.Clock].
func (c *Clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &Timer{clock: c, f: f, index: -1}
	t.Reset(d)
	return t
}

// WithTimeout is [context.WithTimeout] on this clock. The context's Deadline is not set, as it would be a real time.
func (c *Clock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := c.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		t.Stop()
		cancel(context.Canceled)
	}
}

func (c *Clock) now() time.Duration {
	if c.paused > 0 {
		return c.elapsed
	}
	return c.elapsed + time.Since(c.resumed)
}

// arm makes sure that wake comes in time for the first timer. mu is held.
func (c *Clock) arm() {
	if c.paused > 0 || len(c.timers) == 0 {
		return
	}
	first := c.timers[0].at
	if c.armed && c.armedAt <= first {
		return
	}
	c.armed, c.armedAt = true, first
	wait := max(first-c.now(), 0)
	if c.wake == nil {
		c.wake = time.AfterFunc(wait, c.expire)
		return
	}
	c.wake.Reset(wait)
}

// expire starts what is due.
func (c *Clock) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = false
	if c.paused > 0 {
		return // Resume arms again
	}
	for now := c.now(); len(c.timers) > 0 && c.timers[0].at <= now; {
		t := heap.Pop(&c.timers).(*Timer)
		go t.f()
	}
	c.arm()
}

// Timer is a function that waits for its time on a [Clock].
type Timer struct {
	clock *Clock
	f     func()
	at    time.Duration
	index int // in the heap, -1 when it does not wait
}

// Reset makes the timer wait for d from now, whether or not it waited already.
func (t *Timer) Reset(d time.Duration) {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	t.at = c.now() + d
	if t.index >= 0 {
		heap.Fix(&c.timers, t.index)
	} else {
		heap.Push(&c.timers, t)
	}
	c.arm()
}

// Stop makes the timer wait no more. It returns false when its function has been started or it did not wait.
func (t *Timer) Stop() bool {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&c.timers, t.index)
	return true
}

// timerHeap has the timer that is due first at index 0.
type timerHeap []*Timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	n := len(old) - 1
	t := old[n]
	old[n] = nil
	*h = old[:n]
	t.index = -1
	return t
}
