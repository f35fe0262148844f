package kubectl

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
)

func TestTransport(t *testing.T) {
	var got []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
	}))
	defer server.Close()
	wrap := newTransport("run-x")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		// A client of its own for each request: the count goes over all of them.
		response, err := wrap(http.DefaultTransport).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if len(r.Header) != 0 {
			t.Errorf("%s: the caller's request was changed: %v", method, r.Header)
		}
	}
	if a, b := got[0].Get(auditIDHeader), got[1].Get(auditIDHeader); a != "run-x-1" || b != "run-x-2" {
		t.Errorf("audit IDs are %q and %q, want run-x-1 and run-x-2", a, b)
	}
	if got[0].Get(trace.FramesHeader) != "" {
		t.Error("a read carries a call stack")
	}
	if _, err := trace.DecodeFrames(got[1].Get(trace.FramesHeader)); err != nil {
		t.Error(err)
	}
}

func TestCommand(t *testing.T) {
	cmd, err := Command(t.Context(), Call{Args: []string{"get", "pods"}, Kubeconfig: "/k", Run: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(cmd.Args[1:], " "); got != "kubectl get pods" {
		t.Errorf("arguments are %q, want kubectl get pods", got)
	}
	env := strings.Join(cmd.Env, "\n")
	for _, want := range []string{KubeconfigEnv + "=/k", RunEnv + "=r"} {
		if !strings.Contains(env, want) {
			t.Errorf("the environment lacks %s", want)
		}
	}
}
