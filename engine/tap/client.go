package tap

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/kubestep/kubestep/engine/trace"
)

// Client names whoever uses a transport.
type Client struct {
	// Actor is the component as a learner knows it: "deployment-controller", "kubelet@node-1".
	Actor string
	// Process is the program the actor runs in when that is not the actor itself: "kube-controller-manager".
	Process string
	// Name is the client's name inside the process, as upstream calls it: "shared-informers". Empty means Actor.
	Name string
	// Background marks a client that only does what goes on all the time: a component looking after its credentials.
	// Nothing of it is held.
	Background bool
	// Cause, when not nil, is asked what caused a request that carries no cause in its context; 0 leaves it to the trace.
	// What it returns is marked as inferred. It must not change e.
	Cause func(e *trace.Event) uint64
	// Root marks somebody outside the lab: nothing in the lab causes what it asks for.
	Root bool
}

// New returns what wraps a transport of c so that t sees what passes, for rest.Config.Wrap. The wrapped transport keeps
// the contract of http.RoundTripper and is safe for concurrent use. It sets the header Audit-ID, by which the API
// server's side finds the request's event.
//
// A request that is held and whose context ends is never sent: RoundTrip returns the context's error. A nil t sees
// nothing: the transport stays as it is.
func New(t *trace.Tap, c Client) func(http.RoundTripper) http.RoundTripper {
	if t == nil {
		return func(next http.RoundTripper) http.RoundTripper { return next }
	}
	if c.Name == "" {
		c.Name = c.Actor
	}
	if c.Process == c.Actor {
		c.Process = ""
	}
	shared := &client{
		Client: c,
		tap:    t,
		ids:    newIDs(),
		paths: request.RequestInfoFactory{
			APIPrefixes:          sets.NewString("api", "apis"),
			GrouplessAPIPrefixes: sets.NewString("api"),
		},
	}
	return func(next http.RoundTripper) http.RoundTripper {
		return &transport{client: shared, next: next}
	}
}

// client is what the transports of one Client share.
type client struct {
	Client
	tap     *trace.Tap
	ids     *ids
	paths   request.RequestInfoFactory
	learned sync.Map // schema.GroupVersionResource -> kind, for resources that client-go has no type for
}

// kind returns the kind of a resource's objects, empty when it is not known.
func (c *client) kind(r schema.GroupVersionResource) string {
	if kind, ok := knownKinds()[r]; ok {
		return kind
	}
	if kind, ok := c.learned.Load(r); ok {
		return kind.(string)
	}
	return ""
}

// learn remembers the kind of a custom resource from one of its objects.
func (c *client) learn(r schema.GroupVersionResource, kind string) {
	if kind == "" || c.kind(r) != "" {
		return
	}
	c.learned.Store(r, kind)
}

// transport is the tap on one connection pool.
type transport struct {
	*client
	next http.RoundTripper
}

// WrappedRoundTripper lets client-go find the transport below.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	call, err := t.newCall(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	span, err := t.tap.Begin(req.Context(), call.event)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	call.span = span
	call.forget = t.tap.TrackRequest(call.detail.AuditID, span)
	resp, err := t.next.RoundTrip(call.request)
	if err != nil {
		call.end(err, nil)
		return nil, err
	}
	call.answer(resp)
	return resp, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// ids makes names for requests. They do not come from the source of UIDs, which a lab may have seeded: a request more or
// less must not change the names that the cluster gives.
type ids struct {
	prefix string
	last   atomic.Uint64
}

func newIDs() *ids {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return &ids{prefix: "kubestep-" + hex.EncodeToString(b[:]) + "-"}
}

func (i *ids) next() string { return i.prefix + strconv.FormatUint(i.last.Add(1), 36) }
