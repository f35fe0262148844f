package lab

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// lessonHeader is the top line while a lesson is played: which lesson and step, how far, and what the lab does.
func (m *Lab) lessonHeader() string {
	l, v := m.lesson.session.Lesson(), &m.lesson.now.View
	lang := m.say.Lang().Tag()
	mark, mode := m.mode()
	right := mark + " " + mode + " "
	if v.Total > 0 {
		done := max(min(v.Index, v.Total), 0)
		if v.Phase == course.Passed {
			done++
		}
		step := m.say.T(text.LessonStep, max(min(v.Index+1, v.Total), 1), v.Total)
		right = step + "  " + strings.Repeat("●", done) + strings.Repeat("○", v.Total-done) + "   " + right
	}
	name := l.Title.In(lang)
	if v.Step != nil {
		if both := name + " › " + m.lesson.now.In(v.Step.Title, lang); ansi.StringWidth(both)+ansi.StringWidth(right)+14 <= m.w {
			name = both
		}
	}
	left := " " + m.theme.Paint(theme.Strong, "kubestep") + "  "
	room := m.w - ansi.StringWidth(left) - ansi.StringWidth(right) - 1
	return layout.Fit(left+layout.Fit(name, max(room, 0))+" "+right, m.w)
}

// lessonTab is a view's label in the tabs: digits are the lesson's.
func (m *Lab) lessonTab(i int) string {
	name := m.say.T(m.tabs[i].name)
	switch {
	case i == m.front && m.stageInFront():
		return "[" + name + "]"
	case m.w < everyLessonTab:
		return " " + layout.Fit(name, 3)
	}
	return " " + name + " "
}

// everyLessonTab is the width, in cells, from which the names of all views fit beside the lesson's.
const everyLessonTab = 76

// stageInFront reports whether a view is in sight: in a narrow terminal the lesson is a tab beside them.
func (m *Lab) stageInFront() bool { return !m.screen.Tabbed || m.focus != layout.LabLesson }

// lessonFirstTab is the lesson's label in the tabs of a narrow terminal.
func (m *Lab) lessonFirstTab() string {
	if m.lesson.session == nil || !m.screen.Tabbed {
		return ""
	}
	if m.stageInFront() {
		return m.theme.Paint(theme.Dim, " "+m.say.T(text.PaneLesson)+" ") + "│"
	}
	return m.theme.Paint(theme.Strong, "["+m.say.T(text.PaneLesson)+"]") + "│"
}

// lessonStatus says who waits, and what to press so that it goes on.
func (m *Lab) lessonStatus() string {
	i := max(m.heldIndex(), 0)
	how := m.lessonHolds()
	line := m.theme.Paint(theme.Warn, "■ ")
	room := m.w - 4 - ansi.StringWidth(how)
	e := describe.Event(&m.debug.Held[i].Event)
	head := e.Actor + " " + e.Verb + " "
	if what := room - layout.Width(head) - 2; what > 0 {
		line += head + layout.Middle(e.Object, what) + "  "
	}
	return line + m.theme.Paint(theme.Strong, how)
}

// clickLesson does what a click in the lesson's pane or on its tab asks for.
func (m *Lab) clickLesson(x, y int) tea.Cmd {
	if m.lesson.session == nil {
		return nil
	}
	if first := ansi.StringWidth(m.lessonFirstTab()); m.screen.Tabs.Contains(x, y) && x > 0 && x <= first {
		m.focusOn(layout.LabLesson)
		return nil
	}
	r := m.screen.Pane[layout.LabLesson]
	w, h := m.inner(layout.LabLesson)
	cx, cy := x-r.X-2, y-r.Y-1
	if !r.Contains(x, y) || cx < 0 || cx >= w || cy < 0 || cy >= h {
		return nil
	}
	a := m.lesson.pane.Click(cx, cy)
	if a == keymap.None || !m.works(a) {
		return nil
	}
	return m.do(a)
}

// lessonKeyWords names the keys whose word on the key bar depends on where the focus is: in the lesson's pane, enter does
// what else has a key of its own, and the lesson key leads to the view.
func (m *Lab) lessonKeyWords() {
	if m.lesson.session == nil {
		return
	}
	for i := range m.bindings {
		if b := &m.bindings[i]; b.Action == keymap.Quit && m.lesson.looking {
			b.Label, b.Help = text.KeyBackToQuiz, text.HelpBackToQuiz
		}
		if b := &m.bindings[i]; b.Action == keymap.Step || b.Action == keymap.Continue && len(m.debug.Held) > 0 {
			b.Rank = 1 // something waits that is not the lesson's own stop
		}
	}
	if m.focus != layout.LabLesson {
		return
	}
	words := map[keymap.Action]text.ID{keymap.NextStep: text.KeyNextStep, keymap.RunShown: text.KeyRunShown}
	for i := range m.bindings {
		switch b := &m.bindings[i]; b.Action {
		case keymap.LessonPane:
			b.Label = m.tab().name
		case keymap.NextStep, keymap.RunShown, keymap.Back, keymap.ToggleTree, keymap.Fold, keymap.Mark, keymap.ScrollDown:
			b.Label = 0 // not while the reader is here
		case keymap.WhyPage:
			if m.holds() && len(m.debug.Held) > 0 {
				b.Label, b.Rank = text.KeyLookInside, 2
			}
		case keymap.Open:
			b.Label, b.Rank = words[m.lesson.pane.Enter()], 0
		}
	}
}
