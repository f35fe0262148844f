package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func pod(name string) trace.Object {
	return trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: name, UID: "uid-" + name}
}

// commit is etcd's event of an object written.
func commit(seq uint64, cause uint64, o trace.Object, spec string) trace.Event {
	return trace.Event{Seq: seq, Cause: cause, Time: epoch.Add(time.Duration(seq) * time.Millisecond), Actor: "etcd", Kind: trace.EtcdCommit, Verb: "put", Object: o, EtcdRevision: int64(seq),
		Detail: &trace.CommitDetail{Key: "/registry/" + o.String(), After: trace.JSONBody(fmt.Appendf(nil, `{"metadata":{"name":%q,"namespace":%q,"uid":%q},%s}`, o.Name, o.Namespace, o.UID, spec))}}
}

func removal(seq uint64, o trace.Object) trace.Event {
	return trace.Event{Seq: seq, Actor: "etcd", Kind: trace.EtcdCommit, Verb: "delete", Object: o, EtcdRevision: int64(seq), Detail: &trace.CommitDetail{}}
}

func request(seq uint64, actor, verb string, o trace.Object, status int) trace.Event {
	return trace.Event{Seq: seq, Time: epoch, Actor: actor, Kind: trace.APIRequest, Verb: verb, Object: o, Detail: &trace.RequestDetail{Status: status, Resource: "pods"}}
}

// lived is a world in which an attempt has begun at event 10.
func lived() *World {
	w := NewWorld()
	node := trace.Object{APIVersion: "v1", Kind: "Node", Name: "node-1"}
	w.Load(engine.Snapshot{Objects: []engine.StoredObject{{Object: node, Revision: 3, Body: trace.JSONBody([]byte(`{"metadata":{"name":"node-1"}}`))}}})
	w.Observe([]trace.Event{commit(9, 0, pod("old"), `"spec":{"n":1}`), request(10, "kubectl", "create", pod("old"), 201)})
	w.Begin()
	w.Observe([]trace.Event{
		request(11, "kubectl", "create", pod("web"), 201), commit(12, 11, pod("web"), `"spec":{"n":7,"half":0.5}`),
		{Seq: 13, Cause: 12, Actor: "kubelet@node-1", Kind: trace.WatchDeliver, Verb: "added", Object: pod("web"), Time: epoch},
	})
	w.Step()
	w.Observe([]trace.Event{commit(14, 0, pod("web"), `"spec":{"n":8},"status":{"phase":"Running"}`)})
	w.Hold([]trace.Held{{ID: 1, Event: trace.Event{Actor: "kube-scheduler", Kind: trace.APIRequest, Verb: "create", Subresource: "binding", Object: pod("web")}}})
	return w
}

func TestExpressions(t *testing.T) {
	w := lived()
	for source, want := range map[string]any{
		`object("Pod", "web").spec.n`:                                            int64(8),
		`object("Pod", "default", "web").metadata.uid`:                           "uid-web",
		`object("Pod", "none") == {}`:                                            true,
		`object("Pod", "none").?spec.?n.orValue(5)`:                              int64(5),
		`object("Pod", "other", "web") == {}`:                                    true,
		`object("Node", "node-1").metadata.name`:                                 "node-1",
		`objects("Pod").map(p, p.metadata.name)`:                                 []any{"old", "web"},
		`objects("Pod", "kube-system").size()`:                                   int64(0),
		`objects("Pod", "*").size()`:                                             int64(2),
		`objects("Node").size()`:                                                 int64(1),
		`events("create pods").map(e, e.object.name)`:                            []any{"web"},
		`events("etcd.commit put pods").map(e, e.seq)`:                           []any{int64(12), int64(14)},
		`stepEvents("etcd.commit put pods").map(e, e.seq)`:                       []any{int64(14)},
		`events("kubectl create pods")[0].status`:                                int64(201),
		`events("etcd.commit put pods")[0].detail.after.spec.half`:               0.5,
		`events("etcd.commit put pods")[0].ms < events("etcd.commit")[1].ms`:     true,
		`events("kubelet@* watch.deliver pods")[0].node`:                         "node-1",
		`why(events("kubelet watch.deliver pods")[0]).map(e, e.component)`:       []any{"kubelet", "etcd", "kubectl"},
		`held("kube-scheduler create pods/binding")[0].object.name`:              "web",
		`held("delete pods").size()`:                                             int64(0),
		`events("create pods").map(e, e.error + e.subresource).distinct()`:       []any{""},
		`cel.bind(p, object("Pod", "web"), p.status.phase.lowerAscii())`:         "running",
		`events("etcd.commit put pods").last().value().seq`:                      int64(14),
		`object("Pod", "web").spec.n > 7.5`:                                      true,
		`held("create pods/binding").exists(e, e.component != "kube-scheduler")`: false,
	} {
		x, err := w.Compile(source, Any)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got, err := x.Value()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s = %v (%T), %v; want %v", source, got, got, err, want)
		}
	}
}

func TestWrongExpressions(t *testing.T) {
	w := lived()
	for source, want := range map[string]string{
		`objects("Pod").size()`:           "not bool",
		`objects(Pod)`:                    "undeclared reference to 'Pod'",
		`object("Pod")`:                   "found no matching overload",
		`1 +`:                             "column 4: Syntax error",
		`objects("pods").size() > 0`:      `write the kind as in a manifest, such as "Pod"`,
		`objects("P" + "od").size() > 0`:  "must be a string in quotes",
		`events("frobnicate").size() > 0`: "frobnicate",
		`held("kind=x y=z").size() > 0`:   `no field "y"`,
	} {
		_, err := w.Compile(source, Boolean)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
	x, err := w.Compile(`object("Pod", "none").spec.n == 1`, Boolean)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := x.True(); ok || err == nil {
		t.Errorf("a field that is not there gives %t, %v", ok, err)
	}
}

// An expression from anybody must not keep the program busy.
func TestCostIsLimited(t *testing.T) {
	w := lived()
	nested := strings.Repeat(`lists.range(1000).exists(x, `, 4) + `objects("Pod").size() == 99` + strings.Repeat(")", 4)
	x, err := w.Compile(nested, Boolean)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = x.True(); err == nil || !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("it ran to its end: %v", err)
	}
}

func TestStale(t *testing.T) {
	w := lived()
	compile := func(source string) *Expression {
		x, err := w.Compile(source, Any)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Value(); err != nil {
			t.Fatal(err)
		}
		return x
	}
	pods, nodes := compile(`objects("Pod").size()`), compile(`objects("Node").size()`)
	deletes, step := compile(`events("api.request delete pods").size()`), compile(`stepEvents("create nodes").size()`)
	held := compile(`held("*").size()`)
	all := map[string]*Expression{"pods": pods, "nodes": nodes, "deletes": deletes, "step": step, "held": held}
	for _, tt := range []struct {
		what  string
		do    func()
		stale []string
	}{
		{"an event that nothing reads", func() { w.Observe([]trace.Event{request(20, "kubectl", "get", pod("web"), 200)}) }, nil},
		{"a commit of a Pod", func() { w.Observe([]trace.Event{commit(21, 0, pod("web"), `"spec":{}`)}) }, []string{"pods"}},
		{"the same commit again", func() { w.Observe([]trace.Event{commit(21, 0, pod("web"), `"spec":{}`)}) }, nil},
		{"an event that one reads", func() { w.Observe([]trace.Event{request(22, "kubectl", "delete", pod("web"), 200)}) }, []string{"deletes"}},
		{"a removal", func() { w.Observe([]trace.Event{removal(23, pod("web"))}) }, []string{"pods"}},
		{"a new step", func() { w.Step() }, []string{"step"}},
		{"the gate", func() { w.Hold(nil) }, []string{"held"}},
	} {
		tt.do()
		var stale []string
		for name, x := range all {
			if x.Stale() {
				stale = append(stale, name)
			}
			if _, err := x.Value(); err != nil {
				t.Fatal(err)
			}
			if x.Stale() {
				t.Errorf("%s: %s is stale after it was evaluated", tt.what, name)
			}
		}
		if !slices.Equal(stale, tt.stale) {
			t.Errorf("%s makes %v stale, want %v", tt.what, stale, tt.stale)
		}
	}
}

func TestMade(t *testing.T) {
	w := lived()
	owned := commit(30, 0, pod("web-1"), `"spec":{}`)
	owned.Detail.(*trace.CommitDetail).After = trace.JSONBody([]byte(`{"metadata":{"name":"web-1","ownerReferences":[{"uid":"x"}]}}`))
	event := commit(31, 0, trace.Object{APIVersion: "v1", Kind: "Event", Namespace: "default", Name: "e"}, `"x":1`)
	w.Observe([]trace.Event{owned, event, commit(32, 0, pod("old"), `"spec":{"n":2}`)})
	if got := w.Made(); len(got) != 1 || got[0].Name != "web" {
		t.Errorf("made: %v, want only web", got)
	}
	w.Observe([]trace.Event{removal(33, pod("web"))})
	if got := w.Made(); len(got) != 0 {
		t.Errorf("made: %v after it was deleted", got)
	}
}

func TestTemplate(t *testing.T) {
	w := lived()
	for text, want := range map[string]string{
		"no expression": "no expression",
		`on {{ object("Pod", "web").spec.n }}, {{objects("Pod").map(p, p.metadata.name)}}.`: "on 8, old, web.",
		`{{ object("Pod", "none").spec }}!`:                                                 "…!",
	} {
		made, err := w.Template(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := made.Text()
		if got != want || (err != nil) != strings.Contains(want, "…") {
			t.Errorf("%s = %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"{{ open", "{{ nonsense( }}"} {
		if _, err := w.Template(text); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
