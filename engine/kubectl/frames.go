package kubectl

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/kubestep/kubestep/engine/trace"
)

// module is kubectl's import path; in the Kubernetes repository it lies under staging/src.
const module = "k8s.io/kubectl/"

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

// auditIDHeader names a request; the API server keeps a client's choice (apiserver's filters.WithAuditInit).
const auditIDHeader = "Audit-ID"

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if t.run != "" {
		r.Header.Set(auditIDHeader, fmt.Sprintf("%s-%d", t.run, t.sent.Add(1)))
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		r.Header.Set(trace.FramesHeader, trace.EncodeFrames(frames()))
	}
	return t.next.RoundTrip(r)
}

// frames returns the functions of kubectl on the caller's stack, innermost first.
func frames() []trace.Frame {
	pcs := make([]uintptr, 128) // kubectl's visitors nest deeply
	stack := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var out []trace.Frame
	for {
		f, more := stack.Next()
		if frame, ok := upstream(f); ok {
			out = append(out, frame)
		}
		if !more || len(out) == trace.MaxFrames {
			return out
		}
	}
}

// upstream returns the frame as a reader finds it in the Kubernetes repository; ok is false for other code.
func upstream(f runtime.Frame) (frame trace.Frame, ok bool) {
	if !strings.HasPrefix(f.Function, module) {
		return trace.Frame{}, false
	}
	// With and without -trimpath the path holds the module as "k8s.io/kubectl@v0.36.3/".
	_, file, found := strings.Cut(f.File, strings.TrimSuffix(module, "/")+"@")
	if !found {
		return trace.Frame{}, false
	}
	_, file, _ = strings.Cut(file, "/")
	return trace.Frame{
		Func: f.Function[strings.LastIndex(f.Function, "/")+1:],
		File: "staging/src/" + module + file,
		Line: f.Line,
	}, true
}
