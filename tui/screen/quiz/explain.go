package quiz

import (
	"strings"

	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/markdown"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// explanation returns what is said about the current question once it has been judged, or what shows its answer.
func (m *Quiz) explanation() []part {
	if m.reading != nil {
		return []part{{lines: m.reading}}
	}
	q := m.current()
	if q == nil || !q.done && !m.over || m.exam() && !m.over {
		return nil
	}
	var lines []richtext.Line
	if m.over {
		lines = append(inRole(theme.Strong, markdown.Lines(m.in(q.Ask))), richtext.Line{})
	}
	switch {
	case !q.done:
		return []part{{lines: append(lines, richtext.Text(theme.Dim, m.say.T(text.QuizUnanswered)))}}
	case q.err != nil:
		return []part{{lines: append(lines, richtext.Text(theme.Bad, m.say.T(text.QuizNotJudged, q.err)))}}
	}
	lines = append(lines, m.verdict(q)...)
	for _, f := range q.verdict.Feedback {
		lines = append(lines, richtext.Line{Hang: 2, Spans: append([]richtext.Span{{Role: theme.Bad, Text: "✗ "}}, markdown.Spans(theme.Plain, m.in(f))...)})
	}
	if !q.verdict.Right || m.over {
		lines = append(lines, richtext.Line{})
		if m.over && len(q.given) > 0 {
			lines = append(lines, m.said(text.QuizYours, theme.Dim, q, q.given)...)
		}
		if !q.verdict.Right {
			lines = append(lines, m.said(text.QuizTruth, theme.Good, q, q.verdict.Truth)...)
		}
	}
	lines = append(append(lines, richtext.Line{}, richtext.Text(theme.Heading, m.say.T(text.LessonWhy))), markdown.Lines(m.in(q.Why))...)
	if where := m.where(q); where != "" {
		lines = append(lines, richtext.Line{}, richtext.Text(theme.Dim, where))
	}
	return []part{{lines: lines}}
}

func (m *Quiz) verdict(q *question) []richtext.Line {
	switch v := &q.verdict; {
	case len(q.given) == 0:
		return []richtext.Line{richtext.Text(theme.Bad, "✗ "+m.say.T(text.QuizUnanswered))}
	case v.Right:
		return []richtext.Line{richtext.Text(theme.Good, "✓ "+m.say.T(text.QuizRight))}
	case v.Score > 0:
		return []richtext.Line{richtext.Text(theme.Warn, "◐ "+m.say.T(text.QuizPartly, int(100*v.Score+0.5)))}
	}
	return []richtext.Line{richtext.Text(theme.Bad, "✗ "+m.say.T(text.QuizWrong))}
}

// said writes an answer for a reader.
func (m *Quiz) said(head text.ID, role theme.Role, q *question, a []string) []richtext.Line {
	if q.textual() && len(a) > 1 {
		a = a[:1] // the others are other ways of saying the same
	}
	out := []richtext.Line{richtext.Text(theme.Dim, m.say.T(head))}
	for i, id := range a {
		var words []richtext.Span
		mark := "• "
		switch q.Kind {
		case schema.Match:
			left, right, _ := strings.Cut(id, "=")
			words = append(markdown.Spans(theme.Strong, m.in(q.option(left))), richtext.Span{Role: theme.Dim, Text: " → "})
			words = append(words, markdown.Spans(theme.Plain, m.in(q.option(right)))...)
		case schema.Number, schema.TextKey:
			words = []richtext.Span{{Role: theme.Strong, Text: id}}
		case schema.Order:
			mark = string(rune('1'+i)) + " "
			words = markdown.Spans(theme.Plain, m.in(q.option(id)))
		default:
			words = markdown.Spans(theme.Plain, m.in(q.option(id)))
		}
		out = append(out, richtext.Line{Indent: 2, Hang: 2, Spans: append([]richtext.Span{{Role: role, Text: mark}}, words...)})
	}
	return out
}

// where says in which step, lesson or event the answer can be seen.
func (m *Quiz) where(q *question) string {
	if step, _ := q.Lesson.Step(q.See.Step); step != nil {
		return m.say.T(text.QuizSeeStep, m.in(step.Title))
	}
	if q.See.Lesson != "" {
		return m.say.T(text.QuizSeeLesson, q.See.Lesson)
	}
	return m.say.T(text.QuizSeeEvent, q.See.Event)
}

// footer says what to press.
func (m *Quiz) footer() []richtext.Line {
	q := m.current()
	key := func(a keymap.Action) string { return keymap.Shown(m.bindings, a) }
	press := func(s string) []richtext.Line { return []richtext.Line{richtext.Text(theme.Key, "▸ "+s)} }
	enter, digits := key(keymap.Submit), key(keymap.Choice)
	switch {
	case m.topics.open():
		return press(m.say.T(text.QuizFootTopic, digits, enter))
	case q == nil || m.over:
		return press(m.say.T(text.QuizFootLeave, enter))
	case m.reading != nil:
		return press(m.say.T(text.QuizFootRead, enter, key(keymap.GoThere)))
	case m.exam() && q.done, q.done:
		return press(m.say.T(text.QuizFootNext, enter))
	}
	switch q.Kind {
	case schema.One:
		return press(m.say.T(text.QuizFootOne, digits, enter))
	case schema.Several:
		return press(m.say.T(text.QuizFootSeveral, digits, enter))
	case schema.Order:
		return press(m.say.T(text.QuizFootOrder, "K J", digits, enter))
	case schema.Match:
		return press(m.say.T(text.QuizFootMatch, digits, enter))
	}
	if !m.typing {
		return press(m.say.T(text.QuizFootType, enter))
	}
	return press(m.say.T(text.QuizFootTyping, enter))
}
