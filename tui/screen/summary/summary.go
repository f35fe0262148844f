// Package summary is the screen at the end of a lesson: what was done and how, what was predicted, the quiz, and what to
// look at next.
//
// The root model imports it; it imports engine/{course,quiz}, lessons/schema, play, route, the components and the leaves.
package summary

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Address is where the results of the screen's commands go.
const Address route.Address = "summary"

// Options is what the screen works with.
type Options struct {
	Lessons []*schema.Lesson
	// Read reads what the learner has done; nil when nothing is kept.
	Read func(ctx context.Context) (play.Done, error)
	// Ask makes the screen's commands.
	Ask route.Ask
}

// Summary is the screen. The root model calls its methods from one goroutine.
type Summary struct {
	o     Options
	theme theme.Theme
	say   text.Printer
	w, h  int

	shown    uint64
	session  play.Session
	lesson   *schema.Lesson
	view     course.View
	said     map[string]string // the words of options that hold expressions, by what was written
	done     play.Done
	notice   string
	pager    pager.Pager
	bindings []keymap.Binding
}

// New returns the screen, which has nothing to show yet.
func New(o Options) *Summary {
	m := &Summary{o: o}
	m.bind()
	return m
}

// Show shows the summary of a lesson that has come to its end.
func (m *Summary) Show(f play.Finished) tea.Cmd {
	m.session, m.lesson, m.view, m.said, m.notice = f.Session, f.Session.Lesson(), f.View, nil, ""
	m.pager.Top()
	return m.Read()
}

// Lesson returns the ID of the lesson that is summed up, empty when there is none.
func (m *Summary) Lesson() string {
	if m.lesson == nil {
		return ""
	}
	return m.lesson.ID
}

// Read reads again what the learner has done, as after a quiz.
func (m *Summary) Read() tea.Cmd {
	m.refresh()
	if m.lesson == nil {
		return nil
	}
	read, session, options := m.o.Read, m.session, m.options()
	m.shown++
	return m.o.Ask(m.shown, func(ctx context.Context) (any, error) {
		found := found{said: map[string]string{}}
		for _, o := range options {
			for _, lang := range schema.Languages {
				found.said[o.Text.In(lang)] = play.Words(session, o.Text, lang)
			}
		}
		if read == nil {
			return found, nil
		}
		var err error
		found.done, err = read(ctx)
		return found, err
	})
}

// found is what a command has found out.
type found struct {
	done play.Done
	said map[string]string
}

// options returns those that the summary names.
func (m *Summary) options() []schema.Option {
	var out []schema.Option
	_, _, wrong := m.predictions()
	for _, step := range wrong {
		out = append(out, step.Predict.Options...)
	}
	return out
}

// Result takes what the learner has done.
func (m *Summary) Result(r route.Result) tea.Cmd {
	if r.Generation != m.shown {
		return nil
	}
	if v, ok := r.Value.(found); ok {
		if m.said = v.said; r.Err == nil {
			m.done = v.done
		}
	}
	if r.Err != nil {
		m.notice = r.Err.Error()
	}
	m.refresh()
	return nil
}

// predictions returns how many of the lesson's predictions were answered, how many of them rightly, and those that were
// not.
func (m *Summary) predictions() (answered, right int, wrong []*schema.Step) {
	s := &m.view.State
	for _, step := range course.Path(m.lesson) {
		said, was := s.Chosen[step.ID], s.Truth[step.ID]
		if step.Predict == nil || said == "" || was == "" {
			continue
		}
		if answered++; said == was {
			right++
		} else {
			wrong = append(wrong, step)
		}
	}
	return answered, right, wrong
}

// score returns what the last answers to the lesson's questions are worth, how many have been answered, and how many
// there are.
func (m *Summary) score() (points float64, answered, all int) {
	for _, i := range quiz.Items([]*schema.Lesson{m.lesson}) {
		all++
		if r := m.done.Records[i.Key()]; len(r.Tries) > 0 {
			answered++
			points += r.Tries[len(r.Tries)-1].Score
		}
	}
	return points, answered, all
}

// mostNext is how many lessons are proposed.
const mostNext = 3

// next returns lessons to look at next: those that build on this one, then those of the same part of the course, then
// others that nothing stands before.
func (m *Summary) next() []*schema.Lesson {
	finished := func(id string) bool { return id == m.lesson.ID || m.done.Lessons[id].Finished }
	var ranked [3][]*schema.Lesson
	for _, l := range m.o.Lessons {
		if finished(l.ID) || slices.ContainsFunc(l.Requires, func(id string) bool { return !finished(id) }) {
			continue
		}
		rank := 2
		switch {
		case slices.Contains(l.Requires, m.lesson.ID):
			rank = 0
		case l.Track == m.lesson.Track:
			rank = 1
		}
		ranked[rank] = append(ranked[rank], l)
	}
	all := slices.Concat(ranked[:]...)
	return all[:min(len(all), mostNext)]
}

// quizOpen reports whether questions of the lesson have not been answered.
func (m *Summary) quizOpen() bool {
	_, answered, all := m.score()
	return answered < all
}
