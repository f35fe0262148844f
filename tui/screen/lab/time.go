package lab

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// slider is the line of time in the banner: where it is, and the events at its ends.
type slider struct {
	x, w        int // in cells; w is 0 when there is no room for it
	first, last uint64
}

// at returns the event at a cell; now is set at the right end and beyond.
func (s *slider) at(x int) (seq uint64, now bool) {
	i := max(x-s.x, 0)
	if i >= s.w-1 || s.last <= s.first {
		return 0, true
	}
	return s.first + (s.last-s.first)*uint64(i)/uint64(s.w-1), false
}

// dot returns the cell of an event, counted from the line's beginning.
func (s *slider) dot(seq uint64) int {
	if s.last <= s.first {
		return 0
	}
	return int(uint64(s.w-1) * (min(max(seq, s.first), s.last) - s.first) / (s.last - s.first)) //nolint:gosec // less than w
}

// leastSlider is the least width, in cells, that is worth a line of time.
const leastSlider = 10

// banner says that the past is shown: which event, and where now is. It also says where its slider is.
func (m *Lab) banner() (string, slider) {
	at, clock, later := m.at, "", ""
	if e, ok := m.o.Store.Get(at); ok {
		clock = e.Time.Format("15:04:05.000")
		if now, ok := m.o.Store.Get(m.last); ok {
			later = now.Time.Sub(e.Time).Round(10 * time.Millisecond).String()
		}
	}
	left := " ◀ " + m.say.T(text.Then, at, clock)
	right := m.say.T(text.ThenNow, m.last, later) + " · " + m.say.T(text.ThenEnds) + " "
	s := slider{x: ansi.StringWidth(left) + 2}
	s.first, s.last = m.o.Store.Len()
	line := left + "  " + right
	if room := m.w - s.x - ansi.StringWidth(right) - 2; room >= leastSlider {
		s.w = room
		dot := s.dot(at)
		line = left + "  " + strings.Repeat("━", dot) + "●" + strings.Repeat("─", room-1-dot) + "  " + right
	}
	return m.theme.Paint(theme.Selected, layout.Fit(line, m.w)), s
}

// grab takes hold of the slider when a cell of the banner is on it.
func (m *Lab) grab(x int) {
	if _, s := m.banner(); x >= s.x && x < s.x+s.w {
		m.pointer.slider = s
		m.drag(x)
	}
}

// drag moves the moment to where the pointer is on the slider that it holds. The slider stays where it was when the
// pointer took it, whatever the banner says meanwhile.
func (m *Lab) drag(x int) {
	seq, now := m.pointer.slider.at(x)
	if now {
		m.at = 0
		return
	}
	m.at = m.shownNear(seq)
}

// mostBackground bounds how far to look past what the lists do not show.
const mostBackground = 10_000

// shownNear returns the event nearest to seq that the lists show, seq itself when there is none.
func (m *Lab) shownNear(seq uint64) uint64 {
	first, last := m.o.Store.Len()
	for by := uint64(0); by <= min(last-first, mostBackground); by++ {
		for _, at := range [2]uint64{seq - min(by, seq), seq + by} {
			if at < first || at > last {
				continue
			}
			if e, ok := m.o.Store.Get(at); ok && m.stopsAt(&e) {
				return at
			}
		}
	}
	return seq
}

// GoTo shows the moment right after the event with a number. It is an error when the event is not kept.
func (m *Lab) GoTo(seq uint64) error {
	first, last := m.o.Store.Len()
	if seq < first || seq > last {
		return fmt.Errorf("there is no event %d; there are %d to %d", seq, first, last)
	}
	m.at = seq
	m.refresh()
	return nil
}
