package kubectl

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
)

func TestUpstream(t *testing.T) {
	for _, tc := range []struct {
		name, function, file string
		want                 trace.Frame
		ok                   bool
	}{
		{
			name:     "a method, from the module cache",
			function: "k8s.io/kubectl/pkg/cmd/create.(*CreateDeploymentOptions).Run",
			file:     "/go/pkg/mod/k8s.io/kubectl@v0.36.3/pkg/cmd/create/create_deployment.go",
			want: trace.Frame{
				Func: "create.(*CreateDeploymentOptions).Run",
				File: "staging/src/k8s.io/kubectl/pkg/cmd/create/create_deployment.go",
				Line: 7,
			},
			ok: true,
		},
		{
			name:     "built with -trimpath",
			function: "k8s.io/kubectl/pkg/cmd/apply.(*ApplyOptions).Run.func1",
			file:     "k8s.io/kubectl@v0.36.3/pkg/cmd/apply/apply.go",
			want: trace.Frame{
				Func: "apply.(*ApplyOptions).Run.func1",
				File: "staging/src/k8s.io/kubectl/pkg/cmd/apply/apply.go",
				Line: 7,
			},
			ok: true,
		},
		{name: "the client library", function: "k8s.io/client-go/rest.(*Request).Do", file: "k8s.io/client-go@v0.36.3/rest/request.go"},
		{name: "no module path", function: "k8s.io/kubectl/pkg/cmd.x", file: "/src/kubectl/pkg/cmd/x.go"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := upstream(runtime.Frame{Function: tc.function, File: tc.file, Line: 7})
			if got != tc.want || ok != tc.ok {
				t.Errorf("upstream(%s) = %+v, %t, want %+v, %t", tc.function, got, ok, tc.want, tc.ok)
			}
		})
	}
}

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
