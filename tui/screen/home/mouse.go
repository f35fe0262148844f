package home

import (
	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/layout"
)

// Mouse takes a click or a turn of the wheel. A click on what is selected already opens it.
func (m *Home) Mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	var cmd tea.Cmd
	switch msg.(type) {
	case tea.MouseWheelMsg:
		n := 0
		switch at.Button {
		case tea.MouseWheelUp:
			n = -1
		case tea.MouseWheelDown:
			n = 1
		}
		if m.screen.Pane[layout.HomeAbout].Contains(at.X, at.Y) {
			m.about.Move(3 * n)
		} else if n != 0 {
			m.move(n)
		}
	case tea.MouseClickMsg:
		if at.Button == tea.MouseLeft {
			cmd = m.click(at.X, at.Y)
		}
	default:
		return nil
	}
	m.refresh()
	return cmd
}

func (m *Home) click(x, y int) tea.Cmd {
	if m.welcome || len(m.inTheWay) > 0 {
		return nil
	}
	r := m.screen.Pane[layout.HomeList]
	if m.screen.Pane[layout.HomeAbout].Contains(x, y) {
		m.focus = layout.HomeAbout
	}
	if !r.Contains(x, y) || y == r.Y || y == r.Y+r.H-1 || y-r.Y > len(m.rows) {
		return nil
	}
	m.focus = layout.HomeList
	before := m.at.At
	m.at.Click(y-r.Y-1, len(m.rows))
	onHeading := m.selected().kind == heading
	m.step(0)
	if m.at.At == before && !onHeading {
		return m.open(false)
	}
	return nil
}
