package walk

import (
	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// subjectKey says what the inspector's text was made from, so that it is made again only when that changes.
type subjectKey struct {
	exists  bool
	held    uint64 // trace.Held.ID, 0 for an event of the store
	seq     uint64
	page    describe.Page
	version int
	dress   int
	w, h    int
}

// refresh works out everything that the view shows besides the lists. Each route ends with it.
func (m *Walk) refresh() {
	if m.w == 0 || m.h == 0 {
		m.bind()
		return
	}
	guide := m.guideLines()
	// The guide's width does not depend on how long it is.
	m.screen = layout.Arrange(m.w, m.h, m.layoutOptions(0))
	if w, _ := frame.Inner(m.screen.Pane[layout.Guide]); w > 0 {
		m.guide.Set(m.theme, guide, w, 0)
		m.screen = layout.Arrange(m.w, m.h, m.layoutOptions(m.guide.Len()))
		_, h := frame.Inner(m.screen.Pane[layout.Guide])
		m.guide.Set(m.theme, guide, w, h)
		if m.stage == Walking && m.focus != layout.Guide {
			m.guide.Show(len(richtext.Render(m.theme, guide[:m.current(guide)], w)) - 1)
		}
	}
	if _, h := m.inner(layout.Events); h > 0 {
		m.offset = layout.Scroll(m.offset, m.index.search(m.seq), m.index.len(), h)
	}
	m.look()
	m.bind()
}

// current returns how many of the guide's lines lead up to what is under way, which must be in sight.
func (m *Walk) current(guide []richtext.Line) int {
	if at := m.progress.at(); at < len(milestones) {
		return at + 2 // its name and what is said about it
	}
	return len(guide)
}

func (m *Walk) layoutOptions(guideLines int) layout.Options {
	return layout.Options{Focus: m.focus, GuideLines: guideLines, NoQueue: m.stage == Replaying}
}

// redraw is refresh after a change of looks, language or size.
func (m *Walk) redraw() {
	m.dressed++
	m.refresh()
}

// subject returns what the inspector shows.
func (m *Walk) subject() (s describe.Subject, key subjectKey, ok bool) {
	s.Version = m.status.Version
	if i := m.heldIndex(); m.looking == layout.Held && i >= 0 {
		s.Event, s.Held = m.debug.Held[i].Event, true
		key.held = m.heldID
		return s, key, true
	}
	e, ok := m.o.Store.Get(m.seq)
	s.Event = e
	key.seq = m.seq
	return s, key, ok
}

// look fills the inspector and marks the selected event's causes.
func (m *Walk) look() {
	s, key, ok := m.subject()
	key.exists, key.page, key.version, key.dress = ok, m.page, m.version, m.dressed
	key.w, key.h = m.inner(layout.Inspector)
	if key == m.shown {
		return
	}
	other := key.held != m.shown.held || key.seq != m.shown.seq || key.page != m.shown.page
	m.shown = key
	m.chain = map[uint64]bool{}
	if !ok {
		m.inspect.Set(m.theme, []richtext.Line{richtext.Text(theme.Dim, m.say.T(text.NothingSelected))}, key.w, key.h)
		return
	}
	causes, _ := describe.Chain(&s.Event, m.o.Store)
	for i := range causes {
		m.chain[causes[i].Seq] = true
	}
	if other {
		m.inspect.Top()
	}
	if key.w > 0 {
		m.inspect.Set(m.theme, describe.Lines(m.say, m.page, s, m.o.Store), key.w, key.h)
	}
}

func (m *Walk) wrapped(id text.ID, w, h int) []string {
	lines := richtext.Render(m.theme, []richtext.Line{richtext.Text(theme.Dim, m.say.T(id))}, w)
	return layout.FitLines(lines, w, h)
}
