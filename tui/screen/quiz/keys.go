package quiz

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/markdown"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Capturing reports whether keys are text now.
func (m *Quiz) Capturing() bool { return m.typing }

// Bindings returns the keys with those off that do not work now.
func (m *Quiz) Bindings() []keymap.Binding { return m.bindings }

// Key takes a key press.
func (m *Quiz) Key(k tea.KeyPressMsg) tea.Cmd {
	m.notice = notice{}
	if m.typing {
		cmd := m.typed(k)
		m.refresh()
		return cmd
	}
	return m.Do(keymap.Find(m.bindings, k.String()))
}

// Paste takes text that was pasted.
func (m *Quiz) Paste(s string) tea.Cmd {
	if m.typing {
		m.questions[m.at].line.Insert(s)
		m.refresh()
	}
	return nil
}

// typed takes a key while an answer is typed.
func (m *Quiz) typed(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		return m.enterKey()
	case "esc":
		m.typing = false
	default:
		m.questions[m.at].line.Key(k)
	}
	return nil
}

// Do carries out an action.
func (m *Quiz) Do(a keymap.Action) tea.Cmd {
	sure := m.sure
	m.sure = keymap.None
	cmd := m.do(a, sure)
	m.refresh()
	return cmd
}

// do carries out an action; sure is the one that has just been asked about, and is meant when it comes again.
func (m *Quiz) do(a, sure keymap.Action) tea.Cmd {
	if m.judging {
		return nil
	}
	if i, ok := keymap.ChoiceOf(a); ok && m.topics.open() {
		m.choose(i)
		return nil
	} else if ok && !m.over && len(m.questions) > 0 {
		m.questions[m.at].choose(i)
		return nil
	}
	switch a {
	case keymap.Submit:
		return m.enterKey()
	case keymap.Leave:
		return m.leave(sure == a)
	case keymap.Back:
		if m.over { // the questions that are left
			m.over = false
			return m.next()
		}
		m.reading = nil
	case keymap.Toggle:
		m.questions[m.at].toggle()
	case keymap.CarryUp:
		m.questions[m.at].carry(-1)
	case keymap.CarryDown:
		m.questions[m.at].carry(1)
	case keymap.ShowWhere:
		return m.showWhere()
	case keymap.GoThere:
		return m.goThere()
	case keymap.Earlier:
		m.enter(m.at - 1)
	case keymap.Later:
		m.enter(m.at + 1)
	case keymap.Finish:
		return m.finishEarly(sure == a)
	case keymap.Up:
		m.move(-1)
	case keymap.Down:
		m.move(1)
	case keymap.PageUp:
		m.scroll(-10)
	case keymap.PageDown:
		m.scroll(10)
	}
	return nil
}

// enter goes to a question.
func (m *Quiz) enter(i int) {
	m.reading, m.typing = nil, false
	if len(m.questions) == 0 {
		return
	}
	m.at = max(min(i, len(m.questions)-1), 0)
	q := m.questions[m.at]
	m.typing = q.textual() && !q.done && !m.over
	m.left.at, m.right.at = 0, 0
}

// enterKey answers the question, or goes on.
func (m *Quiz) enterKey() tea.Cmd {
	switch {
	case m.judging:
		return nil
	case m.topics.open():
		m.choose(m.topics.cursor)
		return nil
	case m.over || len(m.questions) == 0:
		return m.leave(true)
	case m.reading != nil:
		m.reading = nil
		return nil
	}
	q := m.questions[m.at]
	q.moved = true // who answers with the order as it was means it
	switch {
	case q.textual() && !m.typing && !q.done:
		m.typing = true
		return nil
	case m.exam() && len(q.answer()) == 0:
		m.notice = notice{true, m.say.T(text.QuizEmpty)}
		return nil
	case m.exam() && m.at+1 < len(m.questions):
		m.enter(m.at + 1)
		return nil
	case m.exam():
		m.notice = notice{text: m.say.T(text.QuizExamEnd, keymap.Shown(m.bindings, keymap.Finish))}
		m.typing = false
		return nil
	case q.done:
		return m.next()
	}
	m.typing = false
	cmd := m.submit()
	m.typing = cmd == nil && q.textual()
	return cmd
}

// next goes to the next question that has no answer, or to the results.
func (m *Quiz) next() tea.Cmd {
	for n := range len(m.questions) {
		if i := (m.at + n) % len(m.questions); !m.questions[i].done {
			m.enter(i)
			return nil
		}
	}
	return m.end()
}

// end shows the results.
func (m *Quiz) end() tea.Cmd {
	m.typing, m.reading = false, nil
	if m.exam() {
		return m.finish()
	}
	m.showResults()
	return nil
}

// showResults shows what each question was worth, the first that was missed before the others.
func (m *Quiz) showResults() {
	m.over, m.at = true, 0
	for i, q := range m.questions {
		if !q.verdict.Right {
			m.at = i
			break
		}
	}
	m.left.at, m.right.at = 0, 0
}

// open returns how many questions have no answer.
func (m *Quiz) open() int {
	n := 0
	for _, q := range m.questions {
		if !q.touched() {
			n++
		}
	}
	return n
}

// finishEarly ends the quiz. An exam in which questions have no answer asks once more: they count as wrong.
func (m *Quiz) finishEarly(sure bool) tea.Cmd {
	if n := m.open(); m.exam() && n > 0 && !sure {
		m.sure, m.notice = keymap.Finish, notice{true, m.say.T(text.QuizSureFinish, n, keymap.Shown(m.bindings, keymap.Finish))}
		return nil
	}
	return m.end()
}

// leave goes away from the quiz; an exam that is under way asks once more.
func (m *Quiz) leave(sure bool) tea.Cmd {
	if m.exam() && !m.over && !sure && len(m.questions) > 0 {
		m.sure, m.notice = keymap.Leave, notice{true, m.say.T(text.QuizSureLeave, keymap.Shown(m.bindings, keymap.Leave))}
		return nil
	}
	m.round++ // no more ticks
	points, right, total := m.score()
	return route.Go(play.Answered{Mode: m.about.Mode, Points: points, Right: right, Total: total})
}

// move moves the cursor among the answers, or from result to result; when there is nothing to move in, the text.
func (m *Quiz) move(n int) {
	switch {
	case m.topics.open():
		m.topics.move(n)
	case len(m.questions) == 0:
	case m.over:
		m.at = max(min(m.at+n, len(m.questions)-1), 0)
		m.right.at = 0
	case m.questions[m.at].done || m.questions[m.at].rows() == 0 || m.reading != nil:
		m.scroll(n)
	default:
		m.questions[m.at].move(n)
	}
}

// showWhere shows what the answer can be seen in: a step's text, or the event.
func (m *Quiz) showWhere() tea.Cmd {
	q := m.questions[m.at]
	if q.See.Event != "" {
		return m.find(q.See.Event)
	}
	step, _ := q.Lesson.Step(q.See.Step)
	if step == nil {
		m.notice = notice{text: m.say.T(text.QuizSeeLesson, q.See.Lesson)}
		return nil
	}
	m.judging = true
	lang, session, title := m.say.Lang().Tag(), m.about.Session, q.Lesson.Title
	if session != nil && session.Lesson().ID != q.Lesson.ID {
		session = nil
	}
	return m.o.Ask(m.round, func(context.Context) (any, error) {
		s := stepText{richtext.Text(theme.Dim, title.In(lang)), richtext.Text(theme.Heading, play.Words(session, step.Title, lang)), {}}
		for _, t := range []schema.Text{step.Body, step.Why} {
			s = append(append(s, markdown.Lines(play.Words(session, t, lang))...), richtext.Line{})
		}
		return s, nil
	})
}

// show shows an event.
func (m *Quiz) show(seq uint64) {
	var (
		e  trace.Event
		ok bool
	)
	if m.o.Events != nil {
		e, ok = m.o.Events.Get(seq)
	}
	if !ok {
		m.notice = notice{true, m.say.T(text.QuizNoEvent, m.questions[m.at].See.Event)}
		return
	}
	m.readAt = seq
	m.reading = describe.Lines(m.say, describe.Why, describe.Subject{Event: e}, m.o.Events)
}

// goThere leaves the quiz for what shows the answer: the event in the lab, or the lesson from that step.
func (m *Quiz) goThere() tea.Cmd {
	q := m.questions[m.at]
	if m.reading != nil && m.readAt != 0 {
		return route.Go(play.See{Event: m.readAt})
	}
	id := q.See.Lesson
	if id == "" {
		id = q.Lesson.ID
	}
	return route.Go(route.Lesson{ID: id, Step: q.See.Step})
}

// seen reports whether the place where an answer can be seen may be shown: not before it has been answered.
func (m *Quiz) seen() bool {
	return len(m.questions) > 0 && m.questions[m.at].done && (!m.exam() || m.over)
}

func (m *Quiz) works(a keymap.Action) bool {
	if m.typing {
		return a == keymap.Submit || a == keymap.Back || a == keymap.Quit
	}
	open := len(m.questions) > 0 && !m.over && m.reading == nil
	var q *question
	if len(m.questions) > 0 {
		q = m.questions[m.at]
	}
	switch a {
	case keymap.Toggle:
		return open && !q.done && (q.Kind == schema.One || q.Kind == schema.Several)
	case keymap.CarryUp, keymap.CarryDown:
		return open && !q.done && q.Kind == schema.Order
	case keymap.ShowWhere:
		return m.seen() && (q.See.Event == "" || m.about.Session != nil) && q.See.Lesson == "" && m.reading == nil
	case keymap.GoThere:
		return m.seen() && (m.reading != nil || q.See.Lesson != "")
	case keymap.Earlier:
		return open && m.at > 0
	case keymap.Later:
		return open && m.at+1 < len(m.questions)
	case keymap.Finish:
		return open
	case keymap.Back:
		return m.reading != nil || m.over && !m.exam() && m.open() > 0
	}
	_, choice := keymap.ChoiceOf(a)
	return !choice || open && !q.done || m.topics.open()
}

func (m *Quiz) bind() {
	choices := 0
	if m.topics.open() {
		choices = len(m.topics.names) + 1
	}
	if len(m.questions) > 0 && !m.over && !m.questions[m.at].done {
		choices = m.questions[m.at].choices()
	}
	m.bindings = keymap.Quiz(choices)
	for i := range m.bindings {
		b := &m.bindings[i]
		b.Off = !m.works(b.Action)
		if b.Action == keymap.Submit && m.topics.open() {
			b.Label = text.KeyOpen
		}
		if b.Action == keymap.Choice && m.topics.open() {
			b.Label = text.KeyToggle
		}
		if b.Action == keymap.Submit && (m.over || m.reading != nil || len(m.questions) > 0 && m.questions[m.at].done) {
			b.Label = text.KeyGoOn
		}
	}
}

// Mouse takes a click or a turn of the wheel.
func (m *Quiz) Mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	n := map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[at.Button]
	for _, p := range []*pane{&m.left, &m.right} {
		if !p.place.Contains(at.X, at.Y) {
			continue
		}
		switch msg.(type) {
		case tea.MouseWheelMsg:
			p.move(n)
		case tea.MouseClickMsg:
			if h := p.hit(at.X, at.Y); at.Button == tea.MouseLeft && h.kind != nothing && !m.judging {
				return m.click(h)
			}
		}
	}
	m.refresh()
	return nil
}

// click does what was clicked on: answers are picked, a row of an order is taken and then put where the next click is.
func (m *Quiz) click(h hit) tea.Cmd {
	var cmd tea.Cmd
	switch q := m.current(); h.kind {
	case aTopic:
		m.choose(h.i)
	case anOption:
		if q.Kind == schema.Order {
			q.clickRow(h.i)
		} else {
			q.choose(h.i)
		}
	case aLeft:
		q.cursor = h.i
	case aRight:
		q.choose(h.i)
	case aResult:
		m.at, m.right.at = h.i, 0
	case theFoot:
		cmd = m.enterKey()
	}
	m.refresh()
	return cmd
}
