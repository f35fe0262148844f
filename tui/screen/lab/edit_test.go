package lab

import (
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
)

func TestKindArgument(t *testing.T) {
	for want, o := range map[string]trace.Object{
		"Pod":                {APIVersion: "v1", Kind: "Pod"},
		"Deployment.v1.apps": {APIVersion: "apps/v1", Kind: "Deployment"},
		"ClusterRole.v1.rbac.authorization.k8s.io": {APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"},
	} {
		if got := kindArgument(o); got != want {
			t.Errorf("%+v: %s, want %s", o, got, want)
		}
	}
}

func TestWithoutVersion(t *testing.T) {
	const yaml = "apiVersion: v1\nkind: ConfigMap\ndata:\n  note: |\n    resourceVersion: of a text\nmetadata:\n  name: web\n  resourceVersion: \"42\"\n  uid: u\n"
	const want = "apiVersion: v1\nkind: ConfigMap\ndata:\n  note: |\n    resourceVersion: of a text\nmetadata:\n  name: web\n  uid: u\n"
	if got := withoutVersion(yaml); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestComments: what is written on top of a text is never part of it, however often it is opened.
func TestComments(t *testing.T) {
	const yaml = "kind: Pod\n# the reader's own\nmetadata: {}\n"
	text := yaml
	for _, refused := range []string{"", "error: one\nerror: two", "#hash"} {
		text = comment("Change what you like.") + comment(refused) + body(text)
		if got := body(text); got != yaml {
			t.Errorf("after %q: %q", refused, got)
		}
	}
	if got := body("# only\n# comments"); got != "" {
		t.Errorf("only comments: %q", got)
	}
}

func TestSlider(t *testing.T) {
	s := slider{x: 10, w: 21, first: 100, last: 300}
	for _, tt := range []struct {
		x   int
		seq uint64
		now bool
	}{{0, 100, false}, {10, 100, false}, {20, 200, false}, {29, 290, false}, {30, 0, true}, {99, 0, true}} {
		if seq, now := s.at(tt.x); seq != tt.seq || now != tt.now {
			t.Errorf("cell %d: event %d, now %t", tt.x, seq, now)
		}
	}
	for seq, want := range map[uint64]int{1: 0, 100: 0, 200: 10, 300: 20, 999: 20} {
		if got := s.dot(seq); got != want {
			t.Errorf("event %d is at %d, want %d", seq, got, want)
		}
	}
	one := slider{x: 0, w: 21, first: 7, last: 7}
	if _, now := one.at(3); !now || one.dot(7) != 0 {
		t.Error("a line of one event")
	}
}

func TestShellWord(t *testing.T) {
	for words, line := range map[string][]string{
		"|": {"get", "po", "|", "grep"}, ";": {"get", "po;", "get"}, "": {"exec", "x", "--", "sh", "|"}, ">": {"get", "po", ">", "f"},
	} {
		if got := shellWord(line); got != words {
			t.Errorf("%q: %q, want %q", line, got, words)
		}
	}
}
