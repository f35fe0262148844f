package attach

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Protocol and Version name what this package speaks.
const (
	Protocol = "kubestep.dev/attach"
	Version  = 1
)

// Hello is what a lab says of itself to anybody who connects.
type Hello struct {
	Protocol string    `json:"protocol"`
	Version  int       `json:"version"`
	PID      int       `json:"pid"`
	Began    time.Time `json:"began"` // when it began to listen
}

// streamLine is one line of the event stream: an event, or the end of a batch.
type streamLine struct {
	Event *trace.Event  `json:"event,omitempty"`
	Next  *trace.Cursor `json:"next,omitempty"`
	Lost  int           `json:"lost,omitempty"`
}

type statusReply struct {
	Generation uint64        `json:"generation"`
	Status     engine.Status `json:"status"`
}

// doneReply answers what changes something. Cursor is how far the lab's events were then: the client waits for its copy
// to get there.
type doneReply struct {
	State  *engine.DebugState `json:"state,omitempty"`
	Faults *engine.FaultState `json:"faults,omitempty"`
	Cursor trace.Cursor       `json:"cursor,omitempty"`
	Error  *errorReply        `json:"error,omitempty"`
}

type settleRequest struct {
	Quiet time.Duration `json:"quiet"`
}

type objectReply struct {
	OK     bool                `json:"ok"`
	Object engine.StoredObject `json:"object"`
}

type errorReply struct {
	Class string `json:"class,omitempty"`
	Text  string `json:"text"`
}

// classes are the errors that keep what they are on the way.
var classes = []struct {
	name string
	err  error
	code int
}{
	{"usage", engine.ErrUsage, http.StatusBadRequest},
	{"not-ready", engine.ErrNotReady, http.StatusServiceUnavailable},
	{"gone", engine.ErrGone, http.StatusGone},
	{"in-use", engine.ErrInUse, http.StatusConflict},
	{"no-lab", engine.ErrNoLab, http.StatusNotFound},
}

// encodeError returns how err is sent, and with which HTTP status. Whoever is there to read that a context ended did not
// end it: the lab is stopping.
func encodeError(err error) (*errorReply, int) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: it is stopping: %w", engine.ErrNotReady, err)
	}
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return &errorReply{Class: c.name, Text: err.Error()}, c.code
		}
	}
	return &errorReply{Text: err.Error()}, http.StatusInternalServerError
}

// remoteError is an error from the other process: its words, and its class.
type remoteError struct {
	text  string
	class error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.class }

func (r *errorReply) decode() error {
	if r == nil {
		return nil
	}
	for _, c := range classes {
		if r.Class == c.name {
			return &remoteError{r.Text, c.err}
		}
	}
	return &remoteError{text: r.Text}
}

// check returns an error when this program cannot talk to who said hello.
func (h Hello) check(path string) error {
	switch {
	case h.Protocol != Protocol:
		return fmt.Errorf("%w: what listens on %s is something else", engine.ErrNoLab, path)
	case h.Version != Version:
		return fmt.Errorf("%w: the lab on %s speaks version %d of %s and this program version %d; use the kubestep that "+
			"started the lab, or start the lab again with this one", engine.ErrUsage, path, h.Version, Protocol, Version)
	}
	return nil
}
