package lab

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/input"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// completed is how the command line could go on.
type completed struct {
	before string // what was asked about
	host.Completion
}

// cycle is a word that the tab key goes through the proposals for. The zero cycle is none.
type cycle struct {
	proposals []host.Proposal
	at        int    // the one on the line, -1 while it is what all have in common
	begun     string // what had been typed of the word
	on        string // what is on the line now in its place
	before    string // the line up to the cursor with it
}

// under reports whether the line is as the cycle left it.
func (c *cycle) under(line *input.Line) bool {
	return len(c.proposals) > 0 && line.Before() == c.before
}

// put replaces what is on the line for the word.
func (c *cycle) put(line *input.Line, word string) {
	line.Swap(len([]rune(c.on)), word)
	c.on, c.before = word, line.Before()
}

// takeBack puts what had been typed on the line again and reports whether there was something to take back.
func (c *cycle) takeBack(line *input.Line) bool {
	if !c.under(line) || c.on == c.begun {
		return false
	}
	c.put(line, c.begun)
	return true
}

// complete asks what could come next, or goes to the next of the proposals, the one before when forward is false.
func (m *Lab) complete(forward bool) tea.Cmd {
	line := &m.console.Line
	if c := &m.cycle; c.under(line) {
		n, by := len(c.proposals), 1
		if !forward {
			by = n - 1
			if c.at < 0 {
				by = n
			}
		}
		c.at = (c.at + by) % n
		c.put(line, quoted(c.proposals[c.at].Word))
		return nil
	}
	before := line.Before()
	words, ok := split(strings.TrimPrefix(before, "kubectl "))
	if !ok {
		return nil
	}
	if before == "" || strings.HasSuffix(before, " ") {
		words = append(words, "")
	}
	ask, faults := m.o.Host.Complete, m.o.Faults
	if of, isFault := faultWords(words); isFault && len(of) > 0 && faults != nil {
		ask = func(ctx context.Context, _ []string) (host.Completion, error) { return completeFault(ctx, faults, of) }
	}
	if ask == nil {
		return nil
	}
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		c, err := ask(ctx, words)
		return completed{before, c}, err
	})
}

// begun returns the part of a command line that a proposal takes the place of: the last word, or what follows the = of a
// flag.
func begun(before string) string {
	word := before[strings.LastIndex(before, " ")+1:]
	if flag, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(flag, "-") {
		return value
	}
	return word
}

// proposed puts on the line what all proposals have in common, and offers them when there are several.
func (m *Lab) proposed(c completed) {
	line := &m.console.Line
	if m.typing != aKubectl || line.Before() != c.before {
		return // the reader has typed on
	}
	word := begun(c.before)
	now := cycle{at: -1, begun: word, on: word, before: c.before}
	switch len(c.Proposals) {
	case 0:
		m.notice = notice{text: m.say.T(text.NoCompletion)}
	case 1:
		now.put(line, quoted(c.Proposals[0].Word))
		if !c.Open {
			line.Insert(" ")
		}
	default:
		if all := common(c.Proposals); len(all) > len(word) && strings.HasPrefix(all, word) {
			now.put(line, all)
		}
		now.proposals = c.Proposals
		m.cycle = now
	}
}

// common returns what all words begin with.
func common(proposals []host.Proposal) string {
	all := proposals[0].Word
	for _, p := range proposals[1:] {
		for !strings.HasPrefix(p.Word, all) {
			all = all[:len(all)-1]
		}
	}
	return strings.ToValidUTF8(all, "")
}

// quoted returns a word as [split] reads it.
func quoted(word string) string {
	if strings.ContainsAny(word, " '\"\\") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

// proposalLine shows the proposals in w cells with the one on the line in sight, and what that is.
func (m *Lab) proposalLine(w int) string {
	c := &m.cycle
	about := ""
	if c.at >= 0 {
		about = c.proposals[c.at].About
	} else {
		about = m.say.T(text.Proposals, len(c.proposals))
	}
	room := w
	if about != "" {
		about = "  " + layout.Middle(about, max(w/2-2, 0))
		room -= ansi.StringWidth(about)
	}
	from := 0
	for { // the first from which the one on the line is in sight
		n := 0
		for i := from; i <= max(c.at, from); i++ {
			n += ansi.StringWidth(c.proposals[i].Word) + 2
		}
		if n <= room || from >= max(c.at, 0) {
			break
		}
		from++
	}
	line, left := "", room
	for i := from; i < len(c.proposals) && left > 1; i++ {
		word := layout.Middle(c.proposals[i].Word, left)
		role := theme.Plain
		if i == c.at {
			role = theme.Selected
		}
		line += m.theme.Paint(role, word) + "  "
		left -= ansi.StringWidth(word) + 2
	}
	return layout.Fit(layout.Fit(line, room)+m.theme.Paint(theme.Dim, about), w)
}
