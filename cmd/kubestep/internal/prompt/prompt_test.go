package prompt_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/prompt"
	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/trace"
)

// session debugs a scripted component that creates the named Pods one after the other, with the gate and the tap of a
// real lab.
type session struct {
	out  bytes.Buffer
	made []string
	err  error
}

func run(t *testing.T, breakpoints []string, input string, pods ...string) *session {
	t.Helper()
	g := gate.New()
	tap := trace.NewTap(trace.NewStore(trace.Limits{}), g)
	g.Watch(tap)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, b := range breakpoints {
		if _, err := g.Do(ctx, engine.Command{Verb: engine.Break, Pattern: b}); err != nil {
			t.Fatal(err)
		}
	}
	s := &session{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, pod := range pods {
			span, err := tap.Begin(ctx, trace.Event{Actor: "kubectl", Kind: trace.APIRequest, Verb: "create", Root: true,
				Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: pod},
				Frames: []trace.Frame{{Func: "create.Run", File: "pkg/create.go", Line: 7}}})
			if err != nil {
				return
			}
			s.made = append(s.made, pod)
			span.End(nil, nil)
		}
	}()
	s.err = prompt.Run(ctx, prompt.Options{
		Debugger: g, Events: tap.Store(), Root: func(e *trace.Event) bool { return e.Root },
		Done: done, Quiet: 100 * time.Millisecond, In: strings.NewReader(input), Out: &s.out,
	})
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatalf("what was traced did not end; the prompt said:\n%s", s.out.String())
	}
	return s
}

func (s *session) expect(t *testing.T, words ...string) {
	t.Helper()
	rest := s.out.String()
	for _, w := range words {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Fatalf("no %q, in this order, in:\n%s", w, s.out.String())
		}
		rest = after
	}
}

func TestRun(t *testing.T) {
	pods := []string{"a", "b", "c"}
	for _, tc := range []struct {
		name, input string
		breaks      []string
		want        []string
		err         error
	}{
		{name: "nothing is held", want: []string{}},
		{
			name: "step by step", breaks: []string{"create pods"}, input: "s\n\nstep\n",
			want: []string{
				"held 1  kubectl wants: create pod/default/a  create.Run pkg/create.go:7\n(kubestep) ", "#1    kubectl  create pod/default/a",
				"held 1  kubectl wants: create pod/default/b", "#2    kubectl  create pod/default/b",
				"held 1  kubectl wants: create pod/default/c", "#3    kubectl  create pod/default/c",
			},
		},
		{
			name: "continue to the next match", breaks: []string{"pods/c"}, input: "continue\n",
			want: []string{"#1    kubectl", "#2    kubectl", "pod/default/c", "#3    kubectl"},
		},
		{
			name: "the end of the input lets everything run", breaks: []string{"create pods"}, input: "",
			want: []string{"held 1  kubectl wants: create pod/default/a", "(kubestep) \n"},
		},
		{
			name: "quit", breaks: []string{"create pods"}, input: "q\n",
			want: []string{"pod/default/a"}, err: prompt.ErrQuit,
		},
		{
			name: "mistakes are told and asked again", breaks: []string{"pods/b"}, input: "t 9\nwhy x\nwhy 77\nhuh\nw 1\nt 1\n",
			want: []string{`"9" does not wait`, `not "x"`, "no event #77", "empty line repeats", "#1    kubectl  create pod/default/a", "#2    kubectl"},
		},
		{
			name: "breakpoints come and go", breaks: []string{"pods/a"}, input: "b pods/c\nd pods/a\nc\nc\n",
			want: []string{"create pod/default/a", "create pod/default/c"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := run(t, tc.breaks, tc.input, pods...)
			if !errors.Is(s.err, tc.err) {
				t.Fatalf("got error %v, want %v; the prompt said:\n%s", s.err, tc.err, s.out.String())
			}
			if got := strings.Join(s.made, " "); got != "a b c" {
				t.Errorf("made %q, want all in order", got)
			}
			s.expect(t, tc.want...)
		})
	}
}
