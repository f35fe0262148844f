package walk

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
)

// Key takes a key press.
func (m *Walk) Key(k tea.KeyPressMsg) tea.Cmd {
	m.notice = notice{}
	var cmd tea.Cmd
	if m.filter.typing {
		cmd = m.edit(k)
	} else {
		cmd = m.do(keymap.Find(m.bindings, k.String()))
	}
	m.refresh()
	return cmd
}

// Do carries out an action that was not asked for by its key.
func (m *Walk) Do(a keymap.Action) tea.Cmd {
	m.notice = notice{}
	cmd := m.do(a)
	m.refresh()
	return cmd
}

// Paste takes text that was pasted.
func (m *Walk) Paste(s string) tea.Cmd {
	if !m.filter.typing {
		return nil
	}
	m.filter.text += strings.Map(printable, s)
	cmd := m.reindex()
	m.refresh()
	return cmd
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// edit changes the filter.
func (m *Walk) edit(k tea.KeyPressMsg) tea.Cmd {
	f := &m.filter
	switch k.String() {
	case "enter":
		f.typing = false
		return nil
	case "esc":
		f.typing, f.text = false, ""
	case "backspace":
		if r := []rune(f.text); len(r) > 0 {
			f.text = string(r[:len(r)-1])
		}
	case "ctrl+u":
		f.text = ""
	default:
		if k.Text == "" {
			return nil
		}
		f.text += k.Text
	}
	return m.reindex()
}

// do carries out an action.
func (m *Walk) do(a keymap.Action) tea.Cmd {
	switch a {
	case keymap.Step:
		if m.stage == Ready {
			m.focus, m.looking = layout.Held, layout.Held
			return m.begin()
		}
		return m.tell(a, engine.Command{Verb: engine.Step})
	case keymap.StepThis:
		return m.stepThis()
	case keymap.Continue:
		return m.tell(a, engine.Command{Verb: engine.Continue})
	case keymap.Pause:
		return m.tell(a, engine.Command{Verb: engine.Pause})
	case keymap.Finer, keymap.Coarser:
		return m.changeLevel(a)
	case keymap.Again:
		return m.again()
	case keymap.Open:
		return m.open()
	case keymap.Back:
		return m.back()
	case keymap.Filter:
		m.filter.typing = true
		m.focusOn(layout.Events)
	case keymap.WhyPage, keymap.DiffPage, keymap.SourcePage, keymap.ObjectPage:
		m.page = page(a)
		if !m.inFront(layout.Inspector) {
			m.focusOn(layout.Inspector)
		}
	default:
		m.move(a)
	}
	return nil
}

// stepThis releases the selected held event; when the queue is not in focus it only goes there, so that nobody releases
// what is not in sight.
func (m *Walk) stepThis() tea.Cmd {
	if m.focus != layout.Held {
		m.focusOn(layout.Held)
		return nil
	}
	return m.tell(keymap.StepThis, engine.Command{Verb: engine.StepThis, Held: m.heldID})
}

// changeLevel makes steps finer or coarser. In a replay only the list changes.
func (m *Walk) changeLevel(a keymap.Action) tea.Cmd {
	if m.live() {
		verb := engine.StepIn
		if a == keymap.Coarser {
			verb = engine.StepOut
		}
		return m.tell(a, engine.Command{Verb: verb})
	}
	to := describe.Fineness(m.level) + 1
	if a == keymap.Coarser {
		to -= 2
	}
	m.level = describe.Levels()[max(min(to, len(describe.Levels())-1), 0)]
	return m.reindex()
}

func (m *Walk) open() tea.Cmd {
	if m.focus == layout.Held && m.canStep() && len(m.debug.Held) > 0 {
		return m.stepThis()
	}
	if m.focus == layout.Events {
		m.focusOn(layout.Inspector)
	}
	return nil
}

func (m *Walk) back() tea.Cmd {
	switch {
	case m.focus == layout.Inspector && m.page != describe.Why:
		m.page = describe.Why
	case m.focus == layout.Inspector:
		m.focusOn(m.looking)
	case m.filter.text != "":
		m.filter.text = ""
		return m.reindex()
	}
	return nil
}

func (m *Walk) focusOn(p layout.Pane) {
	m.focus = p
	if p == layout.Held || p == layout.Events {
		m.looking = p
	}
}

// move moves the focus, or what the pane in focus has selected or in sight.
func (m *Walk) move(a keymap.Action) {
	_, page := m.inner(m.focus)
	switch a {
	case keymap.NextPane:
		m.nextPane(1)
	case keymap.PrevPane:
		m.nextPane(layout.Panes - 1)
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
	}
}

// nextPane moves the focus by n panes; a replay has no queue.
func (m *Walk) nextPane(n layout.Pane) {
	to := (m.focus + n) % layout.Panes
	if to == layout.Held && m.stage == Replaying {
		to = (to + n) % layout.Panes
	}
	m.focusOn(to)
}

func (m *Walk) moveIn(p layout.Pane, n int) {
	switch p {
	case layout.Held:
		if last := len(m.debug.Held) - 1; last >= 0 {
			m.heldID = m.debug.Held[max(min(m.heldIndex()+n, last), 0)].ID
		}
	case layout.Events:
		if last := m.index.len() - 1; last >= 0 {
			at := max(min(m.index.search(m.seq)+n, last), 0)
			m.seq, m.follow = m.index.at(at), at == last && m.stage != Replaying
		}
	case layout.Inspector:
		m.inspect.Move(n)
	case layout.Guide:
		m.guide.Move(n)
	}
}

// canStep reports whether a step may be asked for now.
func (m *Walk) canStep() bool { return m.live() && m.busy == keymap.None && m.stage == Walking }

// works reports whether an action does something now.
func (m *Walk) works(a keymap.Action) bool {
	idle := m.live() && m.busy == keymap.None
	switch a {
	case keymap.Step:
		return m.canStep() && len(m.debug.Held) > 0 || idle && m.stage == Ready && m.o.Kubectl != nil && !m.kubectl.running
	case keymap.StepThis:
		return m.canStep() && len(m.debug.Held) > 1
	case keymap.Continue:
		return m.live() && m.debug.Mode == engine.Paused
	case keymap.Pause:
		return m.live() && m.debug.Mode == engine.Run && m.stage == Walking
	case keymap.Finer, keymap.Coarser:
		at := describe.Fineness(m.level)
		ends := a == keymap.Finer && at == len(describe.Levels())-1 || a == keymap.Coarser && at == 0
		return !ends && (m.canStep() || !m.live() && m.stage != Starting)
	case keymap.Again:
		return idle && m.stage == Walking && m.o.Kubectl != nil && (m.progress.at() > 0 || m.kubectl.err != nil)
	case keymap.Open:
		return m.focus == layout.Events && m.seq != 0 || m.focus == layout.Held && m.canStep() && len(m.debug.Held) > 0
	case keymap.Back:
		return m.focus == layout.Inspector || m.filter.text != ""
	case keymap.Filter:
		return m.stage != Starting
	case keymap.WhyPage, keymap.DiffPage, keymap.SourcePage, keymap.ObjectPage:
		return m.shown.exists && (m.page != page(a) || !m.inFront(layout.Inspector))
	}
	return true
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

// bind works out which keys do something now.
func (m *Walk) bind() {
	m.bindings = keymap.Walk()
	for i := range m.bindings {
		b := &m.bindings[i]
		b.Off = !m.works(b.Action)
		if b.Action == keymap.Step && m.stage == Ready {
			b.Label, b.Help = text.KeyStart, text.HelpStart
		}
	}
}
