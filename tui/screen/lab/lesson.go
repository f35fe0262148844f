package lab

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/view/lessonview"
)

// lesson is the attempt that is played on the screen.
type lesson struct {
	session play.Session // nil when there is none
	attempt uint64       // counts sessions, so that what an older one says is dropped
	over    chan struct{}
	now     play.Changed
	sent    bool // a wish has not been answered
	pane    lessonview.Pane
	typed   map[string]bool // commands of this step that have been run, by line
	asked   bool            // for the solution, in this step
	sure    bool            // the reset key has been pressed once
	looking bool            // from within a quiz
	stop    uint64          // the held event that the lesson stopped at last
	wanted  bool            // it is to be selected
	told    bool            // the root knows of the end
	stage   layout.LabPane  // where the lesson key goes back to
	kubectl func(ctx context.Context, args []string) (string, error)
}

// lessonNews is what there is to show of an attempt.
type lessonNews struct {
	attempt uint64
	changed play.Changed
	follow  bool // it came by waiting; wait for the next
}

// Play shows an attempt beside the lab until another one or nil, for none, takes its place.
func (m *Lab) Play(s play.Session) tea.Cmd {
	old := &m.lesson
	if old.session != nil {
		close(old.over)
		m.o.Kubectl = old.kubectl
	}
	m.lesson = lesson{session: s, attempt: old.attempt + 1, typed: map[string]bool{}, kubectl: m.o.Kubectl}
	m.at, m.typing, m.output = 0, commands, false
	m.console.Clear()
	if s == nil {
		m.focusOn(layout.LabView)
		m.refresh()
		return nil
	}
	m.lesson.over = make(chan struct{})
	m.lesson.pane.Dress(m.theme, m.say)
	m.o.Kubectl = s.Kubectl
	m.focusOn(layout.LabLesson)
	m.refresh()
	return m.follow(0)
}

// fedLesson takes what the root model says of attempts.
func (m *Lab) fedLesson(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case play.Over:
		cmd := m.Play(nil)
		if msg.Err != nil {
			m.notice = notice{true, m.say.T(text.AttemptEnded, msg.Err)}
		}
		return cmd
	case play.Trouble:
		m.notice = notice{true, msg.Err.Error()}
	case play.See:
		if m.lesson.looking = msg.Event != 0; m.lesson.looking {
			m.see(msg.Event)
		}
	}
	return nil
}

// see shows an event at its moment in the trace.
func (m *Lab) see(seq uint64) {
	e, ok := m.o.Store.Get(seq)
	if !ok {
		return
	}
	m.level = max(m.level, describe.Needs(&e))
	m.show(m.viewOf("trace"))
	m.output, m.at = false, seq // the trace selects the moment that is shown
}

// Playing returns the attempt, nil when there is none.
func (m *Lab) Playing() play.Session { return m.lesson.session }

// follow waits for a view of another generation.
func (m *Lab) follow(generation uint64) tea.Cmd {
	s, news, over := m.lesson.session, lessonNews{attempt: m.lesson.attempt, follow: true}, m.lesson.over
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-over:
				cancel()
			case <-ctx.Done():
			}
		}()
		var err error
		news.changed, err = play.Next(ctx, s, generation)
		if ctx.Err() != nil {
			return lessonNews{}, nil // nobody waits for it
		}
		return news, err
	})
}

// wish tells the attempt what the learner wants. Until it has answered, there is no second one: what is on the screen
// may be about the step before.
func (m *Lab) wish(in course.Input) tea.Cmd {
	if m.lesson.sent {
		return nil
	}
	m.lesson.sent = true
	m.at = 0
	s, news := m.lesson.session, lessonNews{attempt: m.lesson.attempt}
	return m.o.Ask(0, func(context.Context) (any, error) {
		s.Do(in)
		var err error
		news.changed, err = play.Now(s)
		return news, err
	})
}

// lessonSays takes what there is to show of the attempt.
func (m *Lab) lessonSays(news lessonNews, err error) tea.Cmd {
	l := &m.lesson
	if news.attempt != l.attempt || l.session == nil {
		return nil
	}
	var cmds []tea.Cmd
	if news.follow {
		cmds = append(cmds, m.follow(news.changed.View.Generation))
	} else {
		l.sent = false
	}
	if err != nil {
		m.notice = notice{true, m.say.T(text.LessonBroken, err)}
	}
	if news.changed.View.Generation >= l.now.View.Generation {
		m.lessonChanged(news.changed)
	}
	if v := &l.now.View; v.Phase == course.Ended && !l.told {
		l.told = true
		done := play.Finished{Session: l.session, View: *v}
		cmds = append(cmds, func() tea.Msg { return done })
	}
	return tea.Batch(cmds...)
}

// lessonChanged brings the screen to where the lesson is.
func (m *Lab) lessonChanged(c play.Changed) {
	l := &m.lesson
	old := l.now
	l.now = c
	v := &c.View
	if step := v.Step; step != nil && !v.Replaying && (old.View.Step != step || old.View.Replaying) {
		l.typed, l.asked = map[string]bool{}, false
		l.stage = layout.LabView
		m.focusOn(layout.LabLesson)
		m.level = describe.Calls
		if i := m.viewOf(step.View); i >= 0 {
			m.front, m.at = i, 0
		}
		for i := range m.tabs { // what the step before had stopped at is not what this one is about
			if v, ok := m.tabs[i].view.(interface{ Follow() }); ok {
				v.Follow()
			}
		}
	} else if step != nil && !m.inFront(layout.LabLesson) {
		m.sayTicks(old.View.Checks, v)
	}
	if n := len(c.Stopped); n > 0 && c.Stopped[n-1] != l.stop {
		l.stop, l.wanted = c.Stopped[n-1], true
	}
}

// viewOf returns the place of a view that a lesson names, -1 for none.
func (m *Lab) viewOf(name string) int {
	actions := []keymap.Action{keymap.ViewMap, keymap.ViewTrace, keymap.ViewPackets, keymap.ViewDNS, keymap.ViewRollout,
		keymap.ViewScheduler, keymap.ViewEtcd, keymap.ViewObjects} // in the order of schema.Views
	at := slices.Index(schema.Views, name)
	return slices.IndexFunc(m.tabs, func(t tab) bool { return at >= 0 && t.action == actions[at] })
}

// sayTicks says on the status line what has been reached, when the lesson is not in sight.
func (m *Lab) sayTicks(old []course.CheckView, v *course.View) {
	for i, c := range v.Checks {
		if c.Passed && i < len(old) && old[i].ID == c.ID && !old[i].Passed {
			m.notice = notice{text: m.say.T(text.LessonCheckDone, m.lesson.now.In(c.Label, m.say.Lang().Tag()))}
		}
	}
}

// selectStop selects what the lesson has stopped at, as soon as the queue has it.
func (m *Lab) selectStop() {
	l := &m.lesson
	i := slices.IndexFunc(m.debug.Held, func(h trace.Held) bool { return h.ID == l.stop })
	if !l.wanted || i < 0 {
		return
	}
	l.wanted = false
	m.heldID, m.looking = l.stop, layout.LabHeld
	e := &m.debug.Held[i].Event
	m.level = max(m.level, describe.Needs(e)) // what is as fine as that belongs to the step
	for j := range m.tabs {
		if v, ok := m.tabs[j].view.(interface{ Select(seq uint64) }); ok {
			v.Select(e.Cause)
		}
	}
	if e.Actor != "kubectl" {
		m.output, m.inspect.Page = false, describe.Why // kubectl's own request leaves the prompt in sight, where it waits
	}
}

// showLesson fills the pane.
func (m *Lab) showLesson() {
	l := &m.lesson
	if l.session == nil {
		return
	}
	m.selectStop()
	w, h := m.inner(layout.LabLesson)
	if w <= 0 && m.screen.Tabbed {
		w, h = m.inner(m.focus)
	}
	l.pane.Resize(w, h)
	s := lessonview.Subject{Changed: l.now, Typed: l.typed, Solution: l.asked, Focused: m.focus == layout.LabLesson, Keys: keymap.Lesson(m.choices())}
	if m.screen.Tabbed && l.hasTyped(m.console.LastCommand()) {
		s.Output = m.console.Last(mostOutput)
	}
	l.pane.Show(s)
}

// mostOutput is how many lines of a command's output the lesson shows where the console has no place beside it.
const mostOutput = 8

// choices returns how many answers there are to choose from now.
func (m *Lab) choices() int {
	v := &m.lesson.now.View
	if m.lesson.session == nil || v.Phase != course.Asking || v.Step == nil || v.Step.Predict == nil {
		return 0
	}
	return len(v.Step.Predict.Options)
}

// holds reports whether the lesson decides about what is held: the verbs would bring its next step out of order.
func (m *Lab) holds() bool {
	p := m.lesson.now.View.Phase
	return m.lesson.session != nil && (p == course.Asking || p == course.Passed)
}
