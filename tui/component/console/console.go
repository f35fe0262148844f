// Package console is a line for commands with what they said above it.
//
// Screens import it; it runs nothing and knows nothing of a lab.
package console

import (
	"strings"

	"github.com/kubestep/kubestep/tui/component/input"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// run is one command.
type run struct {
	id      uint64
	command string
	running bool
	output  string
	failed  bool
}

// Console is the pane's content. The zero Console is empty.
type Console struct {
	Line   input.Line
	runs   []run
	next   uint64
	pager  pager.Pager
	theme  theme.Theme
	say    text.Printer
	w, h   int
	follow bool
}

// mostRuns and mostOutput bound what is kept: commands, and bytes of what one of them said.
const (
	mostRuns   = 100
	mostOutput = 256 << 10
)

// Dress gives the console its looks and its language.
func (c *Console) Dress(t theme.Theme, p text.Printer) {
	c.theme, c.say = t, p
	c.render()
}

// Resize gives the console its size.
func (c *Console) Resize(w, h int) {
	if w != c.w || h != c.h {
		c.w, c.h = w, h
		c.render()
	}
}

// Begin notes that a command, as a reader would type it at a shell, has been started, and returns its number.
func (c *Console) Begin(command string) uint64 {
	c.next++
	c.runs = append(c.runs, run{id: c.next, command: command, running: true})
	c.runs = c.runs[max(len(c.runs)-mostRuns, 0):]
	c.follow = true
	c.render()
	return c.next
}

// End notes what a command said.
func (c *Console) End(id uint64, output string, err error) {
	for i := range c.runs {
		if r := &c.runs[i]; r.id == id {
			if len(output) > mostOutput {
				output = output[:mostOutput] + "\n…"
			}
			if r.running, r.output, r.failed = false, strings.TrimRight(output, "\n"), err != nil; r.output == "" && err != nil {
				r.output = err.Error()
			}
		}
	}
	c.render()
}

// Running returns how many commands have not ended.
func (c *Console) Running() int {
	n := 0
	for i := range c.runs {
		if c.runs[i].running {
			n++
		}
	}
	return n
}

func (c *Console) lines() []richtext.Line {
	if len(c.runs) == 0 {
		return []richtext.Line{richtext.Text(theme.Dim, c.say.T(text.ConsoleEmpty))}
	}
	var out []richtext.Line
	for i := range c.runs {
		r := &c.runs[i]
		mark, role := "$ ", theme.Key
		if r.failed {
			mark, role = "✗ ", theme.Bad
		}
		out = append(out, richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: role, Text: mark}, {Role: theme.Strong, Text: r.command}}})
		if r.running {
			out = append(out, richtext.Text(theme.Dim, c.say.T(text.ConsoleWaits)))
			continue
		}
		if r.output == "" {
			continue
		}
		for line := range strings.SplitSeq(r.output, "\n") {
			out = append(out, richtext.Text(theme.Plain, strings.Map(visible, strings.ReplaceAll(line, "\t", "    "))))
		}
	}
	return out
}

// visible leaves out what would do something to the terminal.
func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

func (c *Console) render() {
	if c.w <= 0 {
		return
	}
	c.pager.Set(c.theme, c.lines(), c.w, c.h)
	if c.follow {
		c.pager.Bottom()
	}
}

// Move scrolls.
func (c *Console) Move(n int) {
	c.pager.Move(n)
	c.follow = n > 0 && c.follow
}

// Note says which lines are in sight.
func (c *Console) Note() string { return c.pager.Note() }

// Plain returns what was said, for copying.
func (c *Console) Plain() string {
	var b strings.Builder
	for _, l := range c.lines() {
		b.WriteString(l.Plain() + "\n")
	}
	return b.String()
}

// View returns h lines of w cells.
func (c *Console) View(w, h int) []string {
	if c.w != w || c.h != h {
		return layout.Fill(nil, w, h)
	}
	return c.pager.View(w, h)
}
