package walk

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/held"
	"github.com/kubestep/kubestep/tui/layout"
)

// Mouse takes a click or a turn of the wheel.
func (m *Walk) Mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		n := 0
		switch at.Button {
		case tea.MouseWheelUp:
			n = -3
		case tea.MouseWheelDown:
			n = 3
		}
		if p, ok := m.paneAt(at.X, at.Y); ok && n != 0 {
			m.moveIn(p, n)
		}
	case tea.MouseClickMsg:
		if at.Button == tea.MouseLeft {
			m.click(at.X, at.Y)
		}
	default:
		return nil
	}
	m.refresh()
	return nil
}

func (m *Walk) paneAt(x, y int) (layout.Pane, bool) {
	for p, r := range m.screen.Pane {
		if r.Contains(x, y) {
			return layout.Pane(p), true
		}
	}
	return 0, false
}

// click gives the pane the focus and selects what is under the pointer.
func (m *Walk) click(x, y int) {
	if m.screen.Tabs.Contains(x, y) {
		m.clickTab(x)
		return
	}
	p, ok := m.paneAt(x, y)
	if !ok {
		return
	}
	m.focusOn(p)
	row := y - m.screen.Pane[p].Y - 1
	_, h := m.inner(p)
	if row < 0 || row >= h {
		return // the frame
	}
	switch p {
	case layout.Held:
		if i := held.At(len(m.debug.Held), m.heldIndex(), h, row); i >= 0 {
			m.heldID = m.debug.Held[i].ID
		}
	case layout.Events:
		if i := m.offset + row; i < m.index.len() {
			m.moveIn(layout.Events, i-m.index.search(m.seq))
		}
	}
}

func (m *Walk) clickTab(x int) {
	at := 1
	for _, t := range tabNames {
		w := ansi.StringWidth(m.tabLabel(t.name, t.pane))
		if x >= at && x < at+w {
			if m.focusOn(t.pane); t.pane == layout.Guide && m.stage != Replaying {
				m.focusOn(layout.Held)
			}
			return
		}
		at += w + 1
	}
}
