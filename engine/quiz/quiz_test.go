package quiz

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

// demo is the lesson with a question of every kind.
func demo(t *testing.T) *schema.Lesson {
	t.Helper()
	l, problems := schema.Load(os.DirFS("../../lessons/schema/testdata"), "demo")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return l
}

func question(t *testing.T, l *schema.Lesson, id string) *schema.Question {
	t.Helper()
	for _, q := range l.Quiz {
		if q.ID == id {
			return q
		}
	}
	t.Fatalf("no question %s", id)
	return nil
}

func world() *check.World {
	w := check.NewWorld()
	w.Load(engine.Snapshot{Objects: []engine.StoredObject{{Object: trace.Object{Kind: "Pod", Namespace: "default", Name: "a"}, Revision: 1,
		Body: trace.JSONBody([]byte(`{"metadata":{"name":"a"}}`))}}})
	return w
}

func TestJudge(t *testing.T) {
	l := demo(t)
	for _, tt := range []struct {
		id       string
		answer   Answer
		score    float64
		feedback int
		wrong    string // what is said of an answer that cannot be one
	}{
		{"q-one", Answer{"a"}, 1, 0, ""}, {"q-one", Answer{"b"}, 0, 1, ""}, {"q-one", Answer{"z"}, 0, 0, "no option"}, {"q-one", nil, 0, 0, "takes one answer"},
		{"q-several", Answer{"b", "a"}, 1, 0, ""}, {"q-several", Answer{"a"}, .5, 0, ""}, {"q-several", Answer{"a", "c"}, 0, 1, ""},
		{"q-several", Answer{"a", "b", "c"}, .5, 1, ""}, {"q-several", Answer{}, 0, 0, ""}, {"q-several", Answer{"a", "a"}, 0, 0, "twice"},
		{"q-number", Answer{"3"}, 1, 0, ""}, {"q-number", Answer{"3,5 s"}, 1, 0, ""}, {"q-number", Answer{"2.4"}, 0, 0, ""}, {"q-number", Answer{"0"}, 0, 1, ""}, {"q-number", Answer{"many"}, 0, 0, "no number"},
		{"q-text", Answer{" BINDING. "}, 1, 0, ""}, {"q-text", Answer{"`binding`"}, 1, 0, ""}, {"q-text", Answer{"status"}, 0, 1, ""}, {"q-text", Answer{"bind"}, 0, 0, ""},
		{"q-order", Answer{"a", "b"}, 1, 0, ""}, {"q-order", Answer{"b", "a"}, 0, 0, ""}, {"q-order", Answer{"a"}, 0, 0, ""},
		{"q-match", Answer{"a=x", "b=y"}, 1, 0, ""}, {"q-match", Answer{"a=x", "b=x"}, .5, 0, ""}, {"q-match", Answer{"a=y"}, 0, 0, ""}, {"q-match", Answer{"x=a"}, 0, 0, "no pair"},
		{"q-live", Answer{"1"}, 1, 0, ""}, {"q-live", Answer{"2"}, 0, 0, ""},
	} {
		q := question(t, l, tt.id)
		truth, err := TruthOf(q, world())
		if err != nil {
			t.Fatal(err)
		}
		j, err := Judge(q, truth, tt.answer)
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%s %v: %v, want %s", tt.id, tt.answer, err, tt.wrong)
			}
			continue
		}
		if err != nil || j.Score != tt.score || j.Right != (tt.score == 1) || len(j.Feedback) != tt.feedback || len(j.Truth) == 0 {
			t.Errorf("%s %v = %+v, %v; want %v with %d remarks", tt.id, tt.answer, j, err, tt.score, tt.feedback)
		}
	}
	if _, err := TruthOf(question(t, l, "q-live"), nil); err == nil {
		t.Error("a live question was answered without a lab")
	}
}

func TestOrderGivesPartialCredit(t *testing.T) {
	want := []string{"a", "b", "c", "d", "e"}
	for answer, score := range map[string]float64{"abcde": 1, "bcdea": .75, "edcba": 0, "abced": .5} {
		if got := inOrder(strings.Split(answer, ""), want); got != score {
			t.Errorf("%s gives %v, want %v", answer, got, score)
		}
	}
}

func TestReview(t *testing.T) {
	l := demo(t)
	items := Items([]*schema.Lesson{l})
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var r Record
	r = r.Add(Try{Time: now, Answer: Answer{"b"}, Score: 0})
	records := map[string]Record{items[0].Key(): r, items[1].Key(): Record{}.Add(Try{Time: now, Score: 1})}
	if got := Review(items, records, now.Add(9*time.Minute)); len(got) != 0 {
		t.Errorf("%d questions came back too early", len(got))
	}
	if got := Review(items, records, now.Add(10*time.Minute)); len(got) != 1 || got[0].ID != "q-one" {
		t.Errorf("due: %v", got)
	}
	// Right answers space it out until it is learnt; a miss brings it back to the start.
	at := now
	var gaps []time.Duration
	for !r.Due.IsZero() {
		gaps = append(gaps, r.Due.Sub(at))
		at = r.Due
		r = r.Add(Try{Time: at, Score: 1})
	}
	if !slices.Equal(gaps, intervals) {
		t.Errorf("it came back after %v", gaps)
	}
	if r = r.Add(Try{Time: at, Score: .5}); r.Box != 0 || r.Due.Sub(at) != intervals[0] {
		t.Errorf("after a miss: %+v", r)
	}
	for range 3 * keptTries {
		r = r.Add(Try{Time: at})
	}
	if len(r.Tries) != keptTries {
		t.Errorf("%d tries are kept", len(r.Tries))
	}
}

func TestExam(t *testing.T) {
	l := demo(t)
	items := Items([]*schema.Lesson{l})
	items[5].Topic, items[6].Topic = "nodes", "nodes"
	exam := Exam(items, 4, 1)
	keys := map[string]bool{}
	topics := map[string]int{}
	for _, i := range exam {
		keys[i.Key()] = true
		topics[i.Topic]++
	}
	if len(exam) != 4 || len(keys) != 4 || topics["nodes"] != 2 {
		t.Errorf("an exam of %d, %d different, %v", len(exam), len(keys), topics)
	}
	again := Exam(items, 4, 1)
	for i := range exam {
		if exam[i].Key() != again[i].Key() {
			t.Error("the same seed gives another exam")
		}
	}
	if len(Exam(items, 100, 1)) != len(items) {
		t.Error("an exam longer than what there is")
	}
}

func TestCSV(t *testing.T) {
	l := demo(t)
	items := Items([]*schema.Lesson{l})
	records := map[string]Record{items[3].Key(): {Tries: []Try{{Time: time.Unix(0, 0), Answer: Answer{"=cmd()"}, Score: 0.5}}}}
	var out bytes.Buffer
	if err := WriteCSV(&out, Rows(items, records)); err != nil {
		t.Fatal(err)
	}
	want := "question,topic,kind,time,answer,score\ndemo/q-text,pods,text,1970-01-01T00:00:00Z,'=cmd(),0.5\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func TestGIFTThereAndBack(t *testing.T) {
	l := demo(t)
	question(t, l, "q-one").Ask = schema.Text{"en": `What is {a: "b=c"} ~ \ #1?`}
	var out bytes.Buffer
	left, err := WriteGIFT(&out, Items([]*schema.Lesson{l}), "en")
	if err != nil || left != 2 {
		t.Fatalf("%d left out, %v", left, err)
	}
	back, err := ReadGIFT(bytes.NewReader(out.Bytes()), "en")
	if err != nil {
		t.Fatalf("%v in:\n%s", err, out.String())
	}
	var kinds []string
	for _, q := range back {
		kinds = append(kinds, q.Kind)
	}
	if want := "[one several number text match]"; fmt.Sprint(kinds) != want {
		t.Fatalf("kinds %v, want %s in:\n%s", kinds, want, out.String())
	}
	if got := back[0].Ask.In("en"); got != `What is {a: "b=c"} ~ \ #1?` {
		t.Errorf("the text came back as %q", got)
	}
	for i, answer := range []Answer{{"o1"}, {"o1", "o2"}, {"3.4"}, {"binding"}, {"a1=b1", "a2=b2"}} {
		truth, err := TruthOf(back[i], nil)
		if err != nil {
			t.Fatal(err)
		}
		if j, err := Judge(back[i], truth, answer); err != nil || !j.Right {
			t.Errorf("question %d: %+v, %v in:\n%s", i, j, err, out.String())
		}
	}
	if back[0].Options[1].Feedback.In("en") != "No." || back[0].Why.In("en") != "So." || back[0].Topic != "pods" {
		t.Errorf("remarks were lost: %+v", back[0])
	}
}

func TestReadGIFT(t *testing.T) {
	for text, want := range map[string]string{
		"Grant is buried in Grant's tomb.{TRUE}": "one", "Who? {=Grant =Ulysses}": "text", "2+2? {#4:0.1}": "number",
		"// a comment\nTwo {~%50%a ~%50%b ~%-100%c} of them": "several",
		"Essay {}":     "essays cannot be judged",
		"No answers":   "there is no {",
		"Open {=a":     "is not closed",
		"\n\nBad {#x}": "line 3: ",
		"None {~a ~b}": "no answer is right",
	} {
		got, err := ReadGIFT(strings.NewReader(text), "en")
		switch {
		case err != nil && strings.Contains(err.Error(), want):
		case err == nil && len(got) == 1 && got[0].Kind == want:
		default:
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzReadGIFT(f *testing.F) {
	f.Add("::t::Q {=a#b ~%50%c\\=d -> e ####w}\n\nX{T}")
	f.Fuzz(func(t *testing.T, text string) {
		questions, err := ReadGIFT(strings.NewReader(text), "en")
		if err != nil {
			return
		}
		for _, q := range questions {
			if q.Kind == "" {
				t.Errorf("a question without kind: %+v", q)
			}
		}
	})
}
