package course

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/lessons/schema"
)

// inserting is testdata/play with a command in step fault that says a Pod's phase.
func inserting(t *testing.T, expression string) *schema.Lesson {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, name := range []string{"lesson.yaml", "en.md", "zh.md"} {
		raw, err := os.ReadFile("testdata/play/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(raw), "do: [kubectl get pods]", "do:\n      - kubectl get pods -- a {{ "+expression+" }}b", 1)
		fsys["play/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	l, problems := schema.Load(fsys, "play")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCommandsInsertValues(t *testing.T) {
	l := inserting(t, `object("Pod", "web").status.phase`)
	if problems := Lint(l); len(problems) > 0 {
		t.Fatal(problems)
	}
	b := newBench()
	s, _ := beginWith(t, b, l, nil)
	s.Do(Start{"fault"})
	v := await(t, s, "fault", Doing)
	if got := v.Do[0].Line; got != "kubectl get pods -- a Pendingb" {
		t.Errorf("the learner is asked to type %q", got)
	}
	s.Do(Solve{})
	v = await(t, s, "fault", Passed)
	if got := v.Solution[0].Line; got != "kubectl get pods -- a Runningb" {
		t.Errorf("the solution now reads %q", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.ran, "get pods -- a Pendingb") {
		t.Errorf("run were %q", b.ran)
	}
}

func TestInsertionsAreLinted(t *testing.T) {
	problems := Lint(inserting(t, `object("Pod")`))
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "play/lesson.yaml:") {
		t.Errorf("lint says %v", problems)
	}
}

// What is not known yet is shown as unknown.
func TestInsertionWithoutValue(t *testing.T) {
	l := inserting(t, `object("Pod", "web").status.phase`)
	m, err := New(l, check.NewWorld())
	if err != nil {
		t.Fatal(err)
	}
	m.Handle(Start{})
	m.enter(2)
	c, err := m.Fill(m.steps[2].Do[0])
	if c.Line != "kubectl get pods -- a …b" || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("it reads %q, %v", c.Line, err)
	}
}
