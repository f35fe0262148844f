package apiserver

import (
	"context"
	"time"
)

// patient is a request's context that does not time out: a learner may hold a request in one of its stages for an hour.
//
// Upstream gives every request a minute, and the handlers of writes make that 34 seconds by a constant
// (k8s.io/apiserver/pkg/endpoints/handlers/rest.go, requestTimeoutUpperBound). Both use context.WithTimeout, which starts
// no clock when the parent's deadline comes sooner than its own. So the parent says that its deadline is always a little
// sooner, and never ends by itself. It still ends with the client's connection, and a client's shorter time-out still
// counts. The deadline that is told is always ahead, because gRPC refuses a call whose deadline has passed.
type patient struct{ context.Context }

// always is less than any time-out of upstream's that is to be kept from starting (34 s) and more than those that are to
// work (webhooks have 30 s at most).
const always = 33 * time.Second

func (patient) Deadline() (time.Time, bool) { return time.Now().Add(always), true }

// untilGone is a context that ends with the client's connection only.
type untilGone struct {
	context.Context
	gone <-chan struct{}
}

func (u untilGone) Done() <-chan struct{} { return u.gone }

func (u untilGone) Err() error {
	select {
	case <-u.gone:
		return context.Canceled
	default:
		return nil
	}
}
