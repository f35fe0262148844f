package course

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// lesson reads testdata/play, the lesson that the transcripts play.
func lesson(t *testing.T) *schema.Lesson {
	t.Helper()
	l, problems := schema.Load(os.DirFS("testdata"), "play")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if problems := Lint(l); len(problems) > 0 {
		t.Fatal(problems)
	}
	return l
}

// player turns the lines of a transcript into inputs.
type player struct {
	m   *Machine
	seq uint64
	id  uint64 // of the last held event
}

func (p *player) input(t *testing.T, line string) Input {
	t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "start":
		return Start{rest}
	case "choose":
		return Choose{rest}
	case "next":
		return Next{}
	case "hint":
		return Hint{}
	case "solution":
		return Solution{}
	case "solve":
		return Solve{}
	case "skip":
		return Skip{}
	case "reset":
		return Reset{}
	case "ran", "failed":
		id, err := strconv.Atoi(rest)
		if err != nil {
			t.Fatal(err)
		}
		return Ran{ID: id, Output: "said", Failed: verb == "failed"}
	case "put", "delete": // put NAME PHASE: etcd stores a Pod
		p.seq++
		name, phase, _ := strings.Cut(rest, " ")
		e := trace.Event{Seq: p.seq, Time: time.Unix(int64(p.seq), 0), Actor: "etcd", Kind: trace.EtcdCommit, Verb: verb, EtcdRevision: int64(p.seq),
			Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: name, UID: name},
			Detail: &trace.CommitDetail{After: trace.JSONBody(fmt.Appendf(nil, `{"metadata":{"name":%q},"status":{"phase":%q}}`, name, phase))}}
		return Events{[]trace.Event{e}}
	case "held":
		var held []trace.Held
		for _, name := range strings.Fields(rest) {
			p.id++
			held = append(held, trace.Held{ID: p.id, Event: trace.Event{Actor: "kube-scheduler", Kind: trace.APIRequest, Verb: "create", Subresource: "binding",
				Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: name}}})
		}
		return Held{held}
	}
	t.Fatalf("unknown line %q", line)
	return nil
}

func describe(v View) string {
	step := "-"
	if v.Step != nil {
		step = v.Step.ID
	}
	s := fmt.Sprintf("  %d/%d %s %s", v.Index+1, v.Total, step, v.Phase)
	for _, c := range v.Checks {
		if c.Passed {
			s += " +" + c.ID
		} else {
			s += " -" + c.ID + ":" + c.Wrong
		}
	}
	if v.Chosen != "" || v.Truth != "" {
		s += fmt.Sprintf(" chosen=%s truth=%s", v.Chosen, v.Truth)
	}
	for _, h := range v.Hints {
		s += fmt.Sprintf(" hint=%q", h.In("en"))
	}
	for _, c := range v.Solution {
		s += fmt.Sprintf(" solution=%q", c.Line)
	}
	if v.Replaying {
		s += " replaying"
	}
	if v.Running {
		s += " running"
	}
	if v.Failed {
		s += " failed"
	}
	return s
}

func effect(e Effect) string {
	switch e := e.(type) {
	case Stops:
		return fmt.Sprintf("  stops %q", e.Patterns)
	case Release:
		return "  release"
	case Run:
		var lines []string
		for _, c := range e.Commands {
			lines = append(lines, c.Line)
		}
		return fmt.Sprintf("  run %d for %s: %s", e.ID, e.Purpose, strings.Join(lines, "; "))
	case Remove:
		return fmt.Sprintf("  remove %v", e.Objects)
	case Save:
		return fmt.Sprintf("  save step=%q done=%t", e.State.Step, e.State.Done)
	}
	return fmt.Sprintf("  %T", e)
}

// The files in testdata hold what goes in, at the margin, and what comes out, indented.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := New(lesson(t), check.NewWorld())
			if err != nil {
				t.Fatal(err)
			}
			p := &player{m: m, seq: 100}
			m.Handle(p.input(t, "put before Running")) // an object that is there already
			var got bytes.Buffer
			for line := range strings.Lines(string(want)) {
				line = strings.TrimRight(line, "\n")
				if strings.HasPrefix(line, "#") || line == "" {
					fmt.Fprintln(&got, line)
					continue
				}
				if strings.HasPrefix(line, " ") {
					continue
				}
				fmt.Fprintln(&got, line)
				for _, e := range m.Handle(p.input(t, line)) {
					fmt.Fprintln(&got, effect(e))
				}
				fmt.Fprintln(&got, describe(m.View()))
			}
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
			}
		})
	}
}

// What is kept must be enough to go on, whenever the program ends.
func TestResumeAfterEachEffect(t *testing.T) {
	l := lesson(t)
	m, err := New(l, check.NewWorld())
	if err != nil {
		t.Fatal(err)
	}
	p := &player{m: m, seq: 100}
	m.Handle(p.input(t, "put before Running"))
	var last State
	for _, line := range []string{"start", "put web Pending", "next", "choose b", "held web", "next"} {
		for _, e := range m.Handle(p.input(t, line)) {
			if s, ok := e.(Save); ok {
				last = s.State
			}
		}
		again, err := New(l, check.NewWorld())
		if err != nil {
			t.Fatal(err)
		}
		again.Resume(last)
		again.Handle(Start{last.Step})
		v := again.View()
		if want := m.View(); v.State.Chosen["bind"] != want.State.Chosen["bind"] || v.Phase == Ended {
			t.Errorf("after %q: %+v, want %+v", line, v.State, want.State)
		}
	}
	if last.Step != "fault" || last.Truth["bind"] != "a" {
		t.Errorf("kept: %+v", last)
	}
}

func TestLint(t *testing.T) {
	base := fstest.MapFS{}
	for _, name := range []string{"lesson.yaml", "en.md", "zh.md"} {
		raw, err := os.ReadFile("testdata/play/" + name)
		if err != nil {
			t.Fatal(err)
		}
		base["play/"+name] = &fstest.MapFile{Data: raw}
	}
	for _, tt := range []struct{ name, file, old, new, want string }{
		{"expression", "lesson.yaml", `objects("Pod").exists(p, p.metadata.name == "web")`, `objects("Pod").exists(p, q.metadata.name == "web")`, "lesson.yaml:11: "},
		{"not boolean", "lesson.yaml", `objects("Pod").exists(p, p.metadata.name == "web")`, `objects("Pod").size()`, "gives int, not bool"},
		{"same in every cluster", "lesson.yaml", `objects("Pod").exists(p, p.metadata.name == "web")`, `1 + 1 == 2`, "does not depend on the cluster"},
		{"pattern", "lesson.yaml", `[kube-scheduler create pods/binding]`, `[kube-schedular creat]`, "did you mean"},
		{"inserted text", "en.md", `You made it.`, `You made {{ objects(Pod) }}.`, "text in en.md"},
		{"never said", "lesson.yaml", "expect: other-name", "expect: todo", `nothing shows that "other-name" is ever said`},
		{"truth is fixed", "lesson.yaml", `'held("create pods/binding").size() == 1 ? "a" : "b"'`, `'"a"'`, "the truth of the prediction does not depend"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, f := range base {
				files[name] = &fstest.MapFile{Data: f.Data}
			}
			f := files["play/"+tt.file]
			if !bytes.Contains(f.Data, []byte(tt.old)) {
				t.Fatalf("%q is not there", tt.old)
			}
			f.Data = bytes.Replace(f.Data, []byte(tt.old), []byte(tt.new), 1)
			l, problems := schema.Load(files, "play")
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			if got := Lint(l).Error(); !strings.Contains(got, tt.want) {
				t.Errorf("it says %q, not %q", got, tt.want)
			}
		})
	}
}
