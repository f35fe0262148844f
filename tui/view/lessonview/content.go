package lessonview

import (
	"strconv"
	"strings"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/markdown"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// content returns the parts of the pane, from top to bottom.
func (p *Pane) content() []part {
	v := &p.shown.View
	if v.Step == nil {
		return nil
	}
	if v.Replaying {
		return []part{{lines: []richtext.Line{richtext.Text(theme.Dim, p.in(v.Step.Title))}}}
	}
	out := []part{{lines: []richtext.Line{richtext.Text(theme.Heading, p.in(v.Step.Title)), {}}}}
	if body := p.in(v.Step.Body); body != "" {
		out = append(out, part{lines: append(markdown.Lines(body), richtext.Line{})})
	}
	out = append(out, p.question()...)
	out = append(out, p.commands()...)
	if v.Phase != course.Preparing {
		out = append(out, p.checks())
	}
	out = append(out, p.hints(), p.solution())
	if v.Phase == course.Passed {
		out = append(out, p.why())
	}
	return out
}

// question returns the prediction: what is asked, the answers, and which were said and true.
func (p *Pane) question() []part {
	v := &p.shown.View
	q := v.Step.Predict
	if q == nil {
		return nil
	}
	out := []part{{lines: inRole(theme.Strong, markdown.Lines(p.in(q.Question)))}}
	for i, o := range q.Options {
		mark, role := " ", theme.Plain
		switch {
		case v.Truth != "" && o.ID == v.Truth:
			mark, role = "✓", theme.Good
		case v.Truth != "" && o.ID == v.Chosen:
			mark, role = "✗", theme.Bad
		case o.ID == v.Chosen:
			mark, role = "▸", theme.Strong
		case v.Phase != course.Asking:
			role = theme.Dim
		}
		line := richtext.Line{Hang: 4, Spans: []richtext.Span{{Role: role, Text: mark + " "}, {Role: theme.Key, Text: strconv.Itoa(i + 1)}, {Text: " "}}}
		line.Spans = append(line.Spans, markdown.Spans(role, p.in(o.Text))...)
		option := part{lines: []richtext.Line{line}}
		if v.Phase == course.Asking && i < keymap.MostChoices {
			option.act = keymap.Choice + keymap.Action(i)
		}
		out = append(out, option)
	}
	return append(out, part{lines: []richtext.Line{{}}})
}

// commands returns what is to be typed, each with a mark when it has been.
func (p *Pane) commands() []part {
	v := &p.shown.View
	var out []part
	for i, c := range v.Do {
		mark, role := "$ ", theme.Key
		if p.shown.Typed[c.Line] {
			mark, role = "✓ ", theme.Good
		}
		one := part{lines: []richtext.Line{{Hang: 2, Spans: []richtext.Span{{Role: role, Text: mark}, {Role: theme.Strong, Text: c.Line}}}}}
		if v.Phase == course.Doing && i == p.Next() {
			one.act = keymap.RunShown
		}
		out = append(out, one)
	}
	if len(p.shown.Output) > 0 {
		out = append(out, part{name: "output", lines: p.shown.Output})
	}
	if len(out) > 0 {
		out = append(out, part{lines: []richtext.Line{{}}})
	}
	return out
}

// checks returns the list of what is to be reached. What is wrong is said while something can be done about it.
func (p *Pane) checks() part {
	v := &p.shown.View
	var lines []richtext.Line
	for _, c := range v.Checks {
		mark, role, words := "○ ", theme.Warn, theme.Plain
		if c.Passed {
			mark, role, words = "✓ ", theme.Good, theme.Plain
		}
		line := richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: role, Text: mark}}}
		line.Spans = append(line.Spans, markdown.Spans(words, p.in(c.Label))...)
		lines = append(lines, line)
		if say := p.in(c.Say); !c.Passed && say != "" && v.Phase == course.Doing {
			role := theme.Dim
			if c.Wrong != "todo" {
				role = theme.Warn // not only missing: something else is there
			}
			lines = append(lines, richtext.Line{Indent: 2, Spans: markdown.Spans(role, say)})
		}
	}
	return part{lines: lines}
}

func (p *Pane) hints() part {
	var lines []richtext.Line
	for i, h := range p.shown.View.Hints {
		lines = append(lines, richtext.Line{}, richtext.Text(theme.Heading, p.say.T(text.LessonHint, i+1)))
		lines = append(lines, markdown.Lines(p.in(h))...)
	}
	return part{name: "hints", lines: lines}
}

// solution returns the commands of the solution when they have been asked for, and what went wrong with them.
func (p *Pane) solution() part {
	v := &p.shown.View
	out := part{name: "solution"}
	if !p.shown.Solution || v.Phase == course.Passed {
		return out
	}
	out.lines = append(out.lines, richtext.Line{}, richtext.Text(theme.Heading, p.say.T(text.LessonSolution)))
	for _, c := range v.Solution {
		out.lines = append(out.lines, richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: theme.Key, Text: "$ "}, {Role: theme.Strong, Text: c.Line}}})
	}
	if len(v.Solution) == 0 {
		out.lines = append(out.lines, richtext.Text(theme.Dim, p.say.T(text.LessonSolutionSame)))
	}
	switch {
	case v.Failed:
		out.lines = append(out.lines, richtext.Text(theme.Bad, p.say.T(text.LessonFailed)))
		for line := range strings.SplitSeq(strings.TrimSpace(v.Output), "\n") {
			out.lines = append(out.lines, richtext.Line{Indent: 2, Spans: []richtext.Span{{Role: theme.Dim, Text: line}}})
		}
	case !v.Running && (len(v.Solution) > 0 || v.Phase == course.Asking):
		out.lines = append(out.lines, richtext.Text(theme.Dim, p.say.T(text.LessonSureSolution, p.key(keymap.Solution))))
	}
	return out
}

// why returns whether the prediction was right, and the debrief.
func (p *Pane) why() part {
	v := &p.shown.View
	out := part{name: whyPart, lines: []richtext.Line{{}}}
	out.lines = append(out.lines, p.verdict()...)
	if why := p.in(v.Step.Why); why != "" {
		out.lines = append(out.lines, richtext.Text(theme.Heading, p.say.T(text.LessonWhy)))
		out.lines = append(out.lines, markdown.Lines(why)...)
	}
	return out
}

func (p *Pane) verdict() []richtext.Line {
	v := &p.shown.View
	if v.Step.Predict == nil || v.Truth == "" {
		return nil
	}
	option := func(id string) (said, feedback string) {
		for _, o := range v.Step.Predict.Options {
			if o.ID == id {
				return p.in(o.Text), p.in(o.Feedback)
			}
		}
		return id, ""
	}
	was, _ := option(v.Truth)
	said, feedback := option(v.Chosen)
	var lines []richtext.Line
	sentence := func(role theme.Role, mark, s string) {
		line := richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: role, Text: mark}}}
		line.Spans = append(line.Spans, markdown.Spans(role, s)...)
		lines = append(lines, line)
	}
	switch v.Chosen {
	case "":
		sentence(theme.Strong, "▸ ", p.say.T(text.LessonWas, was))
	case v.Truth:
		sentence(theme.Good, "✓ ", p.say.T(text.LessonRight, said))
	default:
		sentence(theme.Bad, "✗ ", p.say.T(text.LessonWrong, said, was))
		if feedback != "" {
			lines = append(lines, richtext.Line{Indent: 2, Spans: markdown.Spans(theme.Plain, feedback)})
		}
	}
	return append(lines, richtext.Line{})
}

// footer says what to press now. It stays at the pane's end.
func (p *Pane) footer() []richtext.Line {
	v := &p.shown.View
	press := func(pairs ...string) []richtext.Line {
		line := richtext.Line{}
		for i := 0; i+1 < len(pairs); i += 2 {
			if i > 0 {
				line.Spans = append(line.Spans, richtext.Span{Role: theme.Dim, Text: " · "})
			}
			line.Spans = append(line.Spans, richtext.Span{Role: theme.Key, Text: pairs[i]}, richtext.Span{Text: " " + pairs[i+1]})
		}
		return []richtext.Line{line}
	}
	say := func(role theme.Role, id text.ID) []richtext.Line {
		return []richtext.Line{richtext.Text(role, p.say.T(id))}
	}
	act := func(a keymap.Action) string {
		if p.shown.Focused {
			return p.key(keymap.Open)
		}
		return p.key(a)
	}
	last := v.Index+1 >= v.Total
	switch {
	case v.Step == nil && v.Phase == course.Ended:
		return say(theme.Good, text.FootOver)
	case v.Replaying:
		return say(theme.Warn, text.FootReplaying)
	case v.Step == nil || v.Phase == course.Preparing:
		return say(theme.Warn, text.FootPreparing)
	case v.Phase == course.Asking:
		return press("▸ "+p.key(keymap.Choice), p.say.T(text.FootAnswer))
	case v.Phase == course.Passed || p.free():
		if last {
			return press("▸ "+act(keymap.NextStep), p.say.T(text.FootEnd))
		}
		return press("▸ "+act(keymap.NextStep), p.say.T(text.FootNext))
	case v.Running:
		return say(theme.Warn, text.FootSolving)
	case p.Next() >= 0:
		return press("▸ "+act(keymap.RunShown), p.say.T(text.FootRun), p.key(keymap.Prompt), p.say.T(text.FootType))
	case v.Step.Hidden && len(v.Do) == 0:
		return press("▸ "+p.key(keymap.Prompt), p.say.T(text.FootAnyCommand))
	}
	return say(theme.Dim, text.FootWatch)
}

// inRole gives what has no role of its own another one.
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

// Plain returns what is to be copied from the pane: the commands of the solution when they are shown, else the step's.
func (p *Pane) Plain() string {
	commands := p.shown.View.Do
	if len(p.shown.View.Solution) > 0 {
		commands = p.shown.View.Solution
	}
	return lines(commands)
}

func lines(commands []schema.Command) string {
	s := ""
	for _, c := range commands {
		s += c.Line + "\n"
	}
	return s
}
