package kubectl

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/kubestep/kubestep/engine/trace"
)

// transport adds to each request what the lab shows of it.
type transport struct {
	next http.RoundTripper
	run  string
	sent *atomic.Uint64 // requests of this run, over all its clients
}

// newTransport returns a wrapper that counts the requests of one run.
func newTransport(run string) func(http.RoundTripper) http.RoundTripper {
	var sent atomic.Uint64
	return func(next http.RoundTripper) http.RoundTripper {
		return &transport{next: next, run: run, sent: &sent}
	}
}

// auditIDHeader names a request; the API server keeps a client's choice
// (k8s.io/apiserver pkg/endpoints/filters/audit_init.go).
const auditIDHeader = "Audit-ID"

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if t.run != "" {
		r.Header.Set(auditIDHeader, fmt.Sprintf("%s-%d", t.run, t.sent.Add(1)))
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		r.Header.Set(trace.FramesHeader, trace.EncodeFrames(trace.Callers(1, ours)))
	}
	return t.next.RoundTrip(r)
}

// ours keeps kubectl's own functions, and not those of the libraries it calls.
func ours(module, _ string) bool { return module == "k8s.io/kubectl" }
