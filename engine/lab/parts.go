package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// part is one component that blocks in run until its context ends.
type part struct {
	name string
	run  func(ctx context.Context) error
}

// stopWithin bounds how long one part may take to stop before the ones below it are stopped regardless.
const stopWithin = 10 * time.Second

// parts runs components and stops them in the opposite order, one after the other: what depends on another stops first.
type parts struct {
	log *slog.Logger

	mu      sync.Mutex
	running []*running
	stopped bool
	failed  chan error // the first failure; buffered
}

type running struct {
	part
	cancel context.CancelFunc
	done   chan struct{}
}

func newParts(log *slog.Logger) *parts {
	return &parts{log: log, failed: make(chan error, 1)}
}

// start runs p until stop. Its context keeps ctx's values but not its end: the order of stopping is stop's.
func (s *parts) start(ctx context.Context, p part) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{part: p, cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	s.running = append(s.running, r)
	s.mu.Unlock()
	go func() {
		defer close(r.done)
		err := p.run(ctx)
		if ctx.Err() != nil {
			if err != nil && !errors.Is(err, context.Canceled) {
				s.log.Warn("part stopped with an error", "part", p.name, "error", err)
			}
			return
		}
		if err == nil {
			err = errors.New("it ended by itself")
		}
		select {
		case s.failed <- fmt.Errorf("%s: %w", p.name, err):
		default:
		}
	}()
}

// fatal reports that a component would have ended the process. While parts are being stopped it is no failure.
func (s *parts) fatal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	select {
	case s.failed <- errFatal:
	default:
	}
}

var errFatal = errors.New("a component of Kubernetes gave up; the lab's log says why")

// wait blocks until ready is closed; the error is the first failure of any part, or ctx's.
func (s *parts) wait(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case err := <-s.failed:
		s.failed <- err // for whoever asks next
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends every part, the last started first, and returns the names of those that did not stop in time.
func (s *parts) stop() (late []string) {
	s.mu.Lock()
	list := s.running
	s.running, s.stopped = nil, true
	s.mu.Unlock()
	for i := len(list) - 1; i >= 0; i-- {
		r := list[i]
		began := time.Now()
		r.cancel()
		timeout := time.NewTimer(stopWithin)
		select {
		case <-r.done:
			s.log.Info("stopped", "part", r.name, "took", time.Since(began))
		case <-timeout.C:
			late = append(late, r.name)
			s.log.Warn("part does not stop", "part", r.name, "waited", stopWithin)
		}
		timeout.Stop()
	}
	return late
}
