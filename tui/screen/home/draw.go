package home

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/keybar"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// View returns the screen's lines: as many as its height, each as wide as its width.
func (m *Home) View() []string {
	out := make([]strings.Builder, m.h)
	put := func(r layout.Rect, lines []string) {
		for i, line := range lines {
			out[r.Y+i].WriteString(line)
		}
	}
	s := &m.screen
	put(s.Header, []string{m.header()})
	if m.welcome {
		put(m.body(), m.welcomeView())
	} else {
		for p := range layout.HomePanes { // from left to right
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

// body is what is between the header and the status line.
func (m *Home) body() layout.Rect { return layout.Rect{Y: 1, W: m.w, H: m.h - 3} }

func (m *Home) header() string {
	left := " " + m.theme.Paint(theme.Strong, "kubestep")
	right := m.labLine() + " "
	if title := "  " + m.say.T(text.HomeTitle); layout.Width(left)+layout.Width(title)+layout.Width(right) < m.w {
		left += title
	}
	gap := max(m.w-layout.Width(left)-layout.Width(right), 1)
	return layout.Fit(left+strings.Repeat(" ", gap)+right, m.w)
}

// labLine says in a few words how the lab is.
func (m *Home) labLine() string {
	s := &m.status
	switch {
	case s.Error != "":
		return m.theme.Paint(theme.Bad, "✗ "+m.say.T(text.LabFailedShort))
	case s.Stopped:
		return m.theme.Paint(theme.Bad, "✗ "+m.say.T(text.StoppedWord))
	case s.Ready:
		return m.theme.Paint(theme.Good, "✓ ") + m.say.T(text.LabReady, seconds(s.Took)) + " · " + s.Version + " · " + m.say.T(text.Nodes, s.Nodes)
	}
	for i := range s.Phases {
		if !s.Phases[i].Done {
			return m.theme.Paint(theme.Warn, "○ ") + m.say.T(text.LabStarts, s.Phases[i].Name, i, len(s.Phases))
		}
	}
	return m.theme.Paint(theme.Warn, "○ ") + m.say.T(text.Starting)
}

func (m *Home) pane(p layout.HomePane) []string {
	r := m.screen.Pane[p]
	if r.Empty() {
		return nil
	}
	f := frame.Frame{Focused: m.focus == p}
	w, h := frame.Inner(r)
	switch p {
	case layout.HomeList:
		f.Title, f.Note = m.say.T(text.Lessons), m.note()
		return f.View(m.theme, r, m.listView(w, h))
	case layout.HomeAbout:
		f.Title, f.Note = m.aboutTitle(), m.about.Note()
		return f.View(m.theme, r, m.about.View(w, h))
	}
	f.Title = m.say.T(text.LabTitle)
	return f.View(m.theme, r, m.labView(w, h))
}

// note says how much has been done.
func (m *Home) note() string {
	if v := m.search.Value(); v != "" && !m.searching {
		return m.say.T(text.Filtered, v)
	}
	if len(m.lessons) == 0 {
		return ""
	}
	done := 0
	for _, s := range m.standings {
		if s.finished {
			done++
		}
	}
	note := m.say.T(text.LessonsDone, done, len(m.lessons))
	if _, h := frame.Inner(m.screen.Pane[layout.HomeList]); len(m.rows) > h {
		note += fmt.Sprintf(" · %d/%d", m.at.At+1, len(m.rows)) // there is more than is in sight
	}
	return note
}

func (m *Home) listView(w, h int) []string {
	if len(m.rows) == 0 {
		return m.wrapped(theme.Dim, m.say.T(text.NothingFound), w, h)
	}
	return m.at.View(m.theme, len(m.rows), func(i int) []list.Cell { return m.row(&m.rows[i], w) }, w, h, m.focus == layout.HomeList)
}

// row returns an entry's cells in w cells: mark, title, minutes, where the learner is, questions.
func (m *Home) row(e *entry, w int) []list.Cell {
	role := theme.Plain
	switch e.kind {
	case heading:
		return []list.Cell{{Role: theme.Heading, Text: e.title}}
	case broken:
		return []list.Cell{{Role: theme.Bad, Text: " ✗", Width: 3}, {Role: role, Text: e.title},
			{Role: theme.Bad, Text: m.say.T(text.ProblemCount, len(e.problems)), Width: 14}}
	case recording:
		return []list.Cell{{Text: " ·", Width: 3}, {Role: role, Text: e.title},
			{Role: theme.Dim, Text: e.recording.Kept.Format("2006-01-02 15:04"), Width: 17}}
	case nothing:
		return []list.Cell{{Role: theme.Warn, Text: " ✗", Width: 3}, {Role: role, Text: e.title}}
	case freeLab, practice, exam:
		return []list.Cell{{Text: " ·", Width: 3}, {Role: role, Text: e.title}}
	case review:
		due := m.say.T(text.NothingDueShort)
		if m.done.Due > 0 {
			due = m.say.T(text.DueCount, m.done.Due)
		}
		return []list.Cell{{Text: " ·", Width: 3}, {Role: role, Text: e.title}, {Role: theme.Dim, Text: due, Width: 14}}
	}
	s := e.standing
	if e.kind == onward {
		return []list.Cell{{Role: theme.Warn, Text: "»", Width: 2}, {Role: theme.Strong, Text: cut(e.title, w-2-whereWidth-1)},
			{Role: theme.Warn, Text: m.where(s), Width: whereWidth}}
	}
	mark, markRole := "○", theme.Dim
	switch {
	case s.finished:
		mark, markRole = "✓", theme.Good
	case s.begun:
		mark, markRole = "◐", theme.Warn
	}
	tail := []list.Cell{{Role: theme.Dim, Text: m.say.T(text.MinutesShort, e.lesson.Minutes), Width: -8}, {Role: markRole, Text: m.where(s), Width: whereWidth}}
	if len(m.done.Records) > 0 {
		questions := ""
		if s.tried > 0 {
			questions = m.say.T(text.QuizShort, s.right, s.asked)
		}
		tail = append(tail, list.Cell{Role: theme.Dim, Text: questions, Width: 11})
	}
	for _, c := range tail {
		w -= max(c.Width, -c.Width)
	}
	return append([]list.Cell{{Role: markRole, Text: " " + mark, Width: 3}, {Role: role, Text: cut(e.title, w-5)}}, tail...)
}

// whereWidth is the width, in cells, of the column that says how far a lesson is.
const whereWidth = 11

// cut cuts a title at its end; the list would take out its middle, as is right for names.
func cut(s string, w int) string {
	if layout.Width(s) <= w {
		return s
	}
	return strings.TrimRight(layout.Fit(s, max(w, 1)), " ")
}

// where says how far a lesson is.
func (m *Home) where(s standing) string {
	switch {
	case s.begun:
		return m.say.T(text.Progress, s.step, s.steps)
	case s.finished:
		return m.say.T(text.DoneWord)
	}
	return m.say.T(text.NewWord)
}

// statusLine is the line above the keys: what is typed, asked or was just said.
func (m *Home) statusLine() string {
	line := ""
	switch {
	case m.searching:
		head := m.theme.Paint(theme.Strong, "/") + " "
		hint := m.theme.Paint(theme.Dim, "  "+m.say.T(text.SearchKeys))
		line = head + m.search.View(m.theme, max(m.w-4-layout.Width(hint), 10)) + hint
	case len(m.inTheWay) > 0:
		line = m.theme.Paint(theme.Warn, m.say.T(text.InTheWayKeys))
	case m.notice.text != "":
		role := theme.Dim
		if m.notice.bad {
			role = theme.Bad
		}
		line = m.theme.Paint(role, strings.ReplaceAll(m.notice.text, "\n", " "))
	case m.status.Error != "":
		line = m.theme.Paint(theme.Bad, m.say.T(text.LabFailed)+": "+strings.ReplaceAll(m.status.Error, "\n", " "))
	case m.opening.ID != "" && !m.status.Ready:
		line = m.theme.Paint(theme.Warn, m.say.T(text.OpensWhenReady, m.titleOf(m.opening.ID)))
	case m.opening.ID != "":
		line = m.theme.Paint(theme.Warn, m.say.T(text.Opens, m.titleOf(m.opening.ID)))
	}
	return layout.Fit(" "+line, m.w)
}

func (m *Home) titleOf(id string) string {
	for _, l := range m.lessons {
		if l.ID == id {
			return l.Title.In(m.lang())
		}
	}
	return strconv.Quote(id)
}
