package lab

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/held"
	"github.com/kubestep/kubestep/tui/layout"
)

// Mouse takes a click or a turn of the wheel.
func (m *Lab) Mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		n := map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[at.Button]
		for p, r := range m.screen.Pane {
			if r.Contains(at.X, at.Y) && n != 0 {
				m.moveIn(layout.LabPane(p), n)
			}
		}
	case tea.MouseClickMsg:
		if at.Button == tea.MouseLeft && m.typing == commands {
			m.click(at.X, at.Y)
			cmd := m.clickLesson(at.X, at.Y)
			m.refresh()
			return cmd
		}
	default:
		return nil
	}
	m.refresh()
	return nil
}

// click gives the pane the focus and selects what is under the pointer.
func (m *Lab) click(x, y int) {
	if m.screen.Tabs.Contains(x, y) {
		at := 1 + ansi.StringWidth(m.lessonFirstTab())
		for i := range m.tabs {
			w := ansi.StringWidth(m.tabLabel(i))
			if x >= at && x < at+w {
				m.show(i)
			}
			at += w
		}
		return
	}
	for i, r := range m.screen.Pane {
		p := layout.LabPane(i)
		if !r.Contains(x, y) {
			continue
		}
		m.focusOn(p)
		w, h := m.inner(p)
		if cx, cy := x-r.X-2, y-r.Y-1; cx >= 0 && cx < w && cy >= 0 && cy < h {
			switch p {
			case layout.LabView:
				m.tab().view.Click(cx, cy)
			case layout.LabHeld:
				if j := held.At(len(m.debug.Held), m.heldIndex(), h, cy); j >= 0 {
					m.heldID = m.debug.Held[j].ID
				}
			}
		}
		return
	}
}
