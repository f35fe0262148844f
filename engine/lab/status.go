package lab

import (
	"context"
	"sync"
	"time"

	"github.com/kubestep/kubestep/engine"
)

// status is an engine.Status that can be waited on.
type status struct {
	mu    sync.Mutex
	now   engine.Status
	began time.Time
	wake  chan struct{}
}

func newStatus(phases []string) *status {
	s := &status{wake: make(chan struct{}), now: engine.Status{Generation: 1}}
	for _, name := range phases {
		s.now.Phases = append(s.now.Phases, engine.Phase{Name: name})
	}
	return s
}

func (s *status) get() engine.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copy()
}

func (s *status) copy() engine.Status {
	c := s.now
	c.Phases = append([]engine.Phase(nil), c.Phases...)
	return c
}

// wait blocks until the status is not the one with the given generation.
func (s *status) wait(ctx context.Context, generation uint64) (engine.Status, error) {
	for {
		s.mu.Lock()
		c, wake := s.copy(), s.wake
		s.mu.Unlock()
		if c.Generation != generation {
			return c, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
}

func (s *status) change(edit func(*engine.Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(&s.now)
	s.now.Generation++
	close(s.wake)
	s.wake = make(chan struct{})
}

func (s *status) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = time.Now()
}

// done marks a phase as over.
func (s *status) done(phase string) {
	s.change(func(now *engine.Status) {
		for i := range now.Phases {
			if now.Phases[i].Name == phase {
				now.Phases[i].Done, now.Phases[i].Took = true, time.Since(s.began)
			}
		}
	})
}

// ready marks the lab as ready; edit fills in what is known now.
func (s *status) ready(edit func(*engine.Status)) {
	s.change(func(now *engine.Status) {
		now.Ready, now.Took = true, time.Since(s.began)
		edit(now)
	})
}
