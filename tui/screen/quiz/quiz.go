// Package quiz is the screen that asks questions: after a lesson, of all lessons, those that were missed, or an exam
// against the clock. engine/quiz judges; this screen asks, shows what was right and why, and leads to what shows it.
//
// The root model imports it; it imports engine/{check,quiz}, lessons/schema, play, route, describe, the components and
// the leaves.
package quiz

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Address is where the results of the screen's commands go.
const Address route.Address = "quiz"

// Options is what the screen works with.
type Options struct {
	// Book keeps the answers; nil when nothing is kept.
	Book play.Book
	// Events has what happened in the lab; nil when there is none.
	Events describe.Getter
	// Ask makes the screen's commands.
	Ask route.Ask
	// Now is the time; commands call it.
	Now func() time.Time
}

// Quiz is the screen. The root model calls its methods from one goroutine.
type Quiz struct {
	o     Options
	theme theme.Theme
	say   text.Printer
	w, h  int

	about     play.Quiz
	topics    topics // to choose from, before the first question
	round     uint64 // counts quizzes; answers to an earlier one's commands are dropped
	questions []*question
	at        int
	records   map[string]quiz.Record
	judging   bool
	over      bool          // the results are shown
	typing    bool          // keys are text
	sure      keymap.Action // what has been asked about and is done when its key comes again
	notice    notice
	// reading is what shows an answer, in front of the question; readAt is the event that it is about.
	reading []richtext.Line
	readAt  uint64
	// now is the time as it was told last; ends is when an exam does.
	now, ends time.Time

	left, right pane
	bindings    []keymap.Binding
}

// notice is a message on the status line until the next key.
type notice struct {
	bad  bool
	text string
}

// New returns the screen, which asks nothing yet.
func New(o Options) *Quiz {
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Quiz{o: o}
	m.bind()
	return m
}

// The results of the screen's commands.
type (
	begun struct {
		at      time.Time
		records map[string]quiz.Record
	}
	tick   struct{ at time.Time }
	judged struct {
		at      int // the question
		answer  quiz.Answer
		verdict quiz.Judgement
		err     error // there is no right answer, or nothing could be kept
		record  *quiz.Record
	}
	allJudged struct{ list []judged }
	found     struct{ seq uint64 }
	stepText  []richtext.Line
)

// Begin asks the questions of a quiz.
func (m *Quiz) Begin(q play.Quiz) tea.Cmd {
	m.round++
	m.about, m.questions, m.at, m.records = q, nil, 0, map[string]quiz.Record{}
	m.over, m.judging, m.sure, m.notice, m.reading = len(q.Items) == 0, false, keymap.None, notice{}, nil
	m.now, m.ends = time.Time{}, time.Time{}
	if m.topics = topicsOf(q); !m.topics.open() {
		m.ask(q.Items)
	}
	m.refresh()
	book, now := m.o.Book, m.o.Now
	return m.o.Ask(m.round, func(ctx context.Context) (any, error) {
		b := begun{at: now()}
		var err error
		if book != nil {
			b.records, err = book.Records(ctx)
		}
		return b, err
	})
}

// ask begins with the first of some questions.
func (m *Quiz) ask(items []quiz.Item) {
	for _, i := range items {
		m.questions = append(m.questions, newQuestion(i))
	}
	m.enter(0)
}

// exam reports whether answers are judged at the end only.
func (m *Quiz) exam() bool { return m.about.Mode == route.Exam }

// Result takes the answer to one of the screen's commands.
func (m *Quiz) Result(r route.Result) tea.Cmd {
	if r.Generation != m.round {
		return nil
	}
	var cmd tea.Cmd
	switch v := r.Value.(type) {
	case begun:
		if v.records != nil {
			m.records = v.records
		}
		if m.now = v.at; m.exam() && !m.over {
			m.ends = v.at.Add(m.about.Limit)
			cmd = m.tick()
		}
	case tick:
		cmd = m.ticked(v.at)
	case judged:
		m.judging = false
		m.took(v)
	case allJudged:
		m.judging = false
		for _, j := range v.list {
			m.took(j)
		}
		m.showResults()
	case found:
		m.judging = false
		m.show(v.seq)
	case stepText:
		m.judging, m.reading, m.readAt = false, v, 0
		m.left.at, m.right.at = 0, 0
	}
	if r.Err != nil {
		m.judging, m.notice = false, notice{true, m.refusal(r.Err)}
		if q := m.questions[m.at]; q.textual() && !q.done {
			m.typing = true // what was typed can be corrected
		}
	}
	m.refresh()
	return cmd
}

// refusal says why an answer was not taken.
func (m *Quiz) refusal(err error) string {
	if errors.Is(err, quiz.ErrNumber) {
		return m.say.T(text.QuizNoNumber, m.questions[m.at].line.Value())
	}
	return err.Error()
}

// tick asks for the time in a second. Only an exam does that.
func (m *Quiz) tick() tea.Cmd {
	round := m.round
	return tea.Tick(time.Second, func(t time.Time) tea.Msg {
		return route.Result{To: Address, Generation: round, Value: tick{t}}
	})
}

func (m *Quiz) ticked(now time.Time) tea.Cmd {
	if m.over || m.judging {
		return nil
	}
	if m.now = now; !now.Before(m.ends) {
		return m.finish()
	}
	return m.tick()
}

// took takes a verdict. In an exam it waits for the end.
func (m *Quiz) took(j judged) {
	q := m.questions[j.at]
	q.done, q.verdict, q.err, q.given = true, j.verdict, j.err, j.answer
	if j.record != nil {
		m.records[q.Key()] = *j.record
	}
}

// submit has the answer to the current question judged.
func (m *Quiz) submit() tea.Cmd {
	q := m.questions[m.at]
	a := q.answer()
	if len(a) == 0 || q.textual() && a[0] == "" {
		m.notice = notice{true, m.say.T(text.QuizEmpty)}
		return nil
	}
	m.judging = true
	at, round := m.at, m.round
	judge := m.judge(at, a, true)
	return m.o.Ask(round, func(ctx context.Context) (any, error) {
		j, err := judge(ctx)
		if err != nil {
			return nil, err
		}
		return j, nil
	})
}

// judge returns what judges an answer and keeps it. An answer that could not be one is an error; nothing is kept then.
func (m *Quiz) judge(at int, a quiz.Answer, strict bool) func(ctx context.Context) (judged, error) {
	q, session, book, now := m.questions[at], m.about.Session, m.o.Book, m.o.Now
	record := m.records[q.Key()]
	return func(ctx context.Context) (judged, error) {
		out := judged{at: at, answer: a}
		truth, err := truthOf(q.Question, session)
		if err != nil {
			out.err = err
			return out, nil
		}
		if out.verdict, err = quiz.Judge(q.Question, truth, a); err != nil && strict {
			return out, err
		}
		next := record.Add(quiz.Try{Time: now().UTC(), Answer: a, Score: out.verdict.Score})
		out.record = &next
		if book != nil {
			if err := book.Keep(ctx, map[string]quiz.Record{q.Key(): next}); err != nil {
				return out, fmt.Errorf("keep the answer: %w", err)
			}
		}
		return out, nil
	}
}

// finish ends an exam: what has been answered is judged, what has not counts as wrong.
func (m *Quiz) finish() tea.Cmd {
	m.judging, m.typing = true, false
	var judges []func(context.Context) (judged, error)
	for i, q := range m.questions {
		var a quiz.Answer
		if q.touched() {
			a = q.answer()
		}
		judges = append(judges, m.judge(i, a, false))
	}
	return m.o.Ask(m.round, func(ctx context.Context) (any, error) {
		var all allJudged
		for _, judge := range judges {
			j, err := judge(ctx)
			if err != nil {
				return nil, err
			}
			all.list = append(all.list, j)
		}
		return all, nil
	})
}

// find looks for the first event that a question refers to.
func (m *Quiz) find(pattern string) tea.Cmd {
	session := m.about.Session
	m.judging = true
	return m.o.Ask(m.round, func(context.Context) (any, error) {
		var f found
		err := session.World(func(w *check.World) error {
			seqs, err := w.Matching(pattern)
			if len(seqs) > 0 {
				f.seq = seqs[0] // a lesson comes to it once; what is done again looks the same
			}
			return err
		})
		return f, err
	})
}

// Score returns the sum of the scores, how many questions were wholly right, and of how many.
func (m *Quiz) score() (points float64, right, total int) {
	for _, q := range m.questions {
		if !q.done || q.err != nil {
			continue
		}
		total++
		points += q.verdict.Score
		if q.verdict.Right {
			right++
		}
	}
	return points, right, total
}

// truthOf returns the right answer to a question, of a live one from the attempt's world.
func truthOf(q *schema.Question, s play.Session) (quiz.Truth, error) {
	if s == nil || !q.Live {
		return quiz.TruthOf(q, nil)
	}
	var t quiz.Truth
	err := s.World(func(w *check.World) error {
		var err error
		t, err = quiz.TruthOf(q, w)
		return err
	})
	return t, err
}
