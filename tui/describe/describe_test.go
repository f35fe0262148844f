package describe

import (
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/text"
)

func plain(lines []richtext.Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l.Plain(), " ") + "\n")
	}
	return b.String()
}

func TestYAML(t *testing.T) {
	lines, err := YAML([]byte(`{"kind":"Pod","metadata":{"name":"web","managedFields":[{"a":1}],"labels":{"app":"web","v":"1","on":"true"}},
		"spec":{"nodeName":"","args":[],"opts":{},"n":9007199254740993,"containers":[{"name":"web","ports":[{"containerPort":8080}]},{"name":"b: c"}],"list":["x",null,true]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `kind: Pod
metadata:
  name: web
  labels:
    app: web
    v: "1"
    "on": "true"
spec:
  nodeName: ""
  args: []
  opts: {}
  n: 9007199254740993
  containers:
  - name: web
    ports:
    - containerPort: 8080
  - name: "b: c"
  list:
  - x
  - null
  - true
`
	if got := plain(lines); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if _, err := YAML([]byte(`{"a":`)); err == nil {
		t.Error("half an object was taken for a whole one")
	}
}

func TestWords(t *testing.T) {
	pod := trace.Object{Kind: "Pod", Namespace: "default", Name: "web-1"}
	exit := int32(137)
	tests := []struct {
		name string
		e    trace.Event
		want string
	}{
		{"binding", trace.Event{Actor: "kube-scheduler", Kind: trace.APIRequest, Verb: "create", Subresource: "binding", Object: pod,
			Detail: &trace.RequestDetail{Resource: "pods", Status: 201, Body: trace.JSONBody([]byte(`{"target":{"name":"node-2"}}`))}},
			"kube-scheduler  create  pods/web-1/binding  → node-2 201"},
		{"to be named", trace.Event{Actor: "replicaset-controller", Kind: trace.APIRequest, Verb: "create", Object: trace.Object{Kind: "Pod", Namespace: "default"},
			Detail: &trace.RequestDetail{Resource: "pods", Body: trace.JSONBody([]byte(`{"metadata":{"generateName":"web-76dd6bbb88-"}}`))}},
			"replicaset-controller  create  pods/web-76dd6bbb88-?"},
		{"delivery", trace.Event{Actor: "kubelet@node-1", Kind: trace.WatchDeliver, Verb: "modified", Object: pod}, "kubelet@node-1  ◂ modified  pods/web-1"},
		{"other namespace", trace.Event{Actor: "x", Verb: "get", Object: trace.Object{Kind: "NetworkPolicy", Namespace: "kube-system", Name: "a"}},
			"x  get  kube-system/networkpolicies/a"},
		{"commit of no known object", trace.Event{Actor: "etcd", Verb: "put", EtcdRevision: 7, Detail: &trace.CommitDetail{Key: "/registry/x"}}, "etcd  put  /registry/x  rev 7"},
		{"exit", trace.Event{Actor: "containerd@node-1", Kind: trace.CRICall, Verb: "exit", Object: pod, Detail: &trace.CRIDetail{Name: "web", ExitCode: &exit}},
			"containerd@node-1  exit  pods/web-1  web exit 137"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Event(&tt.e).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A damaged recording must not loop or read as complete.
func TestCausesThatCannotBeFollowed(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	store.Load(trace.Event{Seq: 3, Actor: "a", Verb: "get", Cause: 3})
	store.Load(trace.Event{Seq: 4, Actor: "b", Verb: "get", Cause: 2, CauseLink: trace.Exact})
	for _, cause := range []uint64{3, 4} {
		s := Subject{Event: trace.Event{Actor: "c", Verb: "get", Cause: cause}}
		if got := plain(Lines(text.In(text.English), Why, s, store)); !strings.Contains(got, "no longer kept") {
			t.Errorf("cause %d:\n%s", cause, got)
		}
	}
}

func TestBodyThatCannotBeDecoded(t *testing.T) {
	s := Subject{Event: trace.Event{Kind: trace.EtcdCommit, Detail: &trace.CommitDetail{After: trace.JSONBody([]byte("k8s\x00"))}}}
	for _, page := range []Page{Why, Diff, Object} {
		if got := plain(Lines(text.In(text.English), page, s, trace.NewStore(trace.Limits{}))); !strings.Contains(got, "cannot be shown") {
			t.Errorf("page %d:\n%s", page, got)
		}
	}
}
