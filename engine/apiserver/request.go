package apiserver

import (
	"bytes"
	"crypto/subtle"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/endpoints/responsewriter"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/kubestep/kubestep/engine/tap"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// Actor is the name under which the server's stages, and the requests that it makes to itself, are reported.
const Actor = "kube-apiserver"

// maxBody is what the API accepts (k8s.io/apiserver/pkg/server/config.go, MaxRequestBodyBytes).
const maxBody = 3 << 20

// requestTap is the outermost filter of the server. A request of one of the lab's components has been reported by the
// component's own tap and bears an audit ID that the tap knows; it goes on as it is. Any other comes from outside, or
// from the server itself, and is reported here.
type requestTap struct {
	tap           *trace.Tap
	every         func() bool
	starting      func() bool // whether the server still sets itself up
	kinds         kinds
	loopbackToken string
	resolver      apirequest.RequestInfoResolver
	longRunning   apirequest.LongRunningRequestCheck
}

type chainBuilder = func(http.Handler, *genericapiserver.Config) http.Handler

// around returns a builder of handler chains that puts t around what build makes.
func (t *requestTap) around(build chainBuilder) chainBuilder {
	return func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		filter := *t
		filter.resolver, filter.longRunning = c.RequestInfoResolver, c.LongRunningFunc
		next := build(handler, c)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { filter.serve(w, r, next) })
	}
}

func (t *requestTap) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	info, err := t.resolver.NewRequestInfo(r)
	if err != nil {
		next.ServeHTTP(w, r) // it says what is wrong with the request
		return
	}
	ctx := r.Context()
	if !t.longRunning(r, info) {
		ctx = patient{ctx}
	}
	frames := takeFrames(r)
	if seq, background, ok := t.tap.Request(r.Header.Get(auditinternal.HeaderAuditID)); ok {
		inner := &traced{tap: t.tap, seq: seq, background: background, every: !background && t.every(), gone: ctx.Done()}
		if !background {
			inner.object = t.object(info, wire.Meta{})
			if event, ok := t.tap.Store().Get(seq); ok {
				inner.object = event.Object
			}
		}
		next.ServeHTTP(w, r.WithContext(trace.WithCause(withTraced(ctx, inner), seq)))
		return
	}
	loopback := t.fromServer(r)
	event, detail := t.describe(r, info, loopback)
	event.Frames = frames
	span, err := t.tap.Begin(ctx, event)
	if err != nil { // the client has gone, or the lab ends
		http.Error(w, "the request was given up while it was held: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	forget := t.tap.TrackRequest(detail.AuditID, span)
	defer forget()
	response := &capture{ResponseWriter: w, body: event.Writes() && event.Verb != "connect"}
	defer func() { span.End(nil, response.result(*detail)) }()
	inner := &traced{
		tap: t.tap, seq: span.Seq(), background: event.Background, object: event.Object, gone: ctx.Done(),
		every: !event.Background && (!loopback || t.every()),
	}
	ctx = trace.WithCause(withTraced(ctx, inner), span.Seq())
	next.ServeHTTP(responsewriter.WrapForHTTP1Or2(response), r.WithContext(ctx))
}

// fromServer reports whether the server itself made the request: it has a token that nobody else knows.
func (t *requestTap) fromServer(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && t.loopbackToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(t.loopbackToken)) == 1
}

// describe returns the event of a request that nobody has reported yet, and names the request for the stages inside.
func (t *requestTap) describe(r *http.Request, info *apirequest.RequestInfo, loopback bool) (trace.Event, *trace.RequestDetail) {
	auditID := r.Header.Get(auditinternal.HeaderAuditID)
	if auditID == "" {
		auditID = uuid.NewString()
		r.Header.Set(auditinternal.HeaderAuditID, auditID)
	}
	detail := &trace.RequestDetail{
		Method: r.Method, URI: r.URL.RequestURI(), Resource: info.Resource, UserAgent: r.UserAgent(), AuditID: auditID,
	}
	e := trace.Event{
		Actor: agent(r.UserAgent()), Kind: trace.APIRequest, Verb: info.Verb, Subresource: info.Subresource,
		Root: true, Background: background(info, loopback), Detail: detail,
	}
	if tap.Completes(r.UserAgent()) && !e.Writes() {
		e.Background = true
	}
	if loopback {
		e.Actor = Actor
		e.Background = e.Background || t.starting()
	}
	if connects(info) {
		e.Verb = "connect"
	}
	var sent wire.Meta
	if e.Writes() {
		contentType := r.Header.Get("Content-Type")
		if raw := readBody(r); raw != nil {
			detail.Body = trace.NewBody(contentType, raw, wire.Decode)
			sent, _ = wire.Read(contentType, raw)
		}
	}
	e.Object = t.object(info, sent)
	e.Refs = sent.Refs()
	return e, detail
}

// object returns what a request is about, from its path and the object that it sends.
func (t *requestTap) object(info *apirequest.RequestInfo, sent wire.Meta) trace.Object {
	if !info.IsResourceRequest {
		return trace.Object{}
	}
	o := trace.Object{APIVersion: info.APIVersion, Namespace: info.Namespace, Name: info.Name}
	if info.APIGroup != "" {
		o.APIVersion = info.APIGroup + "/" + info.APIVersion
	}
	if info.Resource == "namespaces" { // a path below namespaces/x is in x; x itself is in none
		o.Namespace = ""
	}
	o.Kind = t.kinds.of(info)
	if info.Subresource != "" || sent.Kind == "" || sent.Kind == "DeleteOptions" {
		return o
	}
	if o.Kind == "" || o.Kind == sent.Kind {
		o.Kind, o.UID = sent.Kind, sent.UID
		if o.Name == "" {
			o.Name = sent.Name
		}
	}
	return o
}

// readBody returns what a request sends, nil when that is more than the API accepts, and leaves it to be read again.
func readBody(r *http.Request) []byte {
	if r.Body == nil {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(raw), rest), r.Body}
	if err != nil || len(raw) > maxBody {
		return nil
	}
	return raw
}

// failing passes a body's error on to who reads it next.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// takeFrames returns the call stack that a client outside the process sends along, and removes it.
func takeFrames(r *http.Request) []trace.Frame {
	encoded := r.Header.Get(trace.FramesHeader)
	if encoded == "" {
		return nil
	}
	r.Header.Del(trace.FramesHeader)
	frames, err := trace.DecodeFrames(encoded)
	if err != nil {
		return nil // only the client is worse off
	}
	return frames
}

// agent returns the product in a User-Agent: "kubectl" of "kubectl/v1.36.3 (linux/amd64) kubernetes/abc".
func agent(userAgent string) string {
	product, _, _ := strings.Cut(userAgent, "/")
	product, _, _ = strings.Cut(product, " ")
	if product == "" {
		return "unknown client"
	}
	return product
}
