package tap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// maxCapture bounds what is kept of a response. The API server accepts no object beyond 3 MiB.
const maxCapture = 4 << 20

// answer takes in the response's head and arranges for the event to end: at once, or when the caller has read the body.
func (c *call) answer(resp *http.Response) {
	c.detail.Status = resp.StatusCode
	failed := resp.StatusCode >= http.StatusBadRequest
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		c.end(nil, nil) // the body is the connection, and must stay what it is
	case c.event.Verb == "watch" && !failed:
		c.end(nil, nil)
		resp.Body = c.newStream(resp)
	case resp.Body == nil || resp.Body == http.NoBody || resp.ContentLength == 0:
		c.end(c.refusal(nil), nil)
	case failed || c.singleObject():
		resp.Body = &capture{body: resp.Body, done: func(raw []byte, err error) {
			c.answered(resp.Header, raw, err)
		}}
	case c.event.Subresource == "log":
		resp.Body = &capture{body: resp.Body, limit: -1, done: func(_ []byte, err error) { c.end(err, nil) }}
	default: // lists and what is no object: set-up, over when it is answered
		c.end(nil, nil)
	}
}

// singleObject reports whether the response is one object.
func (c *call) singleObject() bool {
	return c.event.Writes() || c.event.Verb == "get" && c.resource.Resource != "" && c.event.Subresource != "log"
}

// answered takes in the whole response.
func (c *call) answered(header http.Header, raw []byte, err error) {
	if err != nil {
		c.end(fmt.Errorf("reading the response: %w", err), nil)
		return
	}
	mediaType := header.Get("Content-Type")
	if header.Get("Content-Encoding") != "" {
		raw = nil // the caller asked for that and unpacks it itself
	}
	if c.detail.Status >= http.StatusBadRequest {
		c.end(c.refusal(raw), trace.NewBody(mediaType, raw, wire.Decode))
		return
	}
	if m, ok := wire.Read(mediaType, raw); ok && m.Kind != "Status" {
		c.received(m)
	}
	c.end(nil, trace.NewBody(mediaType, raw, wire.Decode))
}

// received takes in the object that came back.
func (c *call) received(m wire.Meta) {
	c.event.ResourceVersion = m.ResourceVersion
	if c.event.Subresource != "" && c.event.Subresource != "status" {
		return // a Scale or a TokenRequest; not the object in the path
	}
	o := &c.event.Object
	c.learn(c.resource, m.Kind)
	if o.Kind == "" {
		o.Kind = m.Kind
	}
	if m.Name != "" {
		o.Name = m.Name
	}
	if m.UID != "" {
		o.UID = m.UID
	}
	if len(c.event.Refs.Owners) == 0 {
		c.event.Refs.Owners = m.Owners
	}
	if len(c.event.Refs.Involved) == 0 {
		c.event.Refs.Involved = m.Involved
	}
	c.event.Refs.Terminating = m.Terminating
}

// refusal returns the API server's words for a response that is an error, nil for one that is none.
func (c *call) refusal(raw []byte) error {
	if c.detail.Status < http.StatusBadRequest {
		return nil
	}
	if message := statusMessage(raw); message != "" {
		return errors.New(message)
	}
	return errors.New(strconv.Itoa(c.detail.Status) + " " + http.StatusText(c.detail.Status))
}

// end closes the event. Only the first call counts.
func (c *call) end(err error, response *trace.Body) {
	c.forget()
	c.span.End(err, func(e *trace.Event) {
		detail := c.detail
		if d, ok := e.Detail.(*trace.RequestDetail); ok { // put there meanwhile by whoever saw the commit
			detail.Before, detail.After = d.Before, d.After
		}
		detail.Response = response
		e.Detail = &detail
		e.Object, e.Refs, e.ResourceVersion = c.event.Object, c.event.Refs, c.event.ResourceVersion
	})
}

// capture keeps what the caller reads of a body and calls done once, at its end or when it is closed.
type capture struct {
	body  io.ReadCloser
	limit int // bytes to keep; 0 means maxCapture, below 0 nothing
	done  func(raw []byte, err error)

	mu   sync.Mutex // Close may come while Read waits
	kept bytes.Buffer
	full bool
	over bool
}

func (b *capture) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.limit
	if limit == 0 {
		limit = maxCapture
	}
	switch {
	case b.full || limit < 0:
	case b.kept.Len()+n > limit:
		b.full = true
		b.kept = bytes.Buffer{}
	default:
		b.kept.Write(p[:n])
	}
	if err != nil {
		b.finish(err)
	}
	return n, err
}

func (b *capture) Close() error {
	err := b.body.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finish(nil)
	return err
}

func (b *capture) finish(err error) {
	if b.over {
		return
	}
	b.over = true
	if errors.Is(err, io.EOF) {
		err = nil
	}
	b.done(b.kept.Bytes(), err)
}
