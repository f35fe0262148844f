package home

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/checklist"
	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// look places the panes and fills the one about the selected entry.
func (m *Home) look() {
	options := layout.HomeOptions{ListLines: len(m.rows), AboutLines: 12, LabLines: len(m.labLines())}
	m.screen = layout.ArrangeHome(m.w, m.h, options)
	if m.welcome {
		w, h := m.welcomeSize()
		m.about.Set(m.theme, m.welcomeLines(), w, h)
		return
	}
	w, h := frame.Inner(m.screen.Pane[layout.HomeAbout])
	e := m.selected()
	if key := e.key() + strings.Join(m.inTheWay, " "); key != m.shown {
		m.shown = key
		m.about.Top()
	}
	m.about.Set(m.theme, m.aboutLines(e), w, h)
}

func (m *Home) labInAbout() bool { return m.failed() && m.screen.Pane[layout.HomeLab].Empty() }

func (m *Home) aboutTitle() string {
	if m.labInAbout() {
		return m.say.T(text.LabTitle)
	}
	if e := m.selected(); e.lesson != nil {
		return e.lesson.Title.In(m.lang())
	} else if e.kind != heading {
		return e.title
	}
	return ""
}

// aboutLines says what the selected entry is, or, where the lab has no pane of its own, why that has failed.
func (m *Home) aboutLines(e *entry) []richtext.Line {
	if m.labInAbout() {
		return m.labLines()
	}
	if len(m.inTheWay) > 0 {
		lines := []richtext.Line{richtext.Text(theme.Warn, m.say.T(text.InTheWay))}
		for _, o := range m.inTheWay {
			lines = append(lines, richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: theme.Dim, Text: "- "}, {Text: o}}})
		}
		return lines
	}
	switch e.kind {
	case onward:
		if m.o.Aside != "" {
			return append([]richtext.Line{richtext.Text(theme.Bad, m.say.T(text.ProgressAside, m.o.Aside)), {}}, m.lessonLines(e)...)
		}
		return m.lessonLines(e)
	case lesson:
		return m.lessonLines(e)
	case nothing:
		return []richtext.Line{richtext.Text(theme.Plain, m.say.T(text.NoLessonsIn, m.o.Folder))}
	case broken:
		lines := []richtext.Line{richtext.Text(theme.Plain, m.say.T(text.BrokenAbout, e.title)), {}}
		for _, p := range e.problems {
			lines = append(lines, richtext.Line{Hang: 2, Spans: []richtext.Span{
				{Role: theme.Strong, Text: fmt.Sprintf("%s:%d", p.File, p.Line)}, {Role: theme.Plain, Text: " " + p.What}}})
			if p.Fix != "" {
				lines = append(lines, richtext.Line{Indent: 2, Spans: []richtext.Span{{Role: theme.Dim, Text: "→ " + p.Fix}}})
			}
		}
		return lines
	case freeLab:
		return m.paragraphs(text.FreeLabAbout)
	case practice:
		return m.paragraphs(text.AllQuestionsAbout)
	case review:
		return m.paragraphs(text.ReviewAbout)
	case exam:
		return m.paragraphs(text.ExamAbout)
	case recording:
		return append(m.paragraphs(text.RecordingAbout), richtext.Line{}, richtext.Text(theme.Dim, e.recording.Path))
	}
	return nil
}

func (m *Home) paragraphs(ids ...text.ID) []richtext.Line {
	var lines []richtext.Line
	for _, id := range ids {
		if len(lines) > 0 {
			lines = append(lines, richtext.Line{})
		}
		lines = append(lines, richtext.Text(theme.Plain, m.say.T(id)))
	}
	return lines
}

func (m *Home) lessonLines(e *entry) []richtext.Line {
	l, s, lang := e.lesson, e.standing, m.lang()
	level := [...]text.ID{text.LevelBeginner, text.LevelIntermediate, text.LevelAdvanced}[levelIndex(l)]
	facts := []string{m.say.T(text.MinutesShort, l.Minutes), m.say.T(level), m.say.T(text.StepCount, s.steps)}
	if s.asked > 0 {
		facts = append(facts, m.say.T(text.QuestionCount, s.asked))
	}
	lines := []richtext.Line{richtext.Text(theme.Dim, strings.Join(facts, " · "))}
	switch {
	case s.begun && m.under == l.ID:
		lines = append(lines, richtext.Text(theme.Warn, m.say.T(text.WaitsAtStep, s.step, s.steps, s.title.In(lang))))
	case s.begun:
		lines = append(lines, richtext.Text(theme.Warn, m.say.T(text.LeftAtStep, s.step, s.steps, s.title.In(lang))))
	case s.finished:
		lines = append(lines, richtext.Text(theme.Good, "✓ "+m.say.T(text.LessonFinished)))
	}
	if s.tried > 0 {
		lines = append(lines, richtext.Text(theme.Dim, m.say.T(text.QuizStanding, s.right, s.asked, s.tried)))
	}
	if missing := m.missing(l); missing != "" {
		lines = append(lines, richtext.Text(theme.Dim, m.say.T(text.Requires, missing)))
	}
	if s.begun && e.kind == onward {
		return append(lines, m.objectives(l)...) // who goes on has read what it is about
	}
	for paragraph := range strings.SplitSeq(l.Intro.In(lang), "\n\n") {
		if paragraph = strings.Join(strings.Fields(paragraph), " "); paragraph != "" {
			lines = append(lines, richtext.Line{}, richtext.Text(theme.Plain, paragraph))
		}
	}
	return append(lines, m.objectives(l)...)
}

func (m *Home) objectives(l *schema.Lesson) []richtext.Line {
	lines := []richtext.Line{{}, richtext.Text(theme.Heading, m.say.T(text.Objectives))}
	for _, o := range l.Objectives[m.lang()] {
		lines = append(lines, richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: theme.Dim, Text: "- "}, {Text: o}}})
	}
	return lines
}

// missing returns the titles of the lessons that should have been done before and were not.
func (m *Home) missing(l *schema.Lesson) string {
	var out []string
	for _, id := range l.Requires {
		if !m.standings[id].finished {
			out = append(out, m.titleOf(id))
		}
	}
	return strings.Join(out, ", ")
}

func levelIndex(l *schema.Lesson) int {
	for i, name := range schema.Levels {
		if l.Level == name {
			return i
		}
	}
	return 0
}

func (m *Home) labView(w, h int) []string {
	return layout.FitLines(richtext.Render(m.theme, m.labLines(), w), w, h)
}

// labLines says how the lab is: how far its start is, or what it has.
func (m *Home) labLines() []richtext.Line {
	s := &m.status
	switch {
	case s.Error != "":
		return append([]richtext.Line{richtext.Text(theme.Bad, "✗ "+m.say.T(text.LabFailed)), richtext.Text(theme.Plain, s.Error), {},
			richtext.Text(theme.Dim, m.say.T(text.LabFailedAdvice)), {}}, m.phases()...)
	case s.Stopped:
		return []richtext.Line{richtext.Text(theme.Plain, m.say.T(text.LabStopped))}
	case !s.Ready:
		return m.phases()
	}
	lines := []richtext.Line{richtext.Of(richtext.Span{Role: theme.Good, Text: "✓ "}, richtext.Span{Text: m.say.T(text.PhaseAllReady, seconds(s.Took))}),
		richtext.Text(theme.Plain, s.Version+" · "+m.say.T(text.Nodes, s.Nodes)), {}}
	if s.Kubeconfig != "" {
		lines = append(lines, richtext.Text(theme.Dim, m.say.T(text.OwnKubectl)),
			richtext.Line{Indent: 2, Hang: 2, Spans: []richtext.Span{{Role: theme.Plain, Text: s.Kubeconfig}}}, richtext.Line{})
	}
	return append(lines, m.phases()...)
}

// phases shows how far the start is, or how long its parts took.
func (m *Home) phases() []richtext.Line {
	items := make([]checklist.Item, len(m.status.Phases))
	now := true
	for i, p := range m.status.Phases {
		items[i] = checklist.Item{Name: p.Name, Note: m.say.T(text.PhaseWaiting)}
		switch {
		case p.Done:
			items[i].State, items[i].Note = checklist.Done, seconds(p.Took)
		case now:
			items[i].State, items[i].Note = checklist.Now, m.say.T(text.PhaseWorking)
			now = false
		}
	}
	return checklist.Lines(items)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func (m *Home) wrapped(role theme.Role, s string, w, h int) []string {
	return layout.FitLines(richtext.Render(m.theme, []richtext.Line{richtext.Text(role, s)}, w), w, h)
}
