// Package lessonview is the pane of a lesson: what a step says and asks, what is to be typed, the checks as they stand,
// hints, the solution, and why. It draws what the course engine says and decides nothing.
//
// The lab screen imports it.
package lessonview

import (
	"fmt"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Subject is what the pane shows.
type Subject struct {
	play.Changed
	// Typed are the commands of the step that have been run, by their lines; the shown ones among them get a mark.
	Typed map[string]bool
	// Output is what the last of them said, for a screen that has no other place for it.
	Output []richtext.Line
	// Solution is set when the step's solution has been asked for.
	Solution bool
	// Focused is set while the pane has the focus: then the enter key acts here.
	Focused bool
	// Keys are the bindings that the pane names.
	Keys []keymap.Binding
}

// Pane is the pane's content. Its methods are called from one goroutine.
type Pane struct {
	theme theme.Theme
	say   text.Printer
	shown Subject
	step  string
	parts map[string]int // lines of the parts that come and go, by name, as they were last
	rows  []string
	acts  []keymap.Action // by row: what a click does
	foot  []string
	at    int
	w, h  int
}

// Dress gives the pane its looks and its language.
func (p *Pane) Dress(t theme.Theme, say text.Printer) {
	p.theme, p.say = t, say
	p.draw()
}

// Resize gives the pane its size.
func (p *Pane) Resize(w, h int) {
	if w != p.w || h != p.h {
		p.w, p.h = w, h
		p.draw()
	}
}

// Show fills the pane. A new step begins at its top; what is new in a step is brought in sight.
func (p *Pane) Show(s Subject) {
	p.shown = s
	p.draw()
}

// whyPart is the debrief. Once it is there, it stays in sight when something grows above it.
const whyPart = "why"

// part is some lines of the pane that belong together.
type part struct {
	name  string // of those that come and go
	lines []richtext.Line
	act   keymap.Action // of a click
}

func (p *Pane) draw() {
	if p.w <= 0 || p.h <= 0 {
		return
	}
	id := ""
	if s := p.shown.View.Step; s != nil {
		id = s.ID
	}
	p.foot = richtext.Render(p.theme, append([]richtext.Line{{}}, p.footer()...), p.w)
	p.rows, p.acts = nil, nil
	sizes, grown := map[string]int{}, [2]int{-1, -1}
	for _, part := range p.content() {
		rows := richtext.Render(p.theme, part.lines, p.w)
		sizes[part.name] = len(part.lines)
		if part.name != "" && len(part.lines) > p.parts[part.name] || part.name == whyPart && grown[0] >= 0 {
			grown = [2]int{len(p.rows), len(p.rows) + len(rows) - 1}
		}
		for range rows {
			p.acts = append(p.acts, part.act)
		}
		p.rows = append(p.rows, layout.FitLines(rows, p.w, len(rows))...)
	}
	switch {
	case id != p.step:
		p.step, p.at = id, 0
	case grown[0] >= 0: // the last row, and then the first, which counts more
		p.at = layout.Scroll(p.at, grown[1], len(p.rows), p.room())
		p.at = layout.Scroll(p.at, grown[0], len(p.rows), p.room())
	}
	p.parts = sizes
	p.Move(0)
}

// room is how many rows the text has; the rest are for the line that says what to press.
func (p *Pane) room() int { return max(p.h-len(p.foot), 1) }

// Move scrolls by n rows.
func (p *Pane) Move(n int) { p.at = max(min(p.at+n, len(p.rows)-p.room()), 0) }

// Note says which rows are in sight, "" when all are.
func (p *Pane) Note() string {
	if len(p.rows) <= p.room() {
		return ""
	}
	return fmt.Sprintf("%d-%d/%d", p.at+1, min(p.at+p.room(), len(p.rows)), len(p.rows))
}

// Click returns what a click at a cell asks for.
func (p *Pane) Click(_, y int) keymap.Action {
	if y >= p.room() {
		return p.Enter()
	}
	if i := p.at + y; i < len(p.acts) {
		return p.acts[i]
	}
	return keymap.None
}

// Enter returns what the enter key asks for in the pane: to run the next command, or to go on.
func (p *Pane) Enter() keymap.Action {
	switch {
	case p.shown.View.Phase == course.Passed || p.free():
		return keymap.NextStep
	case p.shown.View.Phase == course.Doing && !p.shown.View.Running && p.Next() >= 0:
		return keymap.RunShown
	}
	return keymap.None
}

// free reports whether the step is one to read.
func (p *Pane) free() bool {
	v := &p.shown.View
	return v.Phase == course.Doing && v.Step != nil && (len(v.Step.Checks) == 0 || v.Preview) && !v.Replaying
}

// Next returns the index of the first shown command that has not been run, -1 when all have been.
func (p *Pane) Next() int {
	for i, c := range p.shown.View.Do {
		if !p.shown.Typed[c.Line] {
			return i
		}
	}
	return -1
}

// View returns h lines of w cells, which must be those of the last Resize.
func (p *Pane) View(w, h int) []string {
	if w != p.w || h != p.h {
		return layout.FitLines(nil, w, h)
	}
	rows := p.rows[min(p.at, len(p.rows)):]
	out := layout.Fill(rows[:min(len(rows), p.room())], w, p.room())
	return layout.FitLines(append(out, p.foot...), w, h)
}

// in returns a text of the lesson.
func (p *Pane) in(t schema.Text) string { return p.shown.In(t, p.say.Lang().Tag()) }

func (p *Pane) key(a keymap.Action) string { return keymap.Shown(p.shown.Keys, a) }
