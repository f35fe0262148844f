package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proof is what `kubestep lesson prove --json` and `kubestep run --auto --json` print.
type proof struct {
	Lesson   string
	OK       bool
	Problems []struct{ What string }
	Steps    []struct{ ID string }
}

func proofOf(t *testing.T, stdout string) proof {
	t.Helper()
	var p proof
	if err := json.Unmarshal([]byte(stdout), &p); err != nil {
		t.Fatalf("no report: %v: %s", err, stdout)
	}
	return p
}

func TestLessonsProveThemselves(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	for _, line := range strings.Split(strings.TrimSpace(u.run(t, "", "lesson", "list", "--json").stdout), "\n") {
		var l struct{ ID string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		t.Run(l.ID, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			r := u.run(t, "", "lesson", "prove", l.ID, "--json")
			if p := proofOf(t, r.stdout); r.code != 0 || !p.OK || len(p.Steps) < 2 {
				t.Errorf("exit code %d: %+v\n%s", r.code, p, r.stderr)
			}
		})
	}
}

func TestLessonOfOnesOwn(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	dir := filepath.Join(u.home, "lessons")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if r := u.run(t, "", "lesson", "new", "mine", "--in", dir); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := u.run(t, "", "lesson", "lint", "--lessons", dir); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := u.run(t, "", "run", "mine", "--auto", "--json", "--lessons", dir); r.code != 0 || !proofOf(t, r.stdout).OK {
		t.Fatalf("%+v", r)
	}
	// A lesson that says what is not so.
	file := filepath.Join(dir, "mine", "lesson.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := strings.Replace(string(raw), "      truth:", "      answer: nowhere\n      truth:", 1)
	spoilt = strings.Replace(spoilt, "options: [node-1, nowhere]", "options: [nowhere, node-1]", 1)
	if err := os.WriteFile(file, []byte(spoilt), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "zh"} {
		text := filepath.Join(dir, "mine", lang+".md")
		words, err := os.ReadFile(text)
		if err != nil {
			t.Fatal(err)
		}
		words = []byte(strings.Replace(string(words), "- nowhere:", "  > No.\n- nowhere:", 1))
		if err := os.WriteFile(text, words, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := u.run(t, "", "lesson", "prove", "mine", "--json", "--lessons", dir)
	if p := proofOf(t, r.stdout); r.code != 1 || p.OK || len(p.Problems) != 1 || !strings.Contains(p.Problems[0].What, `what happened is "node-1"`) {
		t.Errorf("exit code %d: %+v\n%s", r.code, p, r.stderr)
	}
}

func TestQuizKeepsScores(t *testing.T) {
	u := newUser(t)
	if r := u.run(t, "", "quiz", "answer", "first-pod/who-decides", "kubelet"); r.code != 1 || !strings.Contains(r.stdout, "right is: scheduler") {
		t.Errorf("a wrong answer: %+v", r)
	}
	if r := u.run(t, "", "quiz", "answer", "first-pod/who-decides", "scheduler"); r.code != 0 {
		t.Errorf("the right answer: %+v", r)
	}
	if r := u.run(t, "", "quiz", "answer", "first-pod/who-decides", "nobody"); r.code != 2 {
		t.Errorf("no answer at all: %+v", r)
	}
	r := u.run(t, "", "quiz", "scores", "--csv")
	if lines := strings.Split(strings.TrimSpace(r.stdout), "\n"); r.code != 0 || len(lines) != 3 {
		t.Errorf("scores: %+v", r)
	}
}
