package lab

import (
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/held"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
)

// pointer is what the mouse did last.
type pointer struct {
	slider slider // that it holds; none while its width is 0
	x, y   int    // of the last click
	when   time.Time
}

// twice is within what time two clicks at one place are a double click.
const twice = 400 * time.Millisecond

// again notes a click and reports whether it is the second of a double click.
func (p *pointer) again(at tea.Mouse, now time.Time) bool {
	second := p.x == at.X && p.y == at.Y && now.Sub(p.when) <= twice
	p.x, p.y, p.when = at.X, at.Y, now
	if second {
		p.when = time.Time{} // a third one begins anew
	}
	return second
}

// clickAgain opens what the first click has selected.
func (m *Lab) clickAgain(x, y int) tea.Cmd {
	for _, p := range []layout.LabPane{layout.LabView, layout.LabHeld} {
		if r := m.screen.Pane[p]; m.focus == p && r.Contains(x, y) && y > r.Y && y < r.Y+r.H-1 && m.works(keymap.Open) {
			return m.open()
		}
	}
	return nil
}

// Mouse takes a click or a turn of the wheel.
func (m *Lab) Mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		n := map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[at.Button]
		if m.screen.Banner.Contains(at.X, at.Y) && n != 0 {
			m.travel(map[bool]keymap.Action{true: keymap.Earlier, false: keymap.Later}[n < 0])
		}
		for p, r := range m.screen.Pane {
			if r.Contains(at.X, at.Y) && n != 0 {
				m.moveIn(layout.LabPane(p), n)
			}
		}
	case tea.MouseClickMsg:
		if at.Button == tea.MouseLeft && m.typing == commands {
			m.notice = notice{}
			if m.screen.Banner.Contains(at.X, at.Y) {
				m.grab(at.X)
				break
			}
			again := m.pointer.again(at, time.Now())
			m.click(at.X, at.Y)
			cmd := m.clickLesson(at.X, at.Y)
			if again && cmd == nil {
				cmd = m.clickAgain(at.X, at.Y)
			}
			m.refresh()
			return cmd
		}
	case tea.MouseMotionMsg:
		if m.pointer.slider.w == 0 || at.Button != tea.MouseLeft {
			return nil
		}
		m.drag(at.X)
	case tea.MouseReleaseMsg:
		m.pointer.slider = slider{}
		return nil
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
