package console

import (
	"strings"

	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Clear forgets the commands and what they said; one that still runs says nothing any more.
func (c *Console) Clear() {
	c.runs = nil
	c.render()
}

// LastCommand returns the last command, empty when there is none.
func (c *Console) LastCommand() string {
	if len(c.runs) == 0 {
		return ""
	}
	return c.runs[len(c.runs)-1].command
}

// Last returns what the last command said, at most n lines of it.
func (c *Console) Last(n int) []richtext.Line {
	if len(c.runs) == 0 {
		return nil
	}
	r := &c.runs[len(c.runs)-1]
	if r.running {
		return []richtext.Line{richtext.Text(theme.Dim, c.say.T(text.ConsoleWaits))}
	}
	if r.output == "" {
		return nil
	}
	var out []richtext.Line
	for line := range strings.SplitSeq(r.output, "\n") {
		if len(out) == n {
			return append(out, richtext.Text(theme.Dim, "…"))
		}
		l := richtext.Text(theme.Dim, strings.Map(visible, strings.ReplaceAll(line, "\t", "    ")))
		l.Fixed = strings.Contains(line, "   ") // a table's row
		out = append(out, l)
	}
	return out
}
