package inproc

import (
	"context"
	"sync"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// eventHub hands container events to those who listen. Nobody waits for a slow listener: its queue grows.
type eventHub struct {
	mu        sync.Mutex
	listeners map[*eventQueue]struct{}
	closed    bool
}

type eventQueue struct {
	events []*runtimeapi.ContainerEventResponse
	wake   chan struct{} // holds one
	closed bool
}

func (h *eventHub) listen() *eventQueue {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := &eventQueue{wake: make(chan struct{}, 1), closed: h.closed}
	if h.listeners == nil {
		h.listeners = map[*eventQueue]struct{}{}
	}
	h.listeners[q] = struct{}{}
	q.poke()
	return q
}

func (h *eventHub) forget(q *eventQueue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, q)
}

func (h *eventHub) wanted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners) > 0
}

func (h *eventHub) send(e *runtimeapi.ContainerEventResponse) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for q := range h.listeners {
		q.events = append(q.events, e)
		q.poke()
	}
}

func (h *eventHub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for q := range h.listeners {
		q.closed = true
		q.poke()
	}
}

// take returns what has come for q.
func (h *eventHub) take(q *eventQueue) (events []*runtimeapi.ContainerEventResponse, closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	events, q.events = q.events, nil
	return events, q.closed
}

func (q *eventQueue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// emit reports a change of a sandbox, or of one of its containers. The caller holds r.mu.
func (r *Runtime) emit(s *sandbox, c *container, kind runtimeapi.ContainerEventType) {
	if !r.events.wanted() {
		return
	}
	e := &runtimeapi.ContainerEventResponse{
		ContainerId: s.id, ContainerEventType: kind, CreatedAt: r.opts.Clock.Now().UnixNano(), PodSandboxStatus: s.status(),
	}
	if c != nil {
		e.ContainerId = c.id
	}
	for _, other := range r.containersOf(s.id) {
		e.ContainersStatuses = append(e.ContainersStatuses, other.status())
	}
	r.events.send(e)
}

// GetContainerEvents implements the CRI: it sends events from now on until ctx or the runtime ends, whose error it then
// returns. established gets nil: there is no connection.
func (r *Runtime) GetContainerEvents(
	ctx context.Context, events chan *runtimeapi.ContainerEventResponse,
	established func(runtimeapi.RuntimeService_GetContainerEventsClient),
) error {
	q := r.events.listen()
	defer r.events.forget(q)
	if established != nil {
		established(nil)
	}
	for {
		select {
		case <-q.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		batch, closed := r.events.take(q)
		for _, e := range batch {
			select {
			case events <- e:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if closed {
			return errStopped
		}
	}
}
