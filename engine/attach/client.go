package attach

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Client is a lab in another process. Its Run keeps a copy of the lab's events, status and debugger state, so that what a
// screen asks for is answered at once; without Run they stay as they were at Dial. It is safe for concurrent use.
type Client struct {
	path  string
	hello Hello
	http  *http.Client
	store *trace.Store

	mu      sync.Mutex
	changed chan struct{} // closed when anything below changes
	status  engine.Status
	state   engine.DebugState
	at      trace.Cursor // how far the copy of the events is, in the lab's count
	running bool
	gone    error // why nothing comes any more
}

var (
	_ engine.Lab      = (*Client)(nil)
	_ engine.Debugger = (*debugger)(nil)
	_ engine.History  = (*history)(nil)
	_ engine.Faults   = (*faults)(nil)
)

// helloWait bounds how long a lab may take to answer at all.
const helloWait = 5 * time.Second

// Dial connects to the lab that is offered at path. The error is an [engine.ErrNoLab] when there is none, and an
// [engine.ErrUsage] when it speaks another version.
func Dial(ctx context.Context, path string) (*Client, error) {
	c := &Client{path: path, http: httpClient(path), store: trace.NewStore(trace.Limits{}), changed: make(chan struct{})}
	asking, cancel := context.WithTimeout(ctx, helloWait)
	defer cancel()
	if err := c.call(asking, http.MethodGet, "/hello", nil, &c.hello); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w at %s: %w; start one with kubestep up", engine.ErrNoLab, path, err)
	}
	if err := c.hello.check(path); err != nil {
		return nil, err
	}
	var s statusReply
	if err := c.call(ctx, http.MethodGet, "/v1/status", nil, &s); err != nil {
		return nil, c.failed("reading the lab's status", err)
	}
	c.setStatus(s)
	if err := c.call(ctx, http.MethodGet, "/v1/debug", nil, &c.state); err != nil {
		return nil, c.failed("reading the debugger's state", err)
	}
	return c, nil
}

func httpClient(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}

// Hello returns what the lab says of itself.
func (c *Client) Hello() Hello { return c.hello }

// Status implements [engine.Lab]. A lab that has gone is shown as stopped.
func (c *Client) Status() engine.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// WaitStatus implements [engine.Lab].
func (c *Client) WaitStatus(ctx context.Context, generation uint64) (s engine.Status, err error) {
	err = c.wait(ctx, func() bool { s = c.status; return s.Generation != generation })
	return s, err
}

// Events implements [engine.Lab]. The store begins where the lab's began at the time of Run.
func (c *Client) Events() *trace.Store { return c.store }

// Debugger implements [engine.Lab]. When Do or Settle returns, Events has what had happened until then.
func (c *Client) Debugger() engine.Debugger { return &debugger{c} }

// History implements [engine.Lab].
func (c *Client) History() engine.History { return &history{c} }

// Faults implements [engine.Lab]. When Do returns, Events has what it did.
func (c *Client) Faults() engine.Faults { return &faults{c} }

type debugger struct{ c *Client }

func (d *debugger) Do(ctx context.Context, cmd engine.Command) (engine.DebugState, error) {
	var done doneReply
	err := d.c.call(ctx, http.MethodPost, "/v1/debug", cmd, &done)
	if done.State != nil {
		d.c.setState(*done.State)
	}
	if err == nil {
		err = d.c.caughtUp(ctx, done.Cursor)
	}
	return d.State(), d.c.failed("debugger: "+string(cmd.Verb), err)
}

func (d *debugger) State() engine.DebugState {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	return d.c.state
}

func (d *debugger) WaitState(ctx context.Context, generation uint64) (s engine.DebugState, err error) {
	err = d.c.wait(ctx, func() bool { s = d.c.state; return s.Generation != generation })
	return s, err
}

func (d *debugger) Settle(ctx context.Context, quiet time.Duration) error {
	var done doneReply
	err := d.c.call(ctx, http.MethodPost, "/v1/settle", settleRequest{quiet}, &done)
	if err == nil {
		err = d.c.caughtUp(ctx, done.Cursor)
	}
	return d.c.failed("waiting for the lab to settle", err)
}

type history struct{ c *Client }

func (h *history) At(ctx context.Context, seq uint64) (s engine.Snapshot, err error) {
	err = h.c.call(ctx, http.MethodGet, "/v1/history/at?seq="+strconv.FormatUint(seq, 10), nil, &s)
	return s, h.c.failed("reading the cluster's past", err)
}

func (h *history) Object(ctx context.Context, o trace.Object, seq uint64) (engine.StoredObject, bool, error) {
	query := queryOf(o)
	query.Set("seq", strconv.FormatUint(seq, 10))
	var found objectReply
	err := h.c.call(ctx, http.MethodGet, "/v1/history/object?"+query.Encode(), nil, &found)
	return found.Object, found.OK, h.c.failed("reading an object's past", err)
}

type faults struct{ c *Client }

func (f *faults) Do(ctx context.Context, cmd engine.FaultCommand) (s engine.FaultState, err error) {
	var done doneReply
	err = f.c.call(ctx, http.MethodPost, "/v1/faults", cmd, &done)
	if done.Faults != nil {
		s = *done.Faults
	}
	if err == nil {
		err = f.c.caughtUp(ctx, done.Cursor)
	}
	return s, f.c.failed("breaking or mending the lab", err)
}

func (f *faults) State(ctx context.Context) (s engine.FaultState, err error) {
	err = f.c.call(ctx, http.MethodGet, "/v1/faults", nil, &s)
	return s, f.c.failed("asking what is broken", err)
}

func queryOf(o trace.Object) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"apiVersion": o.APIVersion, "kind": o.Kind, "namespace": o.Namespace,
		"name": o.Name, "uid": o.UID} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func objectOf(q url.Values) trace.Object {
	return trace.Object{APIVersion: q.Get("apiVersion"), Kind: q.Get("kind"), Namespace: q.Get("namespace"),
		Name: q.Get("name"), UID: q.Get("uid")}
}

// call sends a request and reads the answer into reply. An error that the lab answered is returned as it was; into reply
// goes what came with it.
func (c *Client) call(ctx context.Context, method, path string, body, reply any) error {
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("reading the lab's answer: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		var failed doneReply
		if err := json.Unmarshal(raw, &failed); err != nil || failed.Error == nil {
			return fmt.Errorf("the lab answered %s to %s %s", response.Status, method, path)
		}
		if done, ok := reply.(*doneReply); ok {
			*done = failed
		}
		return failed.Error.decode()
	}
	if err := json.Unmarshal(raw, reply); err != nil {
		return fmt.Errorf("the lab's answer to %s %s is not understood: %w", method, path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://lab"+path, content)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // without "http://lab", which helps nobody
		}
		return nil, err
	}
	return response, nil
}

// failed says what was being done. What the lab or ctx said is left as it is; anything else means that the lab has gone.
func (c *Client) failed(doing string, err error) error {
	var said *remoteError
	switch {
	case err == nil, errors.As(err, &said), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, engine.ErrNoLab):
		return err
	}
	return fmt.Errorf("%s: %w at %s any more: %w", doing, engine.ErrNoLab, c.path, err)
}
