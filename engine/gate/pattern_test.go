package gate

import (
	"errors"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine"
)

func TestPatternMatch(t *testing.T) {
	const (
		bind    = "kube-scheduler api.request create Pod/default/web-1 binding resource=pods"
		binding = "kube-scheduler api.request create Binding/default/web-1 binding resource=pods"
		create  = "replicaset-controller api.request create Pod/default/ resource=pods"
		deliver = "kubelet@node-1 watch.deliver modified Pod/default/web-1"
		start   = "kubelet@node-1 cri.call StartContainer Pod/default/web-1"
		status  = "deployment-controller api.request update Deployment/default/web status resource=deployments"
		scale   = "deployment-controller api.request update Deployment/default/web resource=deployments"
		node    = "kubelet@node-1 api.request create Node/node-1 resource=nodes"
		widget  = "kubectl api.request create Widget/default/w resource=widgets"
		policy  = "kubectl api.request create NetworkPolicy/default/p resource=networkpolicies"
	)
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"kube-scheduler api.request create pods/binding", []string{bind, binding}, []string{create, start}},
		{"create pods/binding kube-scheduler", []string{bind, binding}, []string{create}},
		{"pods/binding", []string{bind, binding}, []string{create, status}},
		{"pods/web-1/binding", []string{bind}, []string{create}},
		{"pods/default/web-*/binding", []string{bind}, []string{create}},
		{"binding", []string{bind}, []string{create}},
		{"kubelet@* cri.call StartContainer", []string{start}, []string{deliver, bind}},
		{"StartContainer", []string{start}, []string{deliver}},
		{"startcontainer", []string{start}, []string{deliver}},
		{"* watch.deliver modified pod/default/web-*", []string{deliver}, []string{start, bind}},
		{"pod/default/web-?", []string{deliver, start}, []string{bind, create}},
		{"pod/web-[0-9]", []string{deliver, start}, []string{bind, create}},
		{"create po", []string{create}, []string{bind, node}},
		{"create pods/*", []string{create, bind}, []string{node}},
		{"create pods sub=*", []string{create, bind}, []string{node}},
		{"Pod", []string{create, deliver, start}, []string{bind}},
		{"deployments", []string{scale}, []string{status}},
		{"deploy/web", []string{scale}, []string{status}},
		{"deployments/status", []string{status}, []string{scale}},
		{"status", []string{status}, []string{scale}},
		{"resource=deployments", []string{status, scale}, []string{create}},
		{"resource=deployments sub=", []string{scale}, []string{status}},
		{"kubelet", []string{deliver, start, node}, []string{bind}},
		{"kubelet@node-2", nil, []string{deliver, start, node}},
		{"*-controller", []string{create, status}, []string{bind, start}},
		{"create !pods", []string{node, widget}, []string{create, bind}},
		{"create !pods/binding", []string{node, create}, []string{bind}},
		{"!kubelet@* !kube-scheduler", []string{create}, []string{bind, start}},
		{"!ns=default", []string{node}, []string{create}},
		{"ns=", []string{node}, []string{create}},
		{"node/node-1", []string{node}, []string{create}},
		{"create,update", []string{create, status}, []string{start}},
		{"pods,nodes create", []string{create, node}, []string{widget, bind}},
		{"resource=widgets", []string{widget}, []string{create}},
		{"resource=widget", []string{widget}, []string{create}},
		{"resource=wid*", []string{widget}, []string{create}},
		{"netpol", []string{policy}, []string{widget}},
		{"networkpolic*", []string{policy}, []string{widget}},
		{"actor=kube-scheduler kind=api.request verb=create resource=pods sub=binding ns=default name=web-*", []string{bind},
			[]string{create}},
		{"replicaset-controller create,delete pods !pod/kube-system/*", []string{create}, []string{bind, node}},
		{"watch.*", []string{deliver}, []string{create, start}},
		{"resource=widgets sub=", []string{widget}, []string{create}},
		{"*", []string{bind, create, deliver, start}, nil},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			p, err := Parse("  " + strings.ReplaceAll(tt.pattern, " ", "   "))
			if err != nil {
				t.Fatal(err)
			}
			if p.String() != tt.pattern {
				t.Errorf("String() = %q", p)
			}
			for i, text := range append(tt.yes, tt.no...) {
				e, err := parseEvent(text)
				if err != nil {
					t.Fatal(err)
				}
				if want := i < len(tt.yes); p.Match(&e) != want {
					t.Errorf("Match(%s) = %t", text, !want)
				}
			}
		})
	}
}

func TestPatternErrors(t *testing.T) {
	for _, tt := range []struct{ pattern, says string }{
		{"", "pattern is empty"},
		{"creat pods", `did you mean "create"`},
		{"podss", `did you mean "pods"`},
		{"pod/a/b/c/d", "too many slashes"},
		{"podz/binding", `did you mean "pods"`},
		{"pods//web", "nothing between two slashes"},
		{"create update pods", "by a comma"},
		{"pods verb=get verb=list", "given twice"},
		{"create,pods", "mixes"},
		{"verb:create", "not known"},
		{"object=pods", "there is no field"},
		{"api.requests", "they are api.request, api.stage"},
		{"web.deliver", "there is no kind of event"},
		{"deployments.apps", "without its API group"},
		{"kubelet@node-1/pods", "is no resource"},
		{"web-1", "name=web-1"},
		{"po*", "could be a"},
		{"pods/[a", "not a shell glob"},
		{"!", "right after the !"},
		{"!*", "right after the !"},
		{"create,!update", "before the whole word"},
		{"create,", "empty alternative"},
		{"cri.call create", "is a verb of api.request"},
		{"watch.* StartContainer", "is a verb of cri.call"},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			p, err := Parse(tt.pattern)
			if !errors.Is(err, engine.ErrUsage) {
				t.Fatalf("Parse = %v, %v", p, err)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q does not say %q", err, tt.says)
			}
		})
	}
}

// A word that is in two of the tables would be ambiguous for good.
func TestWordsAreUnambiguous(t *testing.T) {
	for _, k := range kinds {
		if _, err := classify(k); err != nil {
			t.Error(err)
		}
	}
	for _, list := range verbs {
		for _, v := range list {
			f, err := classify(v)
			isSub := v == "Exec" || v == "Attach" || v == "PortForward" // documented
			if err != nil || f != fieldVerb && !isSub {
				t.Errorf("verb %s is a %s: %v", v, f, err)
			}
		}
	}
	for _, forms := range resources {
		for _, r := range forms {
			if f, err := classify(r); err != nil || f != fieldResource {
				t.Errorf("resource %s is a %s: %v", r, f, err)
			}
			if kindOf(r) != forms[0] {
				t.Errorf("%s is a short form of both %s and %s", r, kindOf(r), forms[0])
			}
		}
	}
	for _, s := range subresources {
		if f, err := classify(s); err != nil || f != fieldSub {
			t.Errorf("subresource %s is a %s: %v", s, f, err)
		}
	}
	for _, a := range append(actors, "kubelet@node-1", "deployment-controller") {
		if f, err := classify(a); err != nil || f != fieldActor {
			t.Errorf("actor %s is a %s: %v", a, f, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"kube-scheduler api.request create pods/binding", "!kubelet@* cri.call StartContainer",
		"* watch.deliver modified pod/default/web-*", "resource=widgets sub= ns=default,kube-*", "create,update pods/[a-z]",
		"!pods/*", `a\`, "/", "=", ",", "!!", "pods/é", "K=\xff", "sub=ſtatus"} {
		f.Add(seed)
	}
	e, err := parseEvent("kube-scheduler api.request create Pod/default/web-1 binding resource=pods")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			if !errors.Is(err, engine.ErrUsage) {
				t.Fatalf("%q: %v is not an ErrUsage", text, err)
			}
			return
		}
		again, err := Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q is written %q, which reads as %q, %v", text, p, again, err)
		}
		if p.Match(&e) != again.Match(&e) {
			t.Fatalf("%q and %q match differently", text, p)
		}
		_ = p.holdable()
	})
}
