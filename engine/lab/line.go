package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// line is what joins a node's components to the control plane. The lab's network does not carry their requests, which go
// over sockets of this process, so that faults have to happen to them here. Cut, it loses what is under way; what is
// begun waits until it is whole again, as packets are sent again until one arrives, and fails when that takes too long.
// It is safe for concurrent use.
type line struct {
	patience time.Duration // how long a new request or connection waits

	mu    sync.Mutex
	whole chan struct{}   // closed while the line is whole
	life  context.Context // of what is under way, ended by a cut
	cut   context.CancelCauseFunc
}

// lineWait is how long Linux tries to connect to a machine that does not answer, as far as Kubernetes' clients let it
// (k8s.io/client-go/transport/cache.go: 30 seconds).
const lineWait = 30 * time.Second

// errLost is what ends that was under way when a line was cut.
var errLost = errors.New("connection lost: the node is cut from the control plane")

// newLine returns a line that is whole. ctx gives the line's values only.
func newLine(ctx context.Context, patience time.Duration) *line {
	l := &line{patience: patience, whole: make(chan struct{})}
	close(l.whole)
	l.life, l.cut = context.WithCancelCause(context.WithoutCancel(ctx))
	return l
}

// setWhole mends the line or cuts it.
func (l *line) setWhole(whole bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.life.Err() == nil
	switch {
	case was && !whole:
		l.whole = make(chan struct{})
		l.cut(errLost)
	case !was && whole:
		l.life, l.cut = context.WithCancelCause(context.WithoutCancel(l.life))
		close(l.whole)
	}
}

// wait returns a context that ends with the next cut, once the line is whole. The error is a time-out, or ctx's.
func (l *line) wait(ctx context.Context) (context.Context, error) {
	late := time.NewTimer(l.patience)
	defer late.Stop()
	for {
		l.mu.Lock()
		whole, life := l.whole, l.life
		l.mu.Unlock()
		if life.Err() == nil {
			return life, nil
		}
		select {
		case <-whole:
		case <-late.C:
			return nil, os.ErrDeadlineExceeded // "i/o timeout"
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// dial connects by way of the line.
func (l *line) dial(ctx context.Context, address string, dial func(ctx context.Context) (net.Conn, error)) (net.Conn, error) {
	life, err := l.wait(ctx)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = &net.OpError{Op: "dial", Net: "tcp", Addr: textAddr(address), Err: err}
	}
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return &lineConn{Conn: c, release: context.AfterFunc(life, func() { _ = c.Close() })}, nil
}

type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

type lineConn struct {
	net.Conn
	release func() bool
}

func (c *lineConn) Close() error {
	c.release()
	return c.Conn.Close()
}

type wrapper = func(http.RoundTripper) http.RoundTripper

// below returns a wrapper that puts the line below what tap does: requests that get lost are seen all the same.
func (l *line) below(tap wrapper) wrapper {
	return func(rt http.RoundTripper) http.RoundTripper { return tap(l.transport(rt)) }
}

// transport returns a transport whose requests go by way of the line.
func (l *line) transport(next http.RoundTripper) http.RoundTripper { return &lineTransport{l, next} }

type lineTransport struct {
	line *line
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper]. The response's body, a watch above all, ends with the line as well.
func (t *lineTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	life, err := t.line.wait(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = &net.OpError{Op: "dial", Net: "tcp", Addr: textAddr(r.URL.Host), Err: err}
		}
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	release := func() {
		stop()
		cancel(nil)
	}
	response, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errLost) {
			err = cause
		}
		release()
		return nil, err
	}
	response.Body = &lineBody{response.Body, release}
	return response, nil
}

// WrappedRoundTripper lets client-go find the transport below, to close idle connections.
func (t *lineTransport) WrappedRoundTripper() http.RoundTripper { return t.next }

type lineBody struct {
	io.ReadCloser
	release func()
}

func (b *lineBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
