package tap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubestep/kubestep/engine/trace"
)

func TestRequests(t *testing.T) {
	const namespace = "default"
	tests := []struct {
		name string
		do   func(ctx context.Context, c kubernetes.Interface) error
		want trace.Event // what matters of it; Detail apart
		body string      // in what was sent
		back string      // in what came back
	}{{
		name: "create with a generated name",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			p := pod("", "")
			p.UID, p.GenerateName = "", "web-"
			_, err := c.CoreV1().Pods(namespace).Create(ctx, p, metav1.CreateOptions{})
			return err
		},
		want: trace.Event{
			Verb: "create", ResourceVersion: "7", Refs: trace.Refs{Owners: []string{"owner-1"}},
			Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "web-abcde", UID: "uid-1"},
		},
		body: `"generateName":"web-"`, back: `"name":"web-abcde"`,
	}, {
		name: "binding is about the Pod",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			return c.CoreV1().Pods(namespace).Bind(ctx, &v1.Binding{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web", UID: "uid-1"},
				Target:     v1.ObjectReference{Kind: "Node", Name: "node-1"},
			}, metav1.CreateOptions{})
		},
		want: trace.Event{
			Verb: "create", Subresource: "binding", Refs: trace.Refs{Involved: []string{"uid-1"}},
			Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "web", UID: "uid-1"},
		},
		body: `"name":"node-1"`, back: `"bound web"`,
	}, {
		name: "patch of the status",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			_, err := c.CoreV1().Pods(namespace).Patch(ctx, "web", types.StrategicMergePatchType,
				[]byte(`{"metadata":{"uid":"uid-1"},"status":{"phase":"Running"}}`), metav1.PatchOptions{}, "status")
			return err
		},
		want: trace.Event{
			Verb: "patch", Subresource: "status", ResourceVersion: "9", Refs: trace.Refs{Owners: []string{"owner-1"}},
			Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "web", UID: "uid-1"},
		},
		body: `"phase":"Running"`, back: `"resourceVersion":"9"`,
	}, {
		name: "get",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			_, err := c.CoreV1().Pods(namespace).Get(ctx, "web", metav1.GetOptions{})
			return err
		},
		want: trace.Event{
			Verb: "get", ResourceVersion: "9", Refs: trace.Refs{Owners: []string{"owner-1"}},
			Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "web", UID: "uid-1"},
		},
		back: `"name":"web"`,
	}, {
		name: "delete",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			return c.CoreV1().Pods(namespace).Delete(ctx, "web", metav1.DeleteOptions{})
		},
		want: trace.Event{
			Verb: "delete", Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "web"},
		},
		body: `"kind":"DeleteOptions"`, back: `"status":"Success"`,
	}, {
		name: "refused",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			if err := c.CoreV1().Pods(namespace).Delete(ctx, "missing", metav1.DeleteOptions{}); err == nil {
				return errors.New("it was there")
			}
			return nil
		},
		want: trace.Event{
			Verb: "delete", Error: `pods "missing" not found`,
			Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "missing"},
		},
		body: `"DeleteOptions"`, back: `"reason":"NotFound"`,
	}, {
		name: "list is set-up",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			_, err := c.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
			return err
		},
		want: trace.Event{
			Verb: "list", Background: true, Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace},
		},
	}, {
		name: "lease",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			_, err := c.CoordinationV1().Leases(namespace).Create(ctx,
				&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}, metav1.CreateOptions{})
			return err
		},
		want: trace.Event{
			Verb: "create", Background: true,
			Object: trace.Object{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Namespace: namespace, Name: "node-1"},
		},
		body: `"name":"node-1"`, back: `"name":"node-1"`,
	}, {
		name: "token of a Pod",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			_, err := c.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, "default", &authenticationv1.TokenRequest{
				Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Pod", UID: "uid-1"}},
			}, metav1.CreateOptions{})
			return err
		},
		want: trace.Event{
			Verb: "create", Subresource: "token", Refs: trace.Refs{Involved: []string{"uid-1"}},
			Object: trace.Object{APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: "default"},
		},
		body: `"boundObjectRef"`, back: `"boundObjectRef"`,
	}, {
		name: "token of a component",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			_, err := c.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
			return err
		},
		want: trace.Event{
			Verb: "create", Subresource: "token", Background: true,
			Object: trace.Object{APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: "default"},
		},
		body: `"TokenRequest"`, back: `"TokenRequest"`,
	}, {
		name: "heartbeat of a kubelet",
		do: func(ctx context.Context, c kubernetes.Interface) error {
			_, err := c.CoreV1().Nodes().PatchStatus(ctx, "node-1", []byte(`{}`))
			return err
		},
		want: trace.Event{
			Verb: "patch", Subresource: "status", Background: true, ResourceVersion: "9",
			Refs:   trace.Refs{Owners: []string{"owner-1"}},
			Object: trace.Object{APIVersion: "v1", Kind: "Node", Name: "web", UID: "uid-1"},
		},
		body: `{}`, back: `"Pod"`,
	}}
	for _, encoding := range encodings {
		for _, test := range tests {
			t.Run(encoding+"/"+test.name, func(t *testing.T) {
				s := newServer(t)
				client, store := s.client(encoding, nil, Client{Actor: "kubelet@node-1"})
				if err := test.do(t.Context(), client); err != nil {
					t.Fatal(err)
				}
				e := only(t, events(store, trace.APIRequest))
				if e.Open {
					t.Error("the event is open")
				}
				want := test.want
				want.Actor, want.Kind = "kubelet@node-1", trace.APIRequest
				want.Seq, want.Time, want.DurationMs = e.Seq, e.Time, e.DurationMs
				detail := e.Detail.(*trace.RequestDetail)
				got := e
				got.Detail = nil
				if a, b := asJSON(t, got), asJSON(t, want); a != b {
					t.Errorf("the event is\n%s, not\n%s", a, b)
				}
				contains(t, "what was sent", detail.Body, test.body)
				contains(t, "what came back", detail.Response, test.back)
				if header := s.requests[0].Header.Get(auditHeader); header == "" || header != detail.AuditID {
					t.Errorf("the server got Audit-ID %q, the event has %q", header, detail.AuditID)
				}
				if want := s.requests[0].URL.RequestURI(); detail.URI != want {
					t.Errorf("URI is %q, not %q", detail.URI, want)
				}
			})
		}
	}
}

func contains(t *testing.T, what string, body *trace.Body, part string) {
	t.Helper()
	raw, err := body.JSON()
	switch {
	case err != nil:
		t.Errorf("%s: %v", what, err)
	case part == "" && len(raw) > 0:
		t.Errorf("%s: %s was kept", what, raw)
	case !strings.Contains(string(raw), part):
		t.Errorf("%s is %s, without %s", what, raw, part)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestHeldRequestIsNotSent(t *testing.T) {
	s := newServer(t)
	gate := hold(func(e *trace.Event) bool { return e.Writes() })
	client, store := s.client(encodings[1], gate, Client{Actor: "replicaset-controller", Process: "kube-controller-manager"})
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	create := func(ctx context.Context) {
		_, err := client.CoreV1().Pods("default").Create(ctx, pod("web", ""), metav1.CreateOptions{})
		answered <- err
	}

	go create(ctx)
	e := within(t, gate.held, "the held request")
	if e.Process != "kube-controller-manager" || e.Object.Name != "web" || e.Seq != 0 {
		t.Errorf("held is %+v", e)
	}
	if n := s.seen(); n != 0 {
		t.Fatalf("the server has seen %d requests", n)
	}
	cancel()
	if err := within(t, answered, "the cancelled request"); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if list := events(store, trace.APIRequest); s.seen() != 0 || len(list) != 0 {
		t.Errorf("what never happened was sent %d times and is in the store:%s", s.seen(), describe(list))
	}

	go create(t.Context())
	within(t, gate.held, "the second held request")
	gate.go_ <- struct{}{}
	if err := within(t, answered, "the released request"); err != nil {
		t.Error(err)
	}
	if n := s.seen(); n != 1 {
		t.Errorf("the server has seen %d requests", n)
	}
}

func TestBackgroundClientIsNotHeld(t *testing.T) {
	s := newServer(t)
	gate := hold(func(*trace.Event) bool { return true })
	client, store := s.client(encodings[0], gate, Client{Actor: "kube-controller-manager", Background: true})
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod("web", ""), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if e := only(t, events(store, trace.APIRequest)); !e.Background {
		t.Errorf("the event is %+v", e)
	}
}

func TestCauseFromContext(t *testing.T) {
	s := newServer(t)
	client, store := s.client(encodings[0], nil, Client{Actor: "kube-scheduler"})
	for range 3 { // a cause is older than its effect
		if _, err := client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx := trace.WithCause(t.Context(), 2)
	if _, err := client.CoreV1().Pods("default").Get(ctx, "web", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	list := events(store, trace.APIRequest)
	if e := list[len(list)-1]; e.Cause != 2 || e.CauseLink != trace.Exact {
		t.Errorf("the cause is %d, %s", e.Cause, e.CauseLink)
	}
}

func TestCauseFromClient(t *testing.T) {
	s := newServer(t)
	client, store := s.client(encodings[0], nil, Client{Actor: "kube-scheduler", Cause: func(e *trace.Event) uint64 {
		if e.Verb == "delete" {
			return 1
		}
		return 0
	}})
	pods := client.CoreV1().Pods("default")
	if _, err := pods.Get(t.Context(), "web", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := pods.Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := pods.Delete(trace.WithCause(t.Context(), 2), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events(store, trace.APIRequest) {
		got = append(got, fmt.Sprint(e.Cause, e.CauseLink))
	}
	if want := "0 1inferred 1inferred 2exact"; strings.Join(got, " ") != want {
		t.Errorf("the causes are %v, not %s", got, want)
	}
}

func TestRequestKeepsItsBody(t *testing.T) {
	s := newServer(t)
	store := trace.NewStore(trace.Limits{})
	wrapped := New(trace.NewTap(store, nil), Client{Actor: "kubectl", Root: true})(http.DefaultTransport)
	// A body that can be read once, of unknown length, as clients other than client-go may send.
	body := io.NopCloser(strings.NewReader(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"}}`))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/v1/namespaces/default/pods", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := wrapped.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if req.Header.Get(auditHeader) != "" {
		t.Error("the caller's header was changed")
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	e := only(t, events(store, trace.APIRequest))
	if resp.StatusCode != http.StatusCreated || e.Object.UID != "uid-1" || !e.Root || e.Cause != 0 {
		t.Errorf("status %d, event %+v", resp.StatusCode, e)
	}
}

func TestTransportError(t *testing.T) {
	s := newServer(t)
	client, store := s.client(encodings[0], nil, Client{Actor: "kubectl"})
	s.Close()
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod("web", ""), metav1.CreateOptions{}); err == nil {
		t.Fatal("a closed server answered")
	}
	e := events(store, trace.APIRequest)[0]
	if e.Open || !strings.Contains(e.Error, "refused") {
		t.Errorf("the event is open: %v, error %q", e.Open, e.Error)
	}
}
