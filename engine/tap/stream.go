package tap

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// readSize is how much a stream asks of the network at a time.
const readSize = 16 << 10

// initialEventsEnd is the annotation of the bookmark after which a watch brings news rather than what exists already
// (k8s.io/apimachinery/pkg/apis/meta/v1, InitialEventsAnnotationKey; KEP-3157).
var initialEventsEnd = []byte("k8s.io/initial-events-end")

// stream is the body of a watch. It reports each event before the reader gets it, in the order of the stream; while one is
// held, the reader gets only what came before. Read must not be called concurrently; Close may be, and ends a Read that
// waits.
type stream struct {
	*client
	resource  schema.GroupVersionResource
	uri       string
	mediaType string // Content-Type of the objects
	body      io.ReadCloser
	ctx       context.Context //nolint:containedctx // of the request: io.Reader has no other way to get it
	cancel    context.CancelFunc

	split   splitter
	in      []byte
	out     []byte // reported, not yet read
	err     error  // of body, once it is read to its end
	initial bool   // what comes is the list that the watch begins with
}

// newStream wraps the body of an answered watch.
func (c *call) newStream(resp *http.Response) io.ReadCloser {
	s := &stream{
		client:   c.client,
		resource: c.resource,
		uri:      c.detail.URI,
		body:     resp.Body,
		split:    splitter{framing: framingOf(resp.Header.Get("Content-Type"))},
		initial:  c.request.URL.Query().Get("sendInitialEvents") == "true",
	}
	if resp.Header.Get("Content-Encoding") != "" {
		s.split.framing = opaque
	}
	s.mediaType, _, _ = strings.Cut(resp.Header.Get("Content-Type"), ";")
	s.ctx, s.cancel = context.WithCancel(c.request.Context())
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	for {
		if len(s.out) > 0 {
			n := copy(p, s.out)
			s.out = s.out[n:]
			return n, nil
		}
		if frame, ok := s.split.next(); ok {
			if err := s.report(frame); err != nil {
				return 0, err
			}
			s.out = frame
			continue
		}
		if s.err != nil {
			if s.out = s.split.rest(); len(s.out) > 0 {
				continue
			}
			return 0, s.err
		}
		if s.in == nil {
			s.in = make([]byte, readSize)
		}
		var n int
		n, s.err = s.body.Read(s.in)
		s.split.write(s.in[:n])
	}
}

func (s *stream) Close() error {
	s.cancel()
	return s.body.Close()
}

// report tells the tap of one frame and waits until the frame may pass.
func (s *stream) report(frame []byte) error {
	if s.split.framing == opaque {
		return nil
	}
	kind, object := watchEvent(s.split.framing, s.split.payload(frame))
	switch kind {
	case "BOOKMARK":
		if s.initial && bytes.Contains(object, initialEventsEnd) {
			s.initial = false
		}
		return nil
	case "ADDED", "MODIFIED", "DELETED":
	default: // ERROR ends the watch; the reader will see
		return nil
	}
	m, ok := wire.Read(s.mediaType, object)
	if !ok {
		return nil
	}
	e := s.event(strings.ToLower(kind), m)
	if !e.Background {
		e.Detail.(*trace.DeliverDetail).Object = trace.NewBody(s.mediaType, object, wire.Decode)
		if seq, ok := s.tap.CommitAt(s.ctx, e.EtcdRevision); ok {
			e.Cause, e.CauseLink = seq, trace.Exact
		}
	}
	// The request's context says what caused the watch, which is not what caused the change.
	span, err := s.tap.Begin(withoutCause{s.ctx}, e)
	if err != nil {
		return err
	}
	span.End(nil, nil)
	return nil
}

func (s *stream) event(verb string, m wire.Meta) trace.Event {
	o := m.Object()
	if o.APIVersion = s.resource.GroupVersion().String(); m.Kind == "PartialObjectMetadata" {
		o.Kind = s.kind(s.resource)
	} else {
		s.learn(s.resource, m.Kind)
	}
	revision, _ := strconv.ParseInt(m.ResourceVersion, 10, 64) // 0 when it is none of etcd's
	return trace.Event{
		Actor:           s.Actor,
		Process:         s.Process,
		Kind:            trace.WatchDeliver,
		Verb:            verb,
		Object:          o,
		ResourceVersion: m.ResourceVersion,
		EtcdRevision:    revision,
		Refs:            m.Refs(),
		Detail:          &trace.DeliverDetail{URI: s.uri, Client: s.Name},
		Background:      s.Background || s.initial || s.resource.Group == "coordination.k8s.io",
	}
}

// withoutCause is a context whose cause, if any, is hidden.
type withoutCause struct{ context.Context }

func (withoutCause) Value(any) any { return nil }

// watchEvent returns the type and the encoded object of one event of a watch; the type is empty when it is none.
func watchEvent(f framing, payload []byte) (kind string, object []byte) {
	if f == lengths {
		// metav1.WatchEvent: 1 type, 2 object; runtime.RawExtension: 1 raw.
		return string(bytesField(payload, 1)), bytesField(bytesField(payload, 2), 1)
	}
	var e struct {
		Type   string          `json:"type"`
		Object json.RawMessage `json:"object"`
	}
	if json.Unmarshal(payload, &e) != nil {
		return "", nil
	}
	return e.Type, e.Object
}
