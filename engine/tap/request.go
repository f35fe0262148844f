package tap

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// auditHeader names a request; the API server keeps the name it is given (k8s.io/apiserver/pkg/apis/audit, HeaderAuditID).
const auditHeader = "Audit-ID"

// call is one request on its way.
type call struct {
	*client
	request  *http.Request // what is sent
	resource schema.GroupVersionResource
	event    trace.Event
	detail   trace.RequestDetail
	span     *trace.Span
	forget   func()
}

// newCall reads what req asks for. It takes the request's body, if that is a write's, and puts it back.
func (t *transport) newCall(req *http.Request) (*call, error) {
	info, err := t.paths.NewRequestInfo(req)
	if err != nil { // an odd path is the API server's to refuse
		info = &request.RequestInfo{Path: req.URL.Path, Verb: "get"}
	}
	c := &call{client: t.client, request: withHeader(req)}
	c.detail = trace.RequestDetail{
		Method:    req.Method,
		URI:       req.URL.RequestURI(),
		Resource:  info.Resource,
		UserAgent: req.UserAgent(),
	}
	if c.detail.AuditID = req.Header.Get(auditHeader); c.detail.AuditID == "" {
		c.detail.AuditID = t.ids.next()
		c.request.Header.Set(auditHeader, c.detail.AuditID)
	}
	c.event = trace.Event{
		Actor:       t.Actor,
		Process:     t.Process,
		Kind:        trace.APIRequest,
		Verb:        verb(info),
		Subresource: info.Subresource,
		Root:        t.Root,
	}
	if info.IsResourceRequest {
		c.resource = schema.GroupVersionResource{Group: info.APIGroup, Version: info.APIVersion, Resource: info.Resource}
		c.event.Object = trace.Object{
			APIVersion: c.resource.GroupVersion().String(),
			Kind:       t.kind(c.resource),
			Namespace:  info.Namespace,
			Name:       info.Name,
		}
		if info.Resource == "namespaces" { // a path below namespaces/x is in x; x itself is in none
			c.event.Object.Namespace = ""
		}
	}
	if c.event.Writes() {
		raw, err := takeBody(c.request)
		if err != nil {
			return nil, fmt.Errorf("reading the body of %s %s: %w", req.Method, req.URL.Path, err)
		}
		c.sent(req.Header.Get("Content-Type"), raw)
	}
	c.event.Background = t.Background || background(info, &c.event)
	if !c.event.Background {
		c.event.Frames = Frames()
	}
	detail := c.detail
	c.event.Detail = &detail
	if _, known := trace.CauseFrom(req.Context()); !known && t.Cause != nil {
		if c.event.Cause = t.Cause(&c.event); c.event.Cause != 0 {
			c.event.CauseLink = trace.Inferred
		}
	}
	return c, nil
}

// sent takes in what a write carries.
func (c *call) sent(mediaType string, raw []byte) {
	c.detail.Body = trace.NewBody(mediaType, raw, wire.Decode)
	m, ok := wire.Read(mediaType, raw)
	if !ok || m.Kind == "DeleteOptions" {
		return
	}
	o := &c.event.Object
	if c.event.Subresource == "" || c.event.Subresource == "status" {
		c.learn(c.resource, m.Kind)
		if o.Kind == "" {
			o.Kind = m.Kind
		}
	}
	if o.Name == "" {
		o.Name = m.Name
	}
	o.UID = m.UID
	c.event.Refs = m.Refs()
}

// withHeader returns a copy of req whose header may be changed: a RoundTripper must leave the caller's alone.
func withHeader(req *http.Request) *http.Request {
	out := *req
	out.Header = req.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	return &out
}

// takeBody returns the request's body and leaves a fresh one in its place.
func takeBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	raw, err := io.ReadAll(req.Body)
	if closing := req.Body.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(raw))
	return raw, nil
}

// verb returns the request's verb. Streams to a container or through a proxy are "connect", as they are in admission.
func verb(info *request.RequestInfo) string {
	switch info.Subresource {
	case "exec", "attach", "portforward", "proxy":
		return "connect"
	}
	if !info.IsResourceRequest && info.Verb != "get" {
		return "post" // not a write of an object, whatever the method
	}
	return info.Verb
}

// background reports whether a request is one of those that go on all the time. The gate never holds them.
func background(info *request.RequestInfo, e *trace.Event) bool {
	if !info.IsResourceRequest { // discovery, OpenAPI, health
		return true
	}
	switch e.Verb {
	case "list", "watch":
		return true
	}
	switch info.APIGroup {
	case "coordination.k8s.io", "authentication.k8s.io", "authorization.k8s.io": // leases, token and access reviews
		return true
	}
	switch {
	case info.Resource == "nodes" && isKubelet(e.Actor):
		// Reads its Node and patches the status every few seconds; only registering the Node is worth a look.
		return e.Verb == "get" || info.Subresource == "status"
	case info.Subresource == "token":
		// Without a Pod that it is bound to, a token is a component's own credential.
		return len(e.Refs.Involved) == 0
	}
	return false
}

func isKubelet(actor string) bool { return len(actor) > 8 && actor[:8] == "kubelet@" }
