package summary

import (
	"math"
	"strconv"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/keybar"
	"github.com/kubestep/kubestep/tui/component/markdown"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Resize gives the screen its size.
func (m *Summary) Resize(w, h int) {
	m.w, m.h = w, h
	m.refresh()
}

// Dress gives the screen its looks and its language.
func (m *Summary) Dress(t theme.Theme, p text.Printer) {
	m.theme, m.say = t, p
	m.refresh()
}

// Capturing reports whether keys are text now, which they never are here.
func (m *Summary) Capturing() bool { return false }

// Bindings returns the keys with those off that do not work now.
func (m *Summary) Bindings() []keymap.Binding { return m.bindings }

// Paste takes text that was pasted: there is nothing to type.
func (m *Summary) Paste(string) tea.Cmd { return nil }

// Feed takes what the lab reports, none of which concerns a summary.
func (m *Summary) Feed(tea.Msg) tea.Cmd { return nil }

// Key takes a key press.
func (m *Summary) Key(k tea.KeyPressMsg) tea.Cmd {
	return m.Do(keymap.Find(m.bindings, k.String()))
}

// Do carries out an action.
func (m *Summary) Do(a keymap.Action) tea.Cmd {
	if m.lesson == nil {
		return nil
	}
	switch a {
	case keymap.Submit:
		return m.goOn()
	case keymap.TakeQuiz:
		return route.Go(route.Quiz{Mode: route.Practice, Lesson: m.lesson.ID})
	case keymap.NextLesson:
		return route.Go(route.Lesson{ID: m.next()[0].ID})
	case keymap.Restart:
		return route.Go(route.Lesson{ID: m.lesson.ID, Restart: true})
	case keymap.Leave:
		return route.Go(route.Home{})
	case keymap.FreeLab:
		return route.Go(route.Lesson{ID: m.lesson.ID})
	case keymap.Up:
		m.pager.Move(-1)
	case keymap.Down:
		m.pager.Move(1)
	case keymap.PageUp:
		m.pager.Move(-10)
	case keymap.PageDown:
		m.pager.Move(10)
	}
	return nil
}

// goOn does what comes next: the quiz, the next lesson, home.
func (m *Summary) goOn() tea.Cmd {
	switch {
	case m.quizOpen():
		return m.Do(keymap.TakeQuiz)
	case len(m.next()) > 0:
		return m.Do(keymap.NextLesson)
	}
	return route.Go(route.Home{})
}

// Mouse takes a turn of the wheel, and a click on the line that says what comes next.
func (m *Summary) Mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		m.pager.Move(map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[at.Button])
	case tea.MouseClickMsg:
		if at.Button == tea.MouseLeft && at.Y == m.h-4 {
			return m.Do(keymap.Submit)
		}
	}
	return nil
}

func (m *Summary) bind() {
	m.bindings = keymap.Summary()
	for i := range m.bindings {
		switch b := &m.bindings[i]; b.Action {
		case keymap.TakeQuiz:
			b.Off = m.lesson == nil || len(m.lesson.Quiz) == 0
		case keymap.NextLesson:
			b.Off = m.lesson == nil || len(m.next()) == 0
		}
	}
}

// place is the frame around the text.
func (m *Summary) place() layout.Rect { return layout.Rect{Y: 1, W: m.w, H: m.h - 3} }

func (m *Summary) refresh() {
	m.bind()
	if m.w <= 0 || m.h <= 0 || m.lesson == nil {
		return
	}
	w, h := frame.Inner(m.place())
	m.pager.Set(m.theme, m.lines(), w, h-2)
}

// View returns the screen's lines.
func (m *Summary) View() []string {
	if m.lesson == nil {
		return layout.FitLines(nil, m.w, m.h)
	}
	w, h := frame.Inner(m.place())
	content := append(m.pager.View(w, h-2), layout.Fit("", w), layout.Fit(m.theme.Paint(theme.Key, m.foot()), w))
	f := frame.Frame{Title: m.say.T(text.SummaryTitle), Note: m.pager.Note(), Focused: true}
	left := " " + m.theme.Paint(theme.Strong, "kubestep") + "  "
	room := m.w - ansi.StringWidth(left)
	lines := []string{layout.Fit(left+layout.Fit(m.in(m.lesson.Title), max(room, 0)), m.w)}
	lines = append(lines, f.View(m.theme, m.place(), content)...)
	return append(lines, layout.Fit(" "+m.theme.Paint(theme.Bad, m.notice), m.w), keybar.View(m.theme, m.say, m.bindings, m.w))
}

func (m *Summary) in(t schema.Text) string { return t.In(m.say.Lang().Tag()) }

func (m *Summary) foot() string {
	enter := keymap.Shown(m.bindings, keymap.Submit)
	switch {
	case m.quizOpen() && len(m.next()) > 0:
		return "▸ " + m.say.T(text.SummaryFootQuiz, enter, keymap.Shown(m.bindings, keymap.NextLesson))
	case m.quizOpen():
		return "▸ " + enter + " " + m.say.T(text.KeyTakeQuiz)
	case len(m.next()) > 0:
		return "▸ " + m.say.T(text.SummaryFootNext, enter)
	}
	return "▸ " + m.say.T(text.SummaryFootHome, enter)
}

func (m *Summary) lines() []richtext.Line {
	fact := func(head text.ID, words string) richtext.Line {
		name := layout.Fit(m.say.T(head), m.factWidth())
		return richtext.Line{Hang: m.factWidth() + 2, Spans: []richtext.Span{{Role: theme.Dim, Text: name + "  "}, {Role: theme.Strong, Text: words}}}
	}
	out := []richtext.Line{fact(text.SummarySteps, m.steps()), fact(text.SummaryHints, m.hints())}
	if answered, right, wrong := m.predictions(); answered > 0 {
		out = append(out, fact(text.SummaryPredictions, m.say.T(text.SummaryPredicted, right, answered)))
		for _, step := range wrong {
			out = append(out, richtext.Line{Indent: m.factWidth() + 2, Hang: 2, Spans: append([]richtext.Span{{Role: theme.Bad, Text: "✗ "}},
				markdown.Spans(theme.Plain, m.missed(step))...)})
		}
	}
	if points, answered, all := m.score(); all > 0 {
		words := m.say.T(text.SummaryQuizScore, strconv.FormatFloat(math.Round(points*10)/10, 'f', -1, 64), answered)
		if answered < all {
			open := m.say.T(text.SummaryQuizOpen, all-answered, keymap.Shown(m.bindings, keymap.TakeQuiz))
			if answered == 0 {
				words = open
			} else {
				words += " · " + open
			}
		}
		out = append(out, fact(text.SummaryQuiz, words))
	}
	if can := m.lesson.Objectives[m.say.Lang().Tag()]; len(can) > 0 {
		out = append(out, richtext.Line{}, richtext.Text(theme.Heading, m.say.T(text.SummaryCan)))
		for _, s := range can {
			out = append(out, richtext.Line{Hang: 2, Spans: append([]richtext.Span{{Role: theme.Good, Text: "✓ "}}, markdown.Spans(theme.Plain, s)...)})
		}
	}
	out = append(out, richtext.Line{}, richtext.Text(theme.Heading, m.say.T(text.SummaryNext)))
	next := m.next()
	for i, l := range next {
		mark := "  "
		if i == 0 {
			mark = keymap.Shown(m.bindings, keymap.NextLesson) + " "
		}
		line := richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: theme.Key, Text: mark}, {Role: theme.Strong, Text: m.in(l.Title)}}}
		out = append(out, line)
		if intro := m.in(l.Intro); intro != "" {
			out = append(out, richtext.Line{Indent: 2, Spans: markdown.Spans(theme.Dim, intro)})
		}
	}
	if len(next) == 0 {
		out = append(out, richtext.Text(theme.Plain, m.say.T(text.SummaryAll)))
	}
	return out
}

// factWidth is the width of the widest name of a fact, in cells.
func (m *Summary) factWidth() int {
	w := 0
	for _, id := range []text.ID{text.SummarySteps, text.SummaryHints, text.SummaryPredictions, text.SummaryQuiz} {
		w = max(w, layout.Width(m.say.T(id)))
	}
	return w
}

func (m *Summary) steps() string {
	s := &m.view.State
	helped, skipped, all := 0, 0, 0
	for _, step := range course.Path(m.lesson) {
		all++
		switch {
		case s.Skipped[step.ID]:
			skipped++
		case s.Helped[step.ID]:
			helped++
		}
	}
	words := m.say.T(text.SummaryAlone, all-helped-skipped, all)
	if helped > 0 {
		words += " · " + m.say.T(text.SummaryHelped, helped)
	}
	if skipped > 0 {
		words += " · " + m.say.T(text.SummarySkipped, skipped)
	}
	return words
}

func (m *Summary) hints() string {
	n := 0
	for _, seen := range m.view.State.Hints {
		n += seen
	}
	return m.say.T(text.SummaryHintsUsed, n)
}

// missed says of a prediction what was said and what it was.
func (m *Summary) missed(step *schema.Step) string {
	s := &m.view.State
	option := func(id string) string {
		for _, o := range step.Predict.Options {
			if o.ID == id {
				words := m.in(o.Text)
				if said, ok := m.said[words]; ok {
					words = said
				}
				return "*" + words + "*"
			}
		}
		return id
	}
	return m.say.T(text.SummarySaid, m.in(step.Title), option(s.Chosen[step.ID]), option(s.Truth[step.ID]))
}
