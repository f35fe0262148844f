package walk

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/component/eventlist"
	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/held"
	"github.com/kubestep/kubestep/tui/component/keybar"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view/rows"
)

// View returns the screen's lines: as many as its height, each as wide as its width.
func (m *Walk) View() []string {
	out := make([]strings.Builder, m.h)
	put := func(r layout.Rect, lines []string) {
		for i, line := range lines {
			out[r.Y+i].WriteString(line)
		}
	}
	s := &m.screen
	put(s.Header, []string{m.header()})
	if s.Tabbed {
		put(s.Tabs, []string{m.tabs()})
	}
	// From left to right: each line is put together in this order.
	for _, p := range []layout.Pane{layout.Guide, layout.Held, layout.Events, layout.Inspector} {
		if !s.Pane[p].Empty() {
			put(s.Pane[p], m.pane(p))
		}
	}
	put(s.Status, []string{m.statusLine()})
	put(s.Keys, []string{keybar.View(m.theme, m.say, m.bindings, m.w)})
	lines := make([]string, m.h)
	for i := range out {
		lines[i] = out[i].String()
	}
	return lines
}

func (m *Walk) header() string {
	left := " " + m.theme.Paint(theme.Strong, "kubestep") + "  " + m.say.T(text.PaneGuide)
	var parts []string
	if m.stage == Walking || m.stage == Replaying && m.progress.name != "" {
		at := m.progress.at()
		if at < len(milestones) {
			parts = append(parts, m.say.T(text.Progress, at+1, len(milestones)))
		} else {
			parts = append(parts, m.say.T(text.AllDone, at))
		}
	}
	if m.status.Version != "" && m.w >= 80 {
		parts = append(parts, m.status.Version)
	}
	if m.status.Nodes > 0 && m.w >= 100 {
		parts = append(parts, m.say.T(text.Nodes, m.status.Nodes))
	}
	mark, mode := m.mode()
	parts = append(parts, mark+" "+mode)
	right := strings.Join(parts, " · ") + " "
	if m.stage == Walking || m.stage == Replaying {
		right = strings.Join(parts, " · ") + " · " + m.say.T(text.LevelIs, m.levelName()) + " "
	}
	gap := m.w - ansi.StringWidth(left) - ansi.StringWidth(right)
	if gap < 3 {
		left, gap = " "+m.theme.Paint(theme.Strong, "kubestep"), m.w-9-ansi.StringWidth(right)
	}
	return layout.Fit(left+strings.Repeat(" ", max(gap, 1))+right, m.w)
}

// mode returns a mark and a word for what the lab does.
func (m *Walk) mode() (mark, word string) {
	switch {
	case m.stage == Replaying:
		return "◆", m.say.T(text.Replay)
	case m.stage == Failed:
		return "✗", m.say.T(text.StoppedWord)
	case m.stage == Starting:
		return "○", m.say.T(text.Starting)
	case m.debug.Mode == engine.Paused:
		return "■", m.say.T(text.ModePaused)
	}
	return "▸", m.say.T(text.ModeRun)
}

func (m *Walk) levelName() string {
	return m.say.T([...]text.ID{text.LevelRequests, text.LevelCalls, text.LevelDeliveries, text.LevelStages}[max(describe.Fineness(m.level), 0)])
}

// tabNames are the tabs of a narrow terminal with the pane that each brings to the front.
var tabNames = [...]struct {
	name text.ID
	pane layout.Pane
}{{text.TabWalk, layout.Guide}, {text.PaneEvents, layout.Events}, {text.PaneInspector, layout.Inspector}}

func (m *Walk) inFront(p layout.Pane) bool { return !m.screen.Pane[p].Empty() }

func (m *Walk) tabs() string {
	line := " "
	for _, t := range tabNames {
		name := m.tabLabel(t.name, t.pane)
		if m.inFront(t.pane) {
			line += m.theme.Paint(theme.Selected, name) + " "
		} else {
			line += m.theme.Paint(theme.Dim, name) + " "
		}
	}
	return layout.Fit(line, m.w)
}

// tabLabel marks the tab in front with brackets, so that no colour is needed.
func (m *Walk) tabLabel(name text.ID, p layout.Pane) string {
	if m.inFront(p) {
		return "[" + m.say.T(name) + "]"
	}
	return " " + m.say.T(name) + " "
}

// inner returns the cells inside a pane, which has some size also while it is behind another tab.
func (m *Walk) inner(p layout.Pane) (w, h int) { return frame.Inner(m.screen.Pane[p]) }

func (m *Walk) pane(p layout.Pane) []string {
	f := frame.Frame{Focused: m.focus == p}
	w, h := m.inner(p)
	var content []string
	switch p {
	case layout.Guide:
		f.Title, f.Note = m.say.T(text.TabWalk), m.guide.Note()
		content = m.guide.View(w, h)
	case layout.Held:
		f.Title = m.say.T(text.PaneHeld)
		content = m.heldView(w, h)
		if n := len(m.debug.Held); n > 0 {
			f.Note = m.say.T(text.WaitingCount, n)
		}
	case layout.Events:
		f.Title, f.Note = m.say.T(text.PaneEvents), m.eventsNote()
		content = m.eventsView(w, h)
	case layout.Inspector:
		f.Title, f.Note = m.inspectorTitle(), m.inspect.Note()
		content = m.inspect.View(w, h)
	}
	return f.View(m.theme, m.screen.Pane[p], content)
}

func (m *Walk) heldView(w, h int) []string {
	if len(m.debug.Held) == 0 {
		why := text.NothingHeld
		if m.stage == Walking {
			why = text.NothingHeldRun
			if m.debug.Mode == engine.Paused {
				why = text.NothingHeldPaused
			}
		}
		return layout.FitLines([]string{m.theme.Paint(theme.Dim, m.say.T(why))}, w, h)
	}
	return held.View(m.theme, rows.Held(m.say, m.debug.Held, m.o.Store), m.heldIndex(), m.focus == layout.Held, w, h)
}

func (m *Walk) eventsNote() string {
	note := ""
	if m.index.len() > 0 {
		note = m.say.T(text.EventCount, m.index.search(m.seq)+1, m.index.len())
	}
	if m.filter.text != "" && !m.filter.typing {
		note += " · " + m.say.T(text.Filtered, m.filter.text)
	}
	if m.follow && m.stage == Walking {
		note += " · " + m.say.T(text.Following)
	}
	return note
}

func (m *Walk) eventsView(w, h int) []string {
	if m.index.len() == 0 {
		why := text.NoEvents
		if m.filter.text != "" {
			why = text.NoMatch
		}
		return m.wrapped(why, w, h)
	}
	list := eventlist.List{Len: m.index.len(), Row: m.row, Selected: m.index.search(m.seq), Focused: m.focus == layout.Events}
	return list.View(m.theme, w, h, m.offset)
}

func (m *Walk) row(i int) eventlist.Row {
	e, ok := m.o.Store.Get(m.index.at(i))
	if !ok {
		return eventlist.Row{Seq: m.index.at(i)}
	}
	r := rows.Event(&e, m.began)
	r.Chain = m.chain[e.Seq]
	return r
}

func (m *Walk) inspectorTitle() string {
	title := m.say.T(text.PaneInspector)
	for _, p := range []struct {
		page describe.Page
		name text.ID
	}{{describe.Why, text.PageWhy}, {describe.Diff, text.PageDiff}, {describe.Source, text.PageSource}, {describe.Object, text.PageObject}} {
		name := m.say.T(p.name)
		if p.page == m.page {
			name = "[" + name + "]"
		}
		title += " " + name
	}
	return title
}

// statusLine is the line above the keys: what was just said, or what comes next.
func (m *Walk) statusLine() string {
	line := ""
	switch {
	case m.filter.typing:
		line = m.theme.Paint(theme.Strong, m.say.T(text.FilterPrompt)) + " " + m.filter.text + m.theme.Paint(theme.Selected, " ")
	case m.notice.text != "":
		role := theme.Dim
		if m.notice.bad {
			role = theme.Bad
		}
		line = m.theme.Paint(role, strings.ReplaceAll(m.notice.text, "\n", " "))
	case m.filter.searching:
		line = m.theme.Paint(theme.Dim, m.say.T(text.Searching))
	case m.busy != keymap.None:
		line = m.theme.Paint(theme.Warn, m.say.T(text.Busy, m.verbName(m.busy)))
	case len(m.debug.Held) > 0:
		next := describe.Event(&m.debug.Held[0].Event)
		line = m.theme.Paint(theme.Warn, m.say.T(text.WaitingCount, len(m.debug.Held))) + "  "
		line += layout.Middle(m.say.T(text.NextUp, next.String()), m.w-2-ansi.StringWidth(line))
	}
	return layout.Fit(" "+line, m.w)
}
