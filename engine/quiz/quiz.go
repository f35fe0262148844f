// Package quiz judges answers, picks questions and keeps scores. It is a core without I/O and clock: callers hand in
// answers, times and, for live questions, the learner's own [check.World].
//
// tui and cmd import it. It imports engine/check and lessons/schema.
package quiz

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Item is a question with the lesson that it is of.
type Item struct {
	Lesson *schema.Lesson
	*schema.Question
}

// Key names the question among all: "first-pod/who-binds".
func (i Item) Key() string { return i.Lesson.ID + "/" + i.ID }

// Items returns the questions of lessons, in order; with topics, only those.
func Items(lessons []*schema.Lesson, topics ...string) []Item {
	var out []Item
	for _, l := range lessons {
		for _, q := range l.Quiz {
			if len(topics) == 0 || slices.Contains(topics, q.Topic) {
				out = append(out, Item{l, q})
			}
		}
	}
	return out
}

// Truth is the right answer in one lab.
type Truth struct {
	Options []string // for one, several, order
	Number  float64
	Texts   []string // what is accepted
	Pairs   map[string]string
}

// ErrNoAnswer means that what a live question asks about has not happened in the lab.
var ErrNoAnswer = errors.New("the lab has no answer")

// ErrNumber means that a question asks for a number, and the answer is none.
var ErrNumber = errors.New("is no number")

// TruthOf returns the right answer to a question. A live question's comes from the world, which may be nil for others.
// The error is an [ErrNoAnswer] when the lab has not seen what is asked about.
func TruthOf(q *schema.Question, w *check.World) (Truth, error) {
	if !q.Live {
		return Truth{Options: q.Answer, Number: q.Number, Texts: q.Answer, Pairs: q.Pairs}, nil
	}
	return Computed(q, w)
}

// Computed returns what the question's truth gives in a lab: of a live question the answer, of another what its answer
// must be.
func Computed(q *schema.Question, w *check.World) (Truth, error) {
	if w == nil {
		return Truth{}, fmt.Errorf("question %s is answered from a running lab, and there is none", q.ID)
	}
	x, err := w.Compile(q.Truth.Source, check.Any)
	if err != nil {
		return Truth{}, fmt.Errorf("%s:%d: %w", q.Truth.Pos.File, q.Truth.Pos.Line, err)
	}
	v, err := x.Value()
	if err != nil {
		return Truth{}, fmt.Errorf("%w: %s:%d: %w", ErrNoAnswer, q.Truth.Pos.File, q.Truth.Pos.Line, err)
	}
	return truth(q, v)
}

func truth(q *schema.Question, v any) (Truth, error) {
	wrong := func(want string) error { return fmt.Errorf("the truth of question %s is %v, not %s", q.ID, v, want) }
	known := func(ids ...string) error {
		for _, id := range ids {
			if !slices.ContainsFunc(q.Options, func(o schema.Option) bool { return o.ID == id }) {
				return wrong("an option")
			}
		}
		return nil
	}
	switch q.Kind {
	case schema.One:
		s, ok := v.(string)
		if !ok {
			return Truth{}, wrong("an option")
		}
		return Truth{Options: []string{s}}, known(s)
	case schema.Several, schema.Order:
		list, ok := v.([]any)
		var ids []string
		for _, x := range list {
			ids = append(ids, check.Format(x))
		}
		if !ok {
			return Truth{}, wrong("a list of options")
		}
		return Truth{Options: ids}, known(ids...)
	case schema.Number:
		switch n := v.(type) {
		case int64:
			return Truth{Number: float64(n)}, nil
		case float64:
			return Truth{Number: n}, nil
		}
		return Truth{}, wrong("a number")
	case schema.TextKey:
		s, ok := v.(string)
		if !ok || s == "" {
			return Truth{}, wrong("a text")
		}
		return Truth{Texts: []string{s}}, nil
	}
	return Truth{}, wrong("of a kind that can be live")
}

// Answer is what a learner says: option IDs for one, several and order; one word for number and text; "left=right" for
// match.
type Answer []string

// Judgement is what an answer is worth.
type Judgement struct {
	Score    float64       `json:"score"` // 0 to 1
	Right    bool          `json:"right"` // Score is 1
	Feedback []schema.Text `json:"-"`     // to what was wrong
	Truth    Answer        `json:"truth"` // how the right answer is written
	Why      schema.Text   `json:"-"`
	See      schema.See    `json:"-"`
}

// Judge says what an answer is worth. Several, order and match give partial credit: each wrong choice takes away what a
// right one gives, and the score is never below 0.
func Judge(q *schema.Question, t Truth, a Answer) (Judgement, error) {
	j := Judgement{Why: q.Why, See: q.See}
	if err := form(q, a); err != nil {
		return j, err
	}
	switch q.Kind {
	case schema.One:
		j.Truth = t.Options
		j.Score = score(slices.Equal(a, t.Options))
		j.addFeedback(q, func(id string) bool { return j.Score == 0 && slices.Contains(a, id) })
	case schema.Several:
		j.Truth = t.Options
		right, wrong := 0, 0
		for _, id := range a {
			if slices.Contains(t.Options, id) {
				right++
			} else {
				wrong++
			}
		}
		j.Score = max(0, float64(right-wrong)/float64(max(1, len(t.Options))))
		if len(t.Options) == 0 {
			j.Score = score(wrong == 0)
		}
		j.addFeedback(q, func(id string) bool { return slices.Contains(a, id) && !slices.Contains(t.Options, id) })
	case schema.Number:
		j.Truth = Answer{check.Format(t.Number)}
		x, _ := number(a[0]) // form has looked
		j.Score = score(math.Abs(x-t.Number) <= q.Tolerance+1e-9)
		j.addFeedback(q, func(id string) bool {
			w, err := strconv.ParseFloat(q.Wrong[id], 64)
			return j.Score == 0 && err == nil && math.Abs(x-w) < 1e-9
		})
	case schema.TextKey:
		j.Truth = t.Texts
		same := func(s string) bool { return plain(s) == plain(a[0]) }
		j.Score = score(slices.ContainsFunc(t.Texts, same))
		j.addFeedback(q, func(id string) bool { return j.Score == 0 && same(q.Wrong[id]) })
	case schema.Order:
		j.Truth = t.Options
		j.Score = inOrder(a, t.Options)
	case schema.Match:
		right := 0
		for left, r := range t.Pairs {
			j.Truth = append(j.Truth, left+"="+r)
			if slices.Contains(a, left+"="+r) {
				right++
			}
		}
		slices.Sort(j.Truth)
		j.Score = float64(right) / float64(len(t.Pairs))
	}
	j.Right = j.Score > 1-1e-9
	return j, nil
}

func (j *Judgement) addFeedback(q *schema.Question, fits func(id string) bool) {
	for _, o := range q.Options {
		if fits(o.ID) && o.Feedback.In(schema.Languages[0]) != "" {
			j.Feedback = append(j.Feedback, o.Feedback)
		}
	}
}

// form reports an answer that could not be one.
func form(q *schema.Question, a Answer) error {
	switch q.Kind {
	case schema.One, schema.Number, schema.TextKey:
		if len(a) != 1 {
			return fmt.Errorf("question %s takes one answer, not %d", q.ID, len(a))
		}
	}
	if q.Kind == schema.Number {
		_, err := number(a[0])
		return err
	}
	if q.Kind == schema.TextKey {
		return nil
	}
	for i, s := range a {
		id := s
		if q.Kind == schema.Match {
			left, right, ok := strings.Cut(s, "=")
			if _, known := q.Pairs[left]; !ok || !known {
				return fmt.Errorf("%q is no pair: write left=right", s)
			}
			id = right
		}
		if !slices.ContainsFunc(q.Options, func(o schema.Option) bool { return o.ID == id }) {
			return fmt.Errorf("question %s has no option %q", q.ID, id)
		}
		if slices.Contains(a[:i], s) {
			return fmt.Errorf("%q is there twice", s)
		}
	}
	return nil
}

func score(right bool) float64 {
	if right {
		return 1
	}
	return 0
}

// number reads what people type: "30", "30 s", "1,5".
func number(s string) (float64, error) {
	word := numberForm.FindString(strings.ReplaceAll(strings.TrimSpace(s), ",", "."))
	x, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return 0, fmt.Errorf("%q %w", s, ErrNumber)
	}
	return x, nil
}

var numberForm = regexp.MustCompile(`^[-+]?[0-9]*\.?[0-9]+`)

// plain leaves out what a reader would not call a different answer.
func plain(s string) string {
	return strings.Trim(strings.Join(strings.Fields(strings.ToLower(s)), " "), `.'"`+"`")
}

// inOrder is the share of neighbours that are in the right order: all or little for short lists, partial for long ones.
func inOrder(a, want []string) float64 {
	if len(a) != len(want) || len(want) < 2 {
		return score(slices.Equal(a, want))
	}
	right := 0
	for i := 1; i < len(want); i++ {
		before, after := slices.Index(a, want[i-1]), slices.Index(a, want[i])
		if before >= 0 && after == before+1 {
			right++
		}
	}
	return float64(right) / float64(len(want)-1)
}
