package home

import (
	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
)

// Key takes a key press.
func (m *Home) Key(k tea.KeyPressMsg) tea.Cmd {
	m.notice = notice{}
	var cmd tea.Cmd
	if m.searching {
		cmd = m.type1(k)
	} else {
		cmd = m.do(keymap.Find(m.bindings, k.String()))
	}
	m.refresh()
	return cmd
}

// Do carries out an action that was not asked for by its key.
func (m *Home) Do(a keymap.Action) tea.Cmd {
	m.notice = notice{}
	cmd := m.do(a)
	m.refresh()
	return cmd
}

// Paste takes text that was pasted.
func (m *Home) Paste(s string) tea.Cmd {
	if m.searching {
		m.search.Insert(s)
		m.list()
		m.refresh()
	}
	return nil
}

// type1 takes a key while the search is typed. Enter opens what is selected, so that a lesson is two words away.
func (m *Home) type1(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		cmd := m.open(false)
		m.unsearch()
		return cmd
	case "esc":
		m.unsearch()
	case "up":
		m.move(-1)
	case "down":
		m.move(1)
	default:
		if m.search.Key(k) {
			m.key = ""
			m.list()
		}
	}
	return nil
}

func (m *Home) do(a keymap.Action) tea.Cmd {
	switch a {
	case keymap.Open:
		return m.enter()
	case keymap.Restart:
		return m.open(true)
	case keymap.TakeQuiz:
		return route.Go(route.Quiz{Lesson: m.selected().lesson.ID})
	case keymap.FreeLab:
		return route.Go(route.Lab{})
	case keymap.Filter:
		m.searching, m.focus = true, layout.HomeList
	case keymap.Back:
		return m.back()
	case keymap.Welcome:
		m.welcome = !m.welcome
	default:
		m.around(a)
	}
	return nil
}

// enter is what the enter key does: agree, begin, open.
func (m *Home) enter() tea.Cmd {
	switch {
	case len(m.inTheWay) > 0:
		l := m.opening
		l.Clear = true
		return route.Go(l)
	case m.welcome:
		m.welcome = false
		return route.Go(route.Lesson{ID: m.lessons[0].ID})
	}
	return m.open(false)
}

// back takes away what is in front: a question, the welcome, a lesson that is waited for, the search.
func (m *Home) back() tea.Cmd {
	switch {
	case m.opening.ID != "":
		m.opening, m.inTheWay = route.Lesson{}, nil
		return route.Go(route.Home{})
	case m.welcome:
		m.welcome = false
	case m.focus != layout.HomeList:
		m.focus = layout.HomeList
	default:
		m.unsearch()
	}
	return nil
}

// unsearch takes the search away; what is selected stays so.
func (m *Home) unsearch() {
	m.searching = false
	m.search.Set("")
	m.list()
}

// open opens the selected entry; anew begins its lesson from the start.
func (m *Home) open(anew bool) tea.Cmd {
	e := m.selected()
	switch e.kind {
	case onward, lesson:
		return route.Go(route.Lesson{ID: e.lesson.ID, Restart: anew})
	case freeLab:
		return route.Go(route.Lab{})
	case practice:
		return route.Go(route.Quiz{Mode: route.Practice})
	case review:
		if m.done.Due == 0 {
			m.notice = notice{text: m.say.T(text.NothingDue)}
			return nil
		}
		return route.Go(route.Quiz{Mode: route.Review})
	case exam:
		return route.Go(route.Quiz{Mode: route.Exam})
	case recording:
		replay, path, lang := m.o.Host.Replay, e.recording.Path, m.lang()
		return route.InFront(Address, replayed{}, func() error { return replay(path, lang) })
	}
	return nil
}

// around moves the focus, or what the pane in focus has selected or in sight.
func (m *Home) around(a keymap.Action) {
	_, page := frame.Inner(m.screen.Pane[m.focus])
	switch a {
	case keymap.NextPane, keymap.PrevPane:
		m.focus = layout.HomeAbout - m.focus // the lab has nothing to move in
	case keymap.Up:
		m.move(-1)
	case keymap.Down:
		m.move(1)
	case keymap.PageUp:
		m.move(-max(page-1, 1))
	case keymap.PageDown:
		m.move(max(page-1, 1))
	case keymap.Top:
		m.move(-1 << 30)
	case keymap.Bottom:
		m.move(1 << 30)
	}
}

func (m *Home) move(n int) {
	if m.focus == layout.HomeAbout || m.welcome {
		m.about.Move(n)
		return
	}
	m.step(n)
}

// works reports whether an action does something now.
func (m *Home) works(a keymap.Action) bool {
	e := m.selected()
	asks := len(m.inTheWay) > 0
	switch a {
	case keymap.Open:
		return asks || m.welcome || e.opens() && (e.lesson == nil || !m.failed())
	case keymap.Restart:
		return !asks && !m.welcome && !m.failed() && e.lesson != nil && (e.standing.begun || e.standing.finished)
	case keymap.TakeQuiz:
		return !asks && !m.welcome && e.lesson != nil && e.standing.asked > 0
	case keymap.FreeLab:
		return !asks && !m.welcome
	case keymap.Filter, keymap.NextPane, keymap.PrevPane:
		return !asks && !m.welcome
	case keymap.Welcome:
		return !asks && len(m.lessons) > 0
	case keymap.Back:
		return m.opening.ID != "" || m.welcome || m.focus != layout.HomeList || m.search.Value() != ""
	}
	return true
}

// bind works out which keys do something now, and what the enter key is called.
func (m *Home) bind() {
	m.bindings = keymap.Begin()
	for i := range m.bindings {
		b := &m.bindings[i]
		b.Off = !m.works(b.Action)
		switch {
		case b.Action == keymap.Open && len(m.inTheWay) > 0:
			b.Label, b.Help = text.KeyDeleteThem, text.HelpDeleteThem
		case b.Action == keymap.Open && (m.welcome || m.selected().lesson != nil && !m.selected().standing.begun):
			b.Label = text.KeyBegin
		case b.Action == keymap.Open && m.selected().lesson != nil:
			b.Label = text.KeyGoOn
		case b.Action == keymap.Back && m.welcome:
			b.Label = text.KeyLessons
		}
	}
}
