package lab

import (
	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
)

// Key takes a key press.
func (m *Lab) Key(k tea.KeyPressMsg) tea.Cmd {
	m.notice = notice{}
	var cmd tea.Cmd
	if m.typing != commands {
		cmd = m.typed(k)
	} else {
		cmd = m.do(keymap.Find(m.bindings, k.String()))
		m.lessonKeeps(k.String())
	}
	m.refresh()
	return cmd
}

// Do carries out an action that was not asked for by its key.
func (m *Lab) Do(a keymap.Action) tea.Cmd {
	m.notice = notice{}
	cmd := m.do(a)
	m.refresh()
	return cmd
}

func (m *Lab) do(a keymap.Action) tea.Cmd {
	if cmd, own := m.onLesson(a); own {
		return cmd
	}
	switch a {
	case keymap.Step:
		return m.tell(a, engine.Command{Verb: engine.Step})
	case keymap.StepThis:
		return m.stepThis()
	case keymap.Continue:
		return m.tell(a, engine.Command{Verb: engine.Continue})
	case keymap.Pause:
		return m.tell(a, engine.Command{Verb: engine.Pause})
	case keymap.Finer, keymap.Coarser:
		return m.changeLevel(a)
	case keymap.FollowPod:
		return m.followPod()
	case keymap.Zoom:
		m.alone = !m.alone
	case keymap.Break:
		m.typing = aPattern
		m.breaks.begin(m.suggest())
	case keymap.Prompt:
		m.typing, m.output = aKubectl, true
		m.focus = layout.LabSide
	case keymap.Filter:
		m.typing = aFilter
		m.focusOn(layout.LabView)
	case keymap.Earlier, keymap.Later, keymap.MuchEarlier, keymap.MuchLater, keymap.Now:
		m.travel(a)
	case keymap.WhyPage, keymap.DiffPage, keymap.SourcePage, keymap.ObjectPage:
		m.inspect.Page, m.output = page(a), false
		if !m.inFront(layout.LabSide) {
			m.focus = layout.LabSide
		}
	case keymap.Copy:
		return m.copy()
	case keymap.Open:
		return m.open()
	case keymap.Back:
		m.back()
	case keymap.NextView:
		m.show((m.front + 1) % len(m.tabs))
	case keymap.PrevView:
		m.show((m.front + len(m.tabs) - 1) % len(m.tabs))
	default:
		if cmd, mine := m.onHost(a); mine {
			return cmd
		}
		if !m.goTo(a) && !m.move(a) {
			m.tab().view.Do(a)
		}
	}
	return nil
}

// goTo brings the view that a names to the front.
func (m *Lab) goTo(a keymap.Action) bool {
	for i := range m.tabs {
		if m.tabs[i].action == a {
			m.show(i)
			return true
		}
	}
	return false
}

func (m *Lab) show(i int) {
	m.front = i
	m.focusOn(layout.LabView)
}

func page(a keymap.Action) describe.Page {
	switch a {
	case keymap.DiffPage:
		return describe.Diff
	case keymap.SourcePage:
		return describe.Source
	case keymap.ObjectPage:
		return describe.Object
	}
	return describe.Why
}

// stepThis releases the selected held event; when the queue is not in focus it only goes there, so that nobody releases
// what is not in sight.
func (m *Lab) stepThis() tea.Cmd {
	if m.focus != layout.LabHeld {
		m.focusOn(layout.LabHeld)
		return nil
	}
	return m.tell(keymap.StepThis, engine.Command{Verb: engine.StepThis, Held: m.heldID})
}

// changeLevel makes steps and lists finer or coarser. In a replay, and while the lab runs, only the lists change.
func (m *Lab) changeLevel(a keymap.Action) tea.Cmd {
	to := m.level + 1
	if a == keymap.Coarser {
		to -= 2
	}
	m.level = max(min(to, describe.Stages), describe.Requests)
	if !m.live() || m.debug.Mode != engine.Paused {
		return nil
	}
	verb := engine.StepIn
	if a == keymap.Coarser {
		verb = engine.StepOut
	}
	return m.tell(a, engine.Command{Verb: verb})
}

func (m *Lab) open() tea.Cmd {
	switch {
	case m.focus == layout.LabLesson:
		return m.do(m.lesson.pane.Enter())
	case m.focus == layout.LabHeld && m.canStep() && len(m.debug.Held) > 0:
		return m.stepThis()
	case m.focus == layout.LabView && m.tab().view.Works(keymap.Open):
		m.tab().view.Do(keymap.Open)
	case m.focus == layout.LabView:
		m.focus, m.output = layout.LabSide, false
	}
	return nil
}

func (m *Lab) back() {
	switch {
	case m.focus == layout.LabSide && m.output:
		m.output = false
		m.focusOn(m.looking)
	case m.focus == layout.LabSide && m.inspect.Page != describe.Why:
		m.inspect.Page = describe.Why
	case m.focus != layout.LabView:
		m.focusOn(layout.LabView)
	case m.tab().view.Works(keymap.Back):
		m.tab().view.Do(keymap.Back)
	case m.tab().filter != "":
		m.tab().filter = ""
	case m.output:
		m.output = false
	}
}

func (m *Lab) focusOn(p layout.LabPane) {
	if m.focus = p; p != layout.LabSide && p != layout.LabLesson {
		m.looking = p
	}
}

func (m *Lab) inFront(p layout.LabPane) bool { return !m.screen.Pane[p].Empty() }

// move moves the focus, or what the pane in focus has selected or in sight, and reports whether a was about that.
func (m *Lab) move(a keymap.Action) bool {
	_, page := m.inner(m.focus)
	switch a {
	case keymap.NextPane:
		m.nextPane(1)
	case keymap.PrevPane:
		m.nextPane(layout.LabPanes - 1)
	case keymap.Up:
		m.moveIn(m.focus, -1)
	case keymap.Down:
		m.moveIn(m.focus, 1)
	case keymap.PageUp:
		m.moveIn(m.focus, -max(page-1, 1))
	case keymap.PageDown:
		m.moveIn(m.focus, max(page-1, 1))
	case keymap.Top:
		m.moveIn(m.focus, -1<<30)
	case keymap.Bottom:
		m.moveIn(m.focus, 1<<30)
	default:
		return false
	}
	return true
}

// nextPane moves the focus by n panes; a replay has no queue, and a lab need not have a lesson.
func (m *Lab) nextPane(n layout.LabPane) {
	to := (m.focus + n) % layout.LabPanes
	for to == layout.LabHeld && m.o.Debugger == nil || to == layout.LabLesson && m.lesson.session == nil {
		to = (to + n) % layout.LabPanes
	}
	m.focusOn(to)
}

func (m *Lab) moveIn(p layout.LabPane, n int) {
	switch p {
	case layout.LabView:
		m.tab().view.Move(n)
	case layout.LabHeld:
		if last := len(m.debug.Held) - 1; last >= 0 {
			m.heldID = m.debug.Held[max(min(m.heldIndex()+n, last), 0)].ID
		}
	case layout.LabLesson:
		m.lesson.pane.Move(n)
	case layout.LabSide:
		if m.output {
			m.console.Move(n)
		} else {
			m.inspect.Move(n)
		}
	}
}

// canStep reports whether a verb may be sent now: never from the past, which shows something else than what would move.
func (m *Lab) canStep() bool { return m.live() && m.busy == keymap.None && m.at == 0 }

// works reports whether an action does something now.
func (m *Lab) works(a keymap.Action) bool {
	if works, known := m.lessonWorks(a); known {
		return works
	}
	paused := m.debug.Mode == engine.Paused
	switch a {
	case keymap.Step:
		return m.canStep() && len(m.debug.Held) > 0
	case keymap.StepThis:
		return m.canStep() && len(m.debug.Held) > 1
	case keymap.Continue:
		return m.live() && m.at == 0 && (paused || len(m.debug.Held) > 0)
	case keymap.Pause:
		return m.canStep() && !paused
	case keymap.Finer, keymap.Coarser:
		ends := a == keymap.Finer && m.level == describe.Stages || a == keymap.Coarser && m.level == describe.Requests
		return !ends && m.busy == keymap.None
	case keymap.Break:
		return m.live()
	case keymap.Zoom:
		return m.w >= layout.TwoColumns
	case keymap.FollowPod:
		return m.live() && m.busy == keymap.None && m.followable() != ""
	case keymap.Prompt:
		return m.live() && m.o.Kubectl != nil
	case keymap.Now, keymap.Later, keymap.MuchLater:
		return m.at != 0
	case keymap.Earlier, keymap.MuchEarlier:
		return m.last > 0
	case keymap.Open:
		return m.focus == layout.LabView || m.focus == layout.LabHeld && m.works(keymap.StepThis) || m.focus == layout.LabLesson && m.lesson.pane.Enter() != keymap.None
	case keymap.Back:
		return m.focus != layout.LabView || m.tab().filter != "" || m.output || m.tab().view.Works(a)
	case keymap.WhyPage, keymap.DiffPage, keymap.SourcePage, keymap.ObjectPage:
		return m.inspect.Exists() && (m.inspect.Page != page(a) || m.output || !m.inFront(layout.LabSide))
	case keymap.Shell, keymap.Edit, keymap.SaveRecording, keymap.SaveTrace, keymap.SaveSVG, keymap.SaveHTML, keymap.Cast:
		return m.hostHas(a)
	case keymap.ToggleTree, keymap.Fold, keymap.Background, keymap.Mark, keymap.Sort, keymap.ScrollDown, keymap.ScrollUp:
		return m.tab().view.Works(a)
	}
	return true
}

// bind works out which keys do something now.
func (m *Lab) bind() {
	if m.bindings = keymap.Lab(); m.lesson.session != nil {
		m.bindings = keymap.Lesson(m.choices())
	}
	for i := range m.bindings {
		b := &m.bindings[i]
		b.Off = !m.works(b.Action)
		if b.Action == keymap.Quit && m.o.Home {
			b.Label, b.Help = text.KeyLessons, text.HelpLessons // the root goes home
		}
	}
	m.lessonKeyWords()
}
