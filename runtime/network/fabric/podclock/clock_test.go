package podclock

import (
	"testing"
	"time"

	"github.com/kubestep/kubestep/runtime/network/fabric"
)

func TestClockStandsStill(t *testing.T) {
	inner := fabric.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	c := New(inner)
	inner.Pause()
	began := c.Now()
	timer, ticker := c.NewTimer(time.Millisecond), c.NewTicker(time.Millisecond)
	defer ticker.Stop()
	called := make(chan struct{})
	c.AfterFunc(time.Millisecond, func() { close(called) })
	select {
	case <-timer.C():
		t.Error("the timer fired while the clock stood still")
	case <-ticker.C():
		t.Error("the ticker fired while the clock stood still")
	case <-called:
		t.Error("the function was called while the clock stood still")
	case <-time.After(30 * time.Millisecond): // real time, many times as long
	}
	if passed := c.Since(began); passed != 0 {
		t.Errorf("%v passed", passed)
	}
	inner.Resume()
	<-timer.C()
	<-called
	for range 3 {
		<-ticker.C()
	}
	if passed := c.Since(began); passed < 3*time.Millisecond {
		t.Errorf("%v passed during three ticks of 1 ms", passed)
	}
	if timer.Stop() {
		t.Error("a timer that has fired is stopped")
	}
	if timer.Reset(time.Hour) || !timer.Stop() {
		t.Error("a timer that is reset does not wait")
	}
}
