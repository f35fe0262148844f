package kubelet

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// errOff is what calls that were under way return when the power goes.
var errOff = errors.New("the node is powered off")

// power is the plug of one node. When it is pulled, requests and calls under way end, and those that come later get no
// answer: they wait until their own context ends, as on a machine whose cable is out.
//
// Waiting rather than failing is what keeps a powered-off kubelet quiet: its loops (relist each second, lease renewal,
// status updates, watches) hang in their first call instead of retrying. Those goroutines and
// the memory they hold stay until the process ends; upstream gives no way to end them.
type power struct {
	off  chan struct{}
	once sync.Once
}

func newPower() *power { return &power{off: make(chan struct{})} }

// cut pulls the plug.
func (p *power) cut() { p.once.Do(func() { close(p.off) }) }

// begin returns a context for one call, which ends when the power goes, and its release. When the power is off already
// it waits for ctx to end and fails.
func (p *power) begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	select {
	case <-p.off:
		<-ctx.Done()
		return nil, nil, errOff
	default:
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.off:
			cancel(errOff)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }, nil
}

// transport returns a transport that needs power.
func (p *power) transport(next http.RoundTripper) http.RoundTripper {
	return &poweredTransport{power: p, next: next}
}

type poweredTransport struct {
	power *power
	next  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper]. The response's body, a watch above all, ends with the power as well.
func (t *poweredTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, release, err := t.power.begin(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = &poweredBody{ReadCloser: resp.Body, release: release}
	return resp, nil
}

// WrappedRoundTripper lets client-go find the transport below, to close idle connections.
func (t *poweredTransport) WrappedRoundTripper() http.RoundTripper { return t.next }

type poweredBody struct {
	io.ReadCloser
	release context.CancelFunc
}

func (b *poweredBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
