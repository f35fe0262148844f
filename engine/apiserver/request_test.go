package apiserver

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"k8s.io/apimachinery/pkg/util/sets"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"

	"github.com/kubestep/kubestep/engine/trace"
)

func TestDescribe(t *testing.T) {
	requests := &requestTap{
		kinds: newKinds(), starting: func() bool { return false },
		resolver: &apirequest.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")},
	}
	for _, test := range []struct {
		name, method, path, body string
		loopback                 bool
		verb, object             string
		background               bool
		client                   string // of the User-Agent
	}{
		{name: "create", method: "POST", path: "/apis/apps/v1/namespaces/default/deployments", body: `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web"}}`,
			verb: "create", object: "deployment/default/web"},
		{name: "namespace", method: "DELETE", path: "/api/v1/namespaces/demo", verb: "delete", object: "namespace/demo"},
		{name: "kind of a CRD", method: "POST", path: "/apis/x.io/v1/namespaces/default/widgets", body: `{"kind":"Widget","metadata":{"name":"w"}}`,
			verb: "create", object: "widget/default/w"},
		{name: "binding is about its Pod", method: "POST", path: "/api/v1/namespaces/default/pods/web/binding", body: `{"kind":"Binding","metadata":{"uid":"u"}}`,
			verb: "create", object: "pod/default/web"},
		{name: "delete options are no object", method: "DELETE", path: "/api/v1/namespaces/default/pods/web", body: `{"kind":"DeleteOptions"}`,
			verb: "delete", object: "pod/default/web"},
		{name: "exec", method: "GET", path: "/api/v1/namespaces/default/pods/web/exec?command=ls", verb: "connect", object: "pod/default/web"},
		{name: "list from outside", method: "GET", path: "/api/v1/namespaces/default/pods", verb: "list", object: "pod/default"},
		{name: "completion", method: "GET", path: "/api/v1/namespaces/default/pods", verb: "list", object: "pod/default", client: "/completion", background: true},
		{name: "list of its own", method: "GET", path: "/api/v1/pods", loopback: true, verb: "list", object: "pod", background: true},
		{name: "watch", method: "GET", path: "/api/v1/pods?watch=true", verb: "watch", object: "pod", background: true},
		{name: "discovery", method: "GET", path: "/apis", verb: "get", object: "", background: true},
		{name: "lease", method: "PUT", path: "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n", verb: "update", object: "lease/kube-node-lease/n", background: true},
		{name: "access review", method: "POST", path: "/apis/authorization.k8s.io/v1/subjectaccessreviews", verb: "create", object: "subjectaccessreview", background: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			r.Header.Set("User-Agent", "kubectl/v1.36.3 (linux/amd64) kubernetes/abc"+test.client)
			info, err := requests.resolver.NewRequestInfo(r)
			if err != nil {
				t.Fatal(err)
			}
			e, detail := requests.describe(r, info, test.loopback)
			if e.Verb != test.verb || e.Object.String() != test.object || e.Background != test.background {
				t.Errorf("got %s %s, background %v", e.Verb, e.Object, e.Background)
			}
			if actor := e.Actor; test.loopback != (actor == Actor) || !test.loopback && actor != "kubectl" {
				t.Errorf("the actor is %s", actor)
			}
			if detail.AuditID == "" || r.Header.Get("Audit-ID") != detail.AuditID {
				t.Error("the stages cannot find the request")
			}
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != test.body {
				t.Errorf("the handler reads %q, %v", got, err)
			}
		})
	}
}

func TestBodyThatFails(t *testing.T) {
	broken := errors.New("connection lost")
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
	if got := readBody(r); got != nil {
		t.Errorf("kept %q", got)
	}
	if got, err := io.ReadAll(r.Body); string(got) != "half" || !errors.Is(err, broken) {
		t.Errorf("the handler reads %q, %v", got, err)
	}
	long := strings.Repeat("x", maxBody+10)
	r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(long))
	if got := readBody(r); got != nil {
		t.Errorf("kept %d bytes", len(got))
	}
	if got, err := io.ReadAll(r.Body); len(got) != len(long) || err != nil {
		t.Errorf("the handler reads %d bytes, %v", len(got), err)
	}
}

func TestFramesFromOutside(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(trace.FramesHeader, trace.EncodeFrames([]trace.Frame{{Func: "create.Run", File: "create.go", Line: 7}}))
	if got := takeFrames(r); len(got) != 1 || got[0].Line != 7 {
		t.Errorf("got %v", got)
	}
	if r.Header.Get(trace.FramesHeader) != "" {
		t.Error("the header was passed on")
	}
	r.Header.Set(trace.FramesHeader, "noise")
	if got := takeFrames(r); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestAgent(t *testing.T) {
	for in, want := range map[string]string{
		"kubectl/v1.36.3 (linux/amd64) kubernetes/abc": "kubectl", "curl": "curl", "Go http client": "Go", "": "unknown client",
	} {
		if got := agent(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
