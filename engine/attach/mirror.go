package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Run implements [engine.Lab]: it follows the lab until ctx ends, which is no error, or until the lab is gone, which is an
// [engine.ErrNoLab]. It does not start or stop the lab. It is called once.
func (c *Client) Run(ctx context.Context) error {
	c.update(func() { c.running = true })
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	var once sync.Once
	var why error
	var all sync.WaitGroup
	for _, follow := range []func(context.Context) error{c.followEvents, c.followStatus, c.followState} {
		all.Go(func() {
			err := follow(following)
			once.Do(func() { why = err })
			cancel()
		})
	}
	all.Wait()
	c.http.CloseIdleConnections()
	if ctx.Err() != nil {
		c.update(func() {
			c.gone = fmt.Errorf("this program has let go of the lab at %s: %w", c.path, context.Cause(ctx))
		})
		return nil
	}
	why = fmt.Errorf("%w at %s any more: %w", engine.ErrNoLab, c.path, why)
	c.update(func() {
		c.gone = why
		c.status.Ready, c.status.Stopped = false, true
		c.status.Generation++
		if c.status.Error == "" {
			c.status.Error = "the process that ran the lab has ended"
		}
	})
	return why
}

// followEvents copies the lab's events until ctx ends or the stream does.
func (c *Client) followEvents(ctx context.Context) error {
	response, err := c.send(ctx, http.MethodGet, "/v1/events?cursor=0", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the lab answered %s to a request for its events", response.Status)
	}
	for lines := json.NewDecoder(response.Body); ; {
		var line streamLine
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return errors.New("the stream of events has ended")
		} else if err != nil {
			return fmt.Errorf("reading the stream of events: %w", err)
		}
		switch {
		case line.Event != nil && line.Event.Seq != 0:
			c.store.Load(*line.Event)
		case line.Next != nil:
			c.update(func() { c.at = *line.Next })
		}
	}
}

func (c *Client) followStatus(ctx context.Context) error {
	for {
		var s statusReply
		path := "/v1/status?generation=" + strconv.FormatUint(c.Status().Generation, 10)
		if err := c.call(ctx, http.MethodGet, path, nil, &s); err != nil {
			return err
		}
		c.setStatus(s)
	}
}

func (c *Client) followState(ctx context.Context) error {
	for {
		c.mu.Lock()
		generation := c.state.Generation
		c.mu.Unlock()
		var s engine.DebugState
		path := "/v1/debug?generation=" + strconv.FormatUint(generation, 10)
		if err := c.call(ctx, http.MethodGet, path, nil, &s); err != nil {
			return err
		}
		c.setState(s)
	}
}

func (c *Client) setStatus(s statusReply) {
	c.update(func() {
		c.status = s.Status
		c.status.Generation = s.Generation
	})
}

// setState keeps the newest state: answers to commands overtake the long poll.
func (c *Client) setState(s engine.DebugState) {
	c.update(func() {
		if s.Generation > c.state.Generation {
			c.state = s
		}
	})
}

func (c *Client) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

// wait blocks until met, which is called with mu held, or ctx ends, or nothing comes any more.
func (c *Client) wait(ctx context.Context, met func() bool) error {
	for {
		c.mu.Lock()
		changed, ok, gone := c.changed, met(), c.gone
		c.mu.Unlock()
		switch {
		case ok:
			return nil
		case gone != nil:
			return gone
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// caughtUp waits until the copy of the events has what the lab's had at the cursor.
func (c *Client) caughtUp(ctx context.Context, cursor trace.Cursor) error {
	return c.wait(ctx, func() bool { return c.at >= cursor || !c.running })
}
