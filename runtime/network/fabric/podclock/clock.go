// Package podclock gives programs in Pods the fabric's time in the form that the rest of the lab uses,
// k8s.io/utils/clock. It is a package of its own so that the fabric imports nothing of Kubernetes. runtime/* and cmd may
// import it.
package podclock

import (
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// Clock shows a fabric's time: it stands still while a packet is held. It is safe for concurrent use.
type Clock struct{ c *fabric.Clock }

var _ clock.WithTickerAndDelayedExecution = Clock{}

// New returns c in the form that programs take.
func New(c *fabric.Clock) Clock { return Clock{c} }

// Now returns the time on the clock.
func (k Clock) Now() time.Time { return k.c.Now() }

// Since returns how much time has passed on the clock since t.
func (k Clock) Since(t time.Time) time.Duration { return k.c.Now().Sub(t) }

// After is NewTimer(d).C(). The timer cannot be stopped.
func (k Clock) After(d time.Duration) <-chan time.Time { return k.NewTimer(d).C() }

// Sleep waits until d has passed on the clock.
func (k Clock) Sleep(d time.Duration) { <-k.After(d) }

// Tick is NewTicker(d).C(). The ticker cannot be stopped.
func (k Clock) Tick(d time.Duration) <-chan time.Time { return k.NewTicker(d).C() }

// NewTimer returns a timer that fires once when d has passed on the clock.
func (k Clock) NewTimer(d time.Duration) clock.Timer {
	t := &timer{c: make(chan time.Time, 1)}
	t.inner = k.c.AfterFunc(d, func() { send(t.c, k.c.Now()) })
	return t
}

// AfterFunc calls f in its own goroutine when d has passed on the clock.
func (k Clock) AfterFunc(d time.Duration, f func()) clock.Timer {
	return &timer{inner: k.c.AfterFunc(d, f)}
}

// NewTicker returns a ticker that fires every d on the clock; a tick that nobody takes is lost.
func (k Clock) NewTicker(d time.Duration) clock.Ticker {
	t := &ticker{c: make(chan time.Time, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inner = k.c.AfterFunc(d, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.stopped {
			send(t.c, k.c.Now())
			t.inner.Reset(d)
		}
	})
	return t
}

// stopper is what the fabric's timers can do.
type stopper interface {
	Stop() bool
	Reset(d time.Duration)
}

type ticker struct {
	c chan time.Time

	mu      sync.Mutex
	inner   stopper
	stopped bool
}

// C implements [clock.Ticker].
func (t *ticker) C() <-chan time.Time { return t.c }

// Stop implements [clock.Ticker].
func (t *ticker) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	t.inner.Stop()
}

func send(c chan<- time.Time, now time.Time) {
	select {
	case c <- now:
	default:
	}
}

type timer struct {
	c     chan time.Time
	inner stopper
}

// C implements [clock.Timer].
func (t *timer) C() <-chan time.Time { return t.c }

// Stop implements [clock.Timer].
func (t *timer) Stop() bool { return t.inner.Stop() }

// Reset implements [clock.Timer].
func (t *timer) Reset(d time.Duration) bool {
	was := t.inner.Stop()
	t.inner.Reset(d)
	return was
}
