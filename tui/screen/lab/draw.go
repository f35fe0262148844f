package lab

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/held"
	"github.com/kubestep/kubestep/tui/component/keybar"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view/rows"
)

// View returns the screen's lines: as many as its height, each as wide as its width.
func (m *Lab) View() []string {
	m.drawn = true
	out := make([]strings.Builder, m.h)
	put := func(r layout.Rect, lines []string) {
		for i, line := range lines {
			out[r.Y+i].WriteString(line)
		}
	}
	s := &m.screen
	put(s.Header, []string{m.header()})
	put(s.Tabs, []string{m.tabLine()})
	if !s.Banner.Empty() {
		line, _ := m.banner()
		put(s.Banner, []string{line})
	}
	// From left to right: each line is put together in this order.
	order := []layout.LabPane{layout.LabLesson, layout.LabView, layout.LabHeld, layout.LabSide}
	for _, p := range order {
		if m.inFront(p) {
			put(s.Pane[p], m.pane(p))
		}
	}
	m.bind() // whether a view has more than is in sight is known now
	put(s.Status, []string{m.statusLine()})
	put(s.Keys, []string{m.keyLine()})
	lines := make([]string, m.h)
	for i := range out {
		lines[i] = out[i].String()
	}
	if m.typing == aPattern {
		return m.overBreaks(lines)
	}
	return lines
}

func (m *Lab) inner(p layout.LabPane) (w, h int) { return frame.Inner(m.screen.Pane[p]) }

func (m *Lab) header() string {
	if m.lesson.session != nil {
		return m.lessonHeader()
	}
	left := " " + m.theme.Paint(theme.Strong, "kubestep") + "  " + m.say.T(text.LabTitle)
	var parts []string
	if m.status.Version != "" && m.w >= 90 {
		parts = append(parts, m.status.Version)
	}
	if n := len(m.debug.Following); n > 0 {
		followed := strings.TrimPrefix(strings.TrimPrefix(m.debug.Following[n-1], "pod/"), "default/")
		if n > 1 {
			followed += fmt.Sprintf(" +%d", n-1)
		}
		parts = append(parts, m.say.T(text.Follows, layout.Middle(followed, max(m.w/5, 12))))
	}
	if n := len(m.debug.Breakpoints); n > 0 {
		parts = append(parts, fmt.Sprintf("%s: %d", m.say.T(text.BreakTitle), n))
	}
	mark, mode := m.mode()
	parts = append(parts, mark+" "+mode)
	level := [...]text.ID{text.LevelRequests, text.LevelCalls, text.LevelHops, text.LevelDeliveries, text.LevelStages}[m.level]
	parts = append(parts, m.say.T(text.LevelIs, m.say.T(level)))
	right := strings.Join(parts, " · ") + " "
	gap := max(m.w-ansi.StringWidth(left)-ansi.StringWidth(right), 1)
	return layout.Fit(left+strings.Repeat(" ", gap)+right, m.w)
}

// mode returns a mark and a word for what the lab does.
func (m *Lab) mode() (mark, word string) {
	switch {
	case m.o.Debugger == nil:
		return "◆", m.say.T(text.Replay)
	case m.status.Error != "" || m.status.Stopped:
		return "✗", m.say.T(text.StoppedWord)
	case !m.status.Ready:
		return "○", m.say.T(text.Starting)
	case m.debug.Mode == engine.Paused:
		return "■", m.say.T(text.ModePaused)
	}
	return "▸", m.say.T(text.ModeRun)
}

// tabLabel marks the view in front with brackets, so that no colour is needed.
func (m *Lab) tabLabel(i int) string {
	if m.lesson.session != nil {
		return m.lessonTab(i)
	}
	label := fmt.Sprintf("%d %s", i+1, m.say.T(m.tabs[i].name))
	if i == m.front {
		return "[" + label + "]"
	}
	if m.w < everyTab {
		return fmt.Sprintf(" %d ", i+1) // ? and : say what it is
	}
	return " " + label + " "
}

// everyTab is the width, in cells, from which the names of all views fit beside each other.
const everyTab = 80

func (m *Lab) tabLine() string {
	line := " " + m.lessonFirstTab()
	for i := range m.tabs {
		role := theme.Dim
		if i == m.front {
			role = theme.Strong
		}
		line += m.theme.Paint(role, m.tabLabel(i))
	}
	return layout.Fit(line, m.w)
}

func (m *Lab) pane(p layout.LabPane) []string {
	f := frame.Frame{Focused: m.focus == p}
	w, h := m.inner(p)
	var content []string
	switch p {
	case layout.LabView:
		t := m.tab()
		content = t.view.View(w, h, f.Focused) // before the note, which says what is in sight
		f.Title, f.Note = m.say.T(t.name)+" · "+m.say.T(t.ask), t.view.Note()
		if t.filter != "" && m.typing != aFilter {
			f.Note += " · " + m.say.T(text.Filtered, t.filter)
		}
	case layout.LabHeld:
		f.Title = m.say.T(text.PaneHeld)
		if n := len(m.debug.Held); n > 0 {
			f.Note = m.say.T(text.WaitingCount, n)
		}
		content = m.heldView(w, h)
	case layout.LabLesson:
		f.Title, f.Note = m.say.T(text.PaneLesson), m.lesson.pane.Note()
		content = m.lesson.pane.View(w, h)
	case layout.LabSide:
		if m.output {
			f.Title, f.Note = m.say.T(text.Console), m.console.Note()
			content = m.console.View(w, h)
			break
		}
		f.Title, f.Note = m.inspect.Title(), m.inspect.Note()
		content = m.inspect.View(w, h)
	}
	return f.View(m.theme, m.screen.Pane[p], content)
}

func (m *Lab) heldView(w, h int) []string {
	if len(m.debug.Held) == 0 {
		why := text.NothingHeldRun
		if m.debug.Mode == engine.Paused {
			why = text.NothingHeldPaused
		}
		return layout.FitLines(richtext.Render(m.theme, []richtext.Line{richtext.Text(theme.Dim, m.say.T(why))}, w), w, h)
	}
	return held.View(m.theme, rows.Held(m.say, m.debug.Held, m.o.Store), m.heldIndex(), m.focus == layout.LabHeld, w, h)
}

// statusLine is the line above the keys: what is typed, what was just said, or what comes next.
func (m *Lab) statusLine() string {
	line := ""
	switch {
	case m.typing == aFilter:
		line = m.theme.Paint(theme.Strong, "/") + " " + m.tab().filter + m.theme.Paint(theme.Selected, " ")
	case m.typing == aKubectl:
		head := m.theme.Paint(theme.Key, m.promptHead()) + " "
		line = head + m.console.Line.View(m.theme, m.w-2-ansi.StringWidth(head))
	case m.notice.text != "":
		line = m.noticeLines()[0]
	case m.at != 0 && len(m.debug.Held) > 0:
		line = m.theme.Paint(theme.Dim, m.say.T(text.ThenNoVerbs))
	case m.busy != keymap.None:
		line = m.theme.Paint(theme.Warn, m.say.T(text.Busy, m.verbName(m.busy)))
	case m.lesson.session != nil && m.at == 0 && len(m.debug.Held) > 0:
		line = m.lessonStatus()
	case len(m.debug.Held) > 0:
		next := describe.Event(&m.debug.Held[0].Event)
		next.Actor = describe.Short(next.Actor)
		line = m.theme.Paint(theme.Warn, m.say.T(text.WaitingCount, len(m.debug.Held))) + "  "
		room := m.w - 2 - ansi.StringWidth(line)
		if over := ansi.StringWidth(m.say.T(text.NextUp, next.String())) - room; over > 0 {
			next.Object = layout.Middle(next.Object, max(ansi.StringWidth(next.Object)-over, 8)) // who and what stay whole
		}
		line += layout.Middle(m.say.T(text.NextUp, next.String()), room)
	case m.status.Error != "":
		line = m.theme.Paint(theme.Bad, m.say.T(text.LabFailed)+": "+strings.ReplaceAll(m.status.Error, "\n", " "))
	}
	return layout.Fit(" "+line, m.w)
}

func (m *Lab) say1(n notice) string {
	role := theme.Dim
	if n.bad {
		role = theme.Bad
	}
	return m.theme.Paint(role, strings.ReplaceAll(n.text, "\n", " "))
}

// noticeLines wraps the notice to the screen's width.
func (m *Lab) noticeLines() []string {
	role := theme.Dim
	if m.notice.bad {
		role = theme.Bad
	}
	words := richtext.Text(role, strings.ReplaceAll(m.notice.text, "\n", " "))
	return richtext.Render(m.theme, []richtext.Line{words}, m.w-1)
}

// keyLine is the key bar; it gives way to the rest of a notice that is longer than the status line. While a command is
// typed it says what its keys do, or what could come next.
func (m *Lab) keyLine() string {
	if m.typing != aKubectl {
		if said := m.noticeLines(); m.typing == commands && len(said) > 1 {
			return layout.Fit(" "+strings.Join(said[1:], " "), m.w) // until the next key, which ends the notice
		}
		return keybar.View(m.theme, m.say, m.bindings, m.w)
	}
	n := m.notice
	if m.cycle.under(&m.console.Line) {
		return " " + m.proposalLine(m.w-1)
	}
	if n.text == "" {
		n.text = m.say.T(text.PromptKeys)
	}
	return layout.Fit(" "+m.say1(n), m.w)
}

// overBreaks lays the list of breakpoints over the screen.
func (m *Lab) overBreaks(base []string) []string {
	box := layout.Rect{W: min(m.w-2, 90), H: min(m.h-4, 18)}
	box.X, box.Y = (m.w-box.W)/2, (m.h-box.H)/3
	w, h := frame.Inner(box)
	b := &m.breaks
	head := m.theme.Paint(theme.Key, m.say.T(text.BreakPattern)) + " "
	content := richtext.Render(m.theme, []richtext.Line{richtext.Text(theme.Dim, m.say.T(text.BreakHelp)), {}}, w)
	content = append(content, head+b.line.View(m.theme, w-ansi.StringWidth(head)))
	if b.hint != "" && b.line.Value() == "" {
		content = append(content, layout.Fit(m.theme.Paint(theme.Dim, m.say.T(text.BreakHint, b.hint)), w))
	}
	if b.err != "" {
		content = append(content, richtext.Render(m.theme, []richtext.Line{richtext.Text(theme.Bad, b.err)}, w)...)
	}
	content = append(content, "")
	foot := richtext.Render(m.theme, []richtext.Line{richtext.Text(theme.Dim, m.say.T(text.BreakKeys))}, w)
	room := max(h-len(content)-len(foot), 1)
	if points := m.debug.Breakpoints; len(points) > 0 {
		l := list.List{At: b.at}
		content = append(content, l.View(m.theme, len(points), func(i int) []list.Cell {
			return []list.Cell{{Role: theme.Strong, Text: points[i]}}
		}, w, room, true)...)
	} else {
		content = append(content, layout.FitLines([]string{m.theme.Paint(theme.Dim, m.say.T(text.BreakNone))}, w, room)...)
	}
	content = layout.FitLines(append(content, foot...), w, h)
	f := frame.Frame{Title: m.say.T(text.BreakTitle), Focused: true}
	return layout.Overlay(base, f.View(m.theme, box, content), box.X, box.Y, m.w)
}
