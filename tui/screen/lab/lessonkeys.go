package lab

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
)

// onLesson carries out the lesson's own actions, and reports whether a was one.
func (m *Lab) onLesson(a keymap.Action) (cmd tea.Cmd, own bool) {
	l := &m.lesson
	sure := l.sure
	l.sure = false
	switch a {
	case keymap.Hint:
		if v := &l.now.View; v.Step != nil && len(v.Hints) >= len(v.Step.Hints) {
			m.notice = notice{text: m.say.T(text.LessonNoMoreHints)}
		}
		m.focusOn(layout.LabLesson)
		return m.wish(course.Hint{}), true
	case keymap.Solution:
		m.focusOn(layout.LabLesson)
		if !l.asked {
			l.asked = true
			return m.wish(course.Solution{}), true
		}
		return m.wish(course.Solve{}), true
	case keymap.Reset:
		if !sure {
			l.sure = true
			m.notice = notice{true, m.say.T(text.LessonSureReset, keymap.Shown(m.bindings, a))}
			return nil, true
		}
		l.typed, l.asked = map[string]bool{}, false
		m.focusOn(layout.LabLesson)
		return m.wish(course.Reset{}), true
	case keymap.Skip:
		return m.wish(course.Skip{}), true
	case keymap.NextStep:
		return m.wish(course.Next{}), true
	case keymap.RunShown:
		return m.runShown(), true
	case keymap.LessonPane:
		m.toLesson()
		return nil, true
	}
	if i, ok := keymap.ChoiceOf(a); ok && i < m.choices() {
		return m.wish(course.Choose{Option: l.now.View.Step.Predict.Options[i].ID}), true
	}
	return nil, false
}

// ToLesson moves the focus to the lesson, if there is one.
func (m *Lab) ToLesson() {
	if m.lesson.session != nil && m.focus != layout.LabLesson {
		m.toLesson()
	}
}

// toLesson moves the focus to the lesson, or from there back to where it was.
func (m *Lab) toLesson() {
	l := &m.lesson
	if m.focus != layout.LabLesson {
		if l.stage = m.focus; m.focus == layout.LabSide && m.output {
			l.stage = layout.LabView // the key bar names the view; a prompt's output is a guest
		}
		m.focusOn(layout.LabLesson)
		return
	}
	m.focusOn(l.stage)
}

// runShown runs the next of the commands that the lesson shows, or the first again.
func (m *Lab) runShown() tea.Cmd {
	l := &m.lesson
	do := l.now.View.Do
	i := max(l.pane.Next(), 0)
	if i >= len(do) {
		return nil
	}
	c := do[i]
	l.typed[c.Line] = true
	m.output = true
	if c.Fault != nil {
		return m.breakLab(c.Fault)
	}
	return m.kubectl(bare(c.Line), c.Args)
}

// typedShown marks a command of the lesson that the learner has typed.
func (m *Lab) typedShown(line string) {
	for _, c := range m.lesson.now.View.Do {
		if strings.Join(strings.Fields(c.Line), " ") == strings.Join(strings.Fields(line), " ") {
			m.lesson.typed[c.Line] = true
		}
	}
}

// hasTyped reports whether a command is one of the step's that have been run: what others said does not stand below them.
func (l *lesson) hasTyped(command string) bool {
	for line := range l.typed {
		if slices.Equal(strings.Fields(line), strings.Fields(command)) {
			return true
		}
	}
	return false
}

// lessonWorks says whether an action does something now as far as the lesson decides about it; known is false for others.
func (m *Lab) lessonWorks(a keymap.Action) (works, known bool) {
	l := &m.lesson
	v := &l.now.View
	ready := l.session != nil && v.Step != nil && !v.Replaying && v.Phase != course.Preparing
	switch a {
	case keymap.LessonPane:
		return l.session != nil, true
	case keymap.Hint:
		return ready && len(v.Step.Hints) > 0 && v.Phase != course.Passed, true
	case keymap.Solution:
		more := !l.asked || len(v.Solution) > 0 || v.Phase == course.Asking
		return ready && v.Phase != course.Passed && !v.Running && more, true
	case keymap.Reset:
		return ready, true
	case keymap.Skip:
		return ready && v.Phase != course.Passed, true
	case keymap.NextStep:
		return ready && l.pane.Enter() == keymap.NextStep, true
	case keymap.RunShown:
		return ready && v.Phase == course.Doing && len(v.Do) > 0 && !v.Running && m.live(), true
	case keymap.Step, keymap.StepThis, keymap.Continue, keymap.Pause:
		return false, m.holds()
	}
	_, choice := keymap.ChoiceOf(a)
	return true, choice
}

// lessonKeeps says, when a verb's key does nothing because the lesson holds what is held, how to go on.
func (m *Lab) lessonKeeps(key string) {
	for i := range m.bindings {
		b := &m.bindings[i]
		if !slices.Contains(b.Keys, key) || !b.Off || !m.holds() {
			continue
		}
		if _, known := m.lessonWorks(b.Action); known && b.Action < keymap.Hint {
			m.notice = notice{true, m.lessonHolds()}
		}
	}
}

// lessonHolds says what to press so that what the lesson holds goes on.
func (m *Lab) lessonHolds() string {
	if !m.holds() {
		return m.say.T(text.LessonHeldFree, keymap.Shown(m.bindings, keymap.Step), keymap.Shown(m.bindings, keymap.Continue))
	}
	if m.lesson.now.View.Phase == course.Asking {
		return m.say.T(text.LessonHeldAsk, keymap.Shown(keymap.Lesson(m.choices()), keymap.Choice))
	}
	key := keymap.NextStep
	if m.focus == layout.LabLesson {
		key = keymap.Open
	}
	return m.say.T(text.LessonHeldNext, keymap.Shown(m.bindings, key))
}
