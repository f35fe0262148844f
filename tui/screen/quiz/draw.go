package quiz

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/keybar"
	"github.com/kubestep/kubestep/tui/component/markdown"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Resize gives the screen its size.
func (m *Quiz) Resize(w, h int) {
	m.w, m.h = w, h
	m.refresh()
}

// Dress gives the screen its looks and its language.
func (m *Quiz) Dress(t theme.Theme, p text.Printer) {
	m.theme, m.say = t, p
	m.reading = nil // it is in the other language
	m.refresh()
}

// Feed takes what the lab reports, none of which concerns a quiz.
func (m *Quiz) Feed(tea.Msg) tea.Cmd { return nil }

// twoColumns is the width, in cells, from which question and explanation stand beside each other.
const twoColumns = 100

func (m *Quiz) refresh() {
	m.bind()
	if m.w <= 0 || m.h <= 0 {
		return
	}
	body := layout.Rect{Y: 1, W: m.w, H: m.h - 3}
	left, right := body, layout.Rect{}
	if m.w >= twoColumns {
		left.W = m.w * 54 / 100
		right = layout.Rect{X: left.W, Y: body.Y, W: m.w - left.W, H: body.H}
	}
	parts, about := m.question(), m.explanation()
	if right.Empty() {
		if m.reading != nil {
			parts = nil
		}
		parts = append(append(parts, part{lines: []richtext.Line{{}}}), about...)
		about = nil
	}
	m.left.fill(m.theme, left, parts, m.footer())
	m.right.fill(m.theme, right, about, nil)
	if q := m.current(); right.Empty() && q != nil && !m.over && q.done && m.reading == nil && !q.read {
		q.read = true // what was right comes in sight once
		m.left.move(1 << 20)
	}
}

// scroll scrolls the explanation, which is in a pane of its own or below the question.
func (m *Quiz) scroll(n int) {
	if m.right.place.Empty() {
		m.left.move(n)
	} else {
		m.right.move(n)
	}
}

func (m *Quiz) current() *question {
	if len(m.questions) == 0 {
		return nil
	}
	return m.questions[m.at]
}

// View returns the screen's lines.
func (m *Quiz) View() []string {
	title := m.say.T(text.QuizPane)
	if m.over {
		title = m.say.T(text.QuizResults)
	}
	left := m.left.view(m.theme, frame.Frame{Title: title, Focused: true})
	lines := []string{m.header()}
	right := m.right.view(m.theme, frame.Frame{Title: m.say.T(text.QuizExplanation)})
	for i := range left {
		if right != nil {
			left[i] += right[i]
		}
	}
	lines = append(lines, left...)
	return append(lines, m.status(), keybar.View(m.theme, m.say, m.bindings, m.w))
}

func (m *Quiz) header() string {
	right := ""
	if n := len(m.questions); n > 0 && !m.over {
		right = m.say.T(text.QuizQuestion, m.at+1, n)
		if marks := m.marks(); n <= m.w/6 {
			right += "  " + marks
		}
	}
	if m.exam() && !m.over && !m.ends.IsZero() {
		left := max(m.ends.Sub(m.now), 0).Round(time.Second)
		right += "   " + m.say.T(text.QuizTime, fmt.Sprintf("%d:%02d", int(left.Minutes()), int(left.Seconds())%60))
	}
	right += " "
	left := " " + m.theme.Paint(theme.Strong, "kubestep") + "  "
	room := m.w - ansi.StringWidth(left) - ansi.StringWidth(right) - 1
	return layout.Fit(left+layout.Fit(m.about.Title.In(m.say.Lang().Tag()), max(room, 0))+" "+right, m.w)
}

// marks shows each question by a mark: right, partly right, wrong, answered, open.
func (m *Quiz) marks() string {
	var b strings.Builder
	for i, q := range m.questions {
		switch {
		case i == m.at && !m.over && !q.done:
			b.WriteString("▸")
		default:
			b.WriteString(m.mark(q))
		}
	}
	return b.String()
}

func (m *Quiz) mark(q *question) string {
	switch {
	case q.done && q.err != nil:
		return "?"
	case q.done && q.verdict.Right:
		return "✓"
	case q.done && q.verdict.Score > 0:
		return "◐"
	case q.done:
		return "✗"
	case m.exam() && q.touched():
		return "●"
	}
	return "○"
}

func (m *Quiz) status() string {
	role := theme.Dim
	line := ""
	switch {
	case m.notice.text != "":
		line = m.notice.text
		if m.notice.bad {
			role = theme.Bad
		}
	case m.judging:
		line = m.say.T(text.QuizJudging)
	}
	return layout.Fit(" "+m.theme.Paint(role, strings.ReplaceAll(line, "\n", " ")), m.w)
}

func (m *Quiz) in(t schema.Text) string { return t.In(m.say.Lang().Tag()) }

// question returns the parts of the left pane: the question with its answers, or the results.
func (m *Quiz) question() []part {
	q := m.current()
	switch {
	case m.topics.open():
		return m.topicParts()
	case q == nil:
		id := text.QuizNone
		if m.about.Mode == route.Review {
			id = text.QuizNoneDue
		}
		return []part{{lines: []richtext.Line{richtext.Text(theme.Plain, m.say.T(id))}}}
	case m.over:
		return m.results()
	}
	head := []richtext.Line{}
	if m.about.Mode != route.Practice {
		head = append(head, richtext.Text(theme.Dim, m.in(q.Lesson.Title)))
	}
	head = append(head, inRole(theme.Strong, markdown.Lines(m.in(q.Ask)))...)
	kinds := map[string]text.ID{schema.One: text.QuizOne, schema.Several: text.QuizSeveral, schema.Number: text.QuizNumber,
		schema.TextKey: text.QuizText, schema.Order: text.QuizOrder, schema.Match: text.QuizMatch}
	about := m.say.T(kinds[q.Kind])
	if q.Live {
		about += " " + m.say.T(text.QuizLive)
	}
	head = append(head, richtext.Text(theme.Dim, about), richtext.Line{})
	return append([]part{{lines: head}}, m.answers(q)...)
}

func inRole(r theme.Role, lines []richtext.Line) []richtext.Line {
	for i := range lines {
		for j := range lines[i].Spans {
			if s := &lines[i].Spans[j]; s.Role == theme.Plain {
				s.Role = r
			}
		}
	}
	return lines
}

// answers returns what can be answered, or has been.
func (m *Quiz) answers(q *question) []part {
	judged := q.done && (!m.exam() || m.over)
	var out []part
	row := func(h hit, cursor bool, mark string, role theme.Role, digit int, words []richtext.Span) {
		pointer := "  "
		if cursor && !q.done {
			pointer = "▸ "
		}
		hang := ansi.StringWidth(pointer + mark)
		if digit > 0 {
			hang += 2
		}
		line := richtext.Line{Hang: hang, Spans: []richtext.Span{{Role: theme.Key, Text: pointer}}}
		if digit > 0 {
			line.Spans = append(line.Spans, richtext.Span{Role: theme.Key, Text: strconv.Itoa(digit) + " "})
		}
		line.Spans = append(append(line.Spans, richtext.Span{Role: role, Text: mark}), words...)
		out = append(out, part{lines: []richtext.Line{line}, hit: h, cursor: cursor && !q.done})
	}
	switch q.Kind {
	case schema.One, schema.Several:
		for i, o := range q.Options {
			mark, role := box(q, o.ID, judged)
			row(hit{anOption, i}, i == q.cursor, mark+" ", role, i+1, markdown.Spans(theme.Plain, m.in(o.Text)))
		}
	case schema.Order:
		for i, id := range q.order {
			mark, role := "↕ ", theme.Dim
			if judged {
				mark, role = "✗ ", theme.Bad
				if at := slices.Index(q.verdict.Truth, id); at == i {
					mark, role = "✓ ", theme.Good
				}
			}
			row(hit{anOption, i}, i == q.cursor, mark, role, i+1, markdown.Spans(theme.Plain, m.in(q.option(id))))
		}
	case schema.Match:
		for i, left := range q.lefts {
			mark, role, words := "  ", theme.Plain, markdown.Spans(theme.Strong, m.in(q.option(left)))
			if right := q.pairs[left]; right != "" {
				words = append(append(words, richtext.Span{Role: theme.Dim, Text: " → "}), markdown.Spans(theme.Plain, m.in(q.option(right)))...)
				if judged {
					mark, role = "✗ ", theme.Bad
					if q.Pairs[left] == right {
						mark, role = "✓ ", theme.Good
					}
				}
			} else {
				words = append(words, richtext.Span{Role: theme.Dim, Text: " → …"})
			}
			row(hit{aLeft, i}, i == q.cursor, mark, role, 0, words)
		}
		if !q.done {
			out = append(out, part{lines: []richtext.Line{{}}})
			for i, right := range q.rights {
				row(hit{aRight, i}, false, "", theme.Plain, i+1, markdown.Spans(theme.Plain, m.in(q.option(right))))
			}
		}
	default:
		out = append(out, m.line(q, judged))
	}
	return out
}

// box is the mark of an option: picked or not, and right or wrong once that is known.
func box(q *question, id string, judged bool) (mark string, role theme.Role) {
	open, full := "( )", "(●)"
	if q.Kind == schema.Several {
		open, full = "[ ]", "[●]"
	}
	mark, role = open, theme.Plain
	if q.picked[id] {
		mark, role = full, theme.Strong
	}
	if !judged || q.err != nil {
		return mark, role
	}
	right := slices.Contains(q.verdict.Truth, id)
	switch {
	case right && q.picked[id]:
		return mark + "✓", theme.Good
	case right:
		return mark + "✓", theme.Warn
	case q.picked[id]:
		return mark + "✗", theme.Bad
	}
	return mark + " ", theme.Dim
}

// line is the line of an answer that is typed.
func (m *Quiz) line(q *question, judged bool) part {
	w, _ := frame.Inner(m.left.place)
	mark, role := "> ", theme.Key
	if judged {
		mark, role = "✗ ", theme.Bad
		if q.verdict.Right {
			mark, role = "✓ ", theme.Good
		}
	}
	if !m.typing {
		return part{lines: []richtext.Line{richtext.Of(richtext.Span{Role: role, Text: mark}, richtext.Span{Role: theme.Strong, Text: q.line.Value()})}}
	}
	// The line paints itself: only its words wrap into this pane.
	room := max(min(w, 60)-4, 4)
	before, after := q.line.Before(), strings.TrimPrefix(q.line.Value(), q.line.Before())
	if n := ansi.StringWidth(before); n > room {
		before = "…" + ansi.TruncateLeft(before, n-room+1, "")
	}
	cursor := " "
	if after != "" {
		r := []rune(after)
		cursor, after = string(r[0]), string(r[1:])
	}
	return part{lines: []richtext.Line{richtext.Of(richtext.Span{Role: role, Text: mark}, richtext.Span{Role: theme.Strong, Text: before},
		richtext.Span{Role: theme.Selected, Text: cursor}, richtext.Span{Role: theme.Strong, Text: after})}}
}

// results lists the questions with what each was worth.
func (m *Quiz) results() []part {
	points, right, total := m.score()
	percent := 0
	if total > 0 {
		percent = int(math.Round(100 * points / float64(total)))
	}
	score := strconv.FormatFloat(math.Round(points*10)/10, 'f', -1, 64)
	head := []richtext.Line{richtext.Text(theme.Heading, m.say.T(text.QuizScore, score, total, percent)), richtext.Text(theme.Dim, m.say.T(text.QuizRightCount, right, total))}
	if right < total {
		head = append(head, richtext.Text(theme.Dim, m.say.T(text.QuizComeBack)))
	}
	out := []part{{lines: append(head, richtext.Line{})}}
	for i, q := range m.questions {
		mark := m.mark(q)
		role := map[string]theme.Role{"✓": theme.Good, "◐": theme.Warn, "✗": theme.Bad}[mark]
		pointer := "  "
		if i == m.at {
			pointer = "▸ "
		}
		ask, _, _ := strings.Cut(m.in(q.Ask), "\n")
		line := richtext.Line{Hang: 4, Spans: []richtext.Span{{Role: theme.Key, Text: pointer}, {Role: role, Text: mark + " "}}}
		out = append(out, part{lines: []richtext.Line{{Hang: line.Hang, Spans: append(line.Spans, markdown.Spans(theme.Plain, ask)...)}}, hit: hit{aResult, i}, cursor: i == m.at})
	}
	return out
}
