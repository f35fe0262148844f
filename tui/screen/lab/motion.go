package lab

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
)

// mover is a view in which something moves because something has happened.
type mover interface {
	// Moving reports whether Tick has to be called again.
	Moving() bool
	Tick()
	// Rest ends all motion at once.
	Rest()
}

// tick is one step of a motion.
type tick struct{}

// between is the time between two steps.
const between = 50 * time.Millisecond

// animate sees to it that ticks come while something moves in sight, and at no other time.
func (m *Lab) animate() tea.Cmd {
	seen := m.drawn && !m.o.Still && m.at == 0 && m.inFront(layout.LabView)
	m.drawn = false // until the next View
	moves := false
	for i := range m.tabs {
		v, ok := m.tabs[i].view.(mover)
		if !ok {
			continue
		}
		if seen && i == m.front {
			moves = v.Moving()
		} else {
			v.Rest()
		}
	}
	if !moves || m.ticking {
		return nil
	}
	m.ticking = true
	return tea.Tick(between, func(time.Time) tea.Msg { return route.Result{To: Address, Value: tick{}} })
}

// ticked moves what moves on.
func (m *Lab) ticked() tea.Cmd {
	m.ticking = false
	if v, ok := m.tab().view.(mover); ok {
		v.Tick()
	}
	return m.animate()
}
