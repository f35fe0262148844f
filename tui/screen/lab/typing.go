package lab

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/component/input"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
)

// breaks is the list of breakpoints while it is open.
type breaks struct {
	line input.Line
	at   int    // the selected one
	err  string // what was wrong with the last pattern
	hint string // a pattern for what is selected, that tab takes over
}

func (b *breaks) begin(hint string) {
	b.err, b.hint = "", hint
	b.line.Set("")
}

// Paste takes text that was pasted.
func (m *Lab) Paste(s string) tea.Cmd {
	switch m.typing {
	case aFilter:
		m.tab().filter += strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, s)
	case aKubectl:
		m.console.Line.Insert(s)
	case aPattern:
		m.breaks.line.Insert(s)
	}
	m.refresh()
	return nil
}

func (m *Lab) typed(k tea.KeyPressMsg) tea.Cmd {
	switch m.typing {
	case aFilter:
		m.typeFilter(k)
	case aKubectl:
		return m.typeKubectl(k)
	case aPattern:
		return m.typePattern(k)
	}
	return nil
}

func (m *Lab) typeFilter(k tea.KeyPressMsg) {
	f := &m.tab().filter
	switch k.String() {
	case "enter":
		m.typing = commands
	case "esc":
		m.typing, *f = commands, ""
	case "backspace":
		if r := []rune(*f); len(r) > 0 {
			*f = string(r[:len(r)-1])
		}
	case "ctrl+u":
		*f = ""
	case "up":
		m.tab().view.Move(-1)
	case "down":
		m.tab().view.Move(1)
	default:
		*f += k.Text
	}
}

// ran is what a kubectl command said.
type ran struct {
	id     uint64
	output string
}

// completed is what kubectl proposes to go on with.
type completed struct {
	before string // what it was asked about
	words  []string
}

func (m *Lab) typeKubectl(k tea.KeyPressMsg) tea.Cmd {
	line := &m.console.Line
	switch k.String() {
	case "esc":
		m.typing = commands
	case "enter":
		return m.runKubectl()
	case "tab":
		return m.askCompletion()
	case "pgup":
		m.moveIn(m.focus, -5)
	case "pgdown":
		m.moveIn(m.focus, 5)
	default:
		line.Key(k)
	}
	return nil
}

// runKubectl runs what was typed. The prompt closes, so that the keys step again: what the command writes may be held.
func (m *Lab) runKubectl() tea.Cmd {
	command := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(m.console.Line.Value())+" ", "kubectl "))
	if command == "" {
		m.typing = commands
		return nil
	}
	args, ok := split(command)
	if !ok {
		m.notice = notice{true, m.say.T(text.Unbalanced)}
		return nil
	}
	m.console.Line.Done()
	m.typing = commands
	id, do := m.console.Begin(command), m.o.Kubectl
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		output, err := do(ctx, args)
		return ran{id, output}, err
	})
}

// askCompletion asks kubectl itself, whose hidden command __complete says what could come next, one proposal a line.
func (m *Lab) askCompletion() tea.Cmd {
	before := m.console.Line.Before()
	words, ok := split(strings.TrimPrefix(before, "kubectl "))
	if !ok {
		return nil
	}
	if before == "" || strings.HasSuffix(before, " ") {
		words = append(words, "")
	}
	do := m.o.Kubectl
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		output, err := do(ctx, append([]string{"__complete"}, words...))
		c := completed{before: before}
		for line := range strings.SplitSeq(output, "\n") {
			if strings.HasPrefix(line, ":") {
				break // the directive that ends the list
			}
			if word, _, _ := strings.Cut(line, "\t"); word != "" {
				c.words = append(c.words, word)
			}
		}
		return c, err
	})
}

// complete adds what all proposals have in common, and shows them when there are several.
func (m *Lab) complete(c completed) {
	line := &m.console.Line
	if m.typing != aKubectl || line.Before() != c.before {
		return // the reader has typed on
	}
	if len(c.words) == 0 {
		m.notice = notice{text: m.say.T(text.NoCompletion)}
		return
	}
	begun := c.before[strings.LastIndex(c.before, " ")+1:]
	common := c.words[0]
	for _, w := range c.words[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	common = strings.ToValidUTF8(common, "")
	if rest, ok := strings.CutPrefix(common, begun); ok {
		line.Insert(rest)
	}
	if len(c.words) == 1 {
		line.Insert(" ")
		return
	}
	m.notice = notice{text: strings.Join(c.words[:min(len(c.words), 40)], "  ")}
}

func (m *Lab) typePattern(k tea.KeyPressMsg) tea.Cmd {
	b := &m.breaks
	switch k.String() {
	case "esc":
		m.typing = commands
	case "up":
		b.at = max(b.at-1, 0)
	case "down":
		b.at = max(min(b.at+1, len(m.debug.Breakpoints)-1), 0)
	case "tab":
		if b.line.Value() == "" {
			b.line.Set(b.hint)
		}
	case "ctrl+d":
		if b.at < len(m.debug.Breakpoints) && m.busy == keymap.None {
			return m.tell(keymap.Break, engine.Command{Verb: engine.Unbreak, Pattern: m.debug.Breakpoints[b.at]})
		}
	case "enter":
		pattern := strings.TrimSpace(b.line.Value())
		if pattern == "" {
			m.typing = commands
			return nil
		}
		if m.busy != keymap.None {
			return nil
		}
		b.err = ""
		b.line.Done()
		return m.tell(keymap.Break, engine.Command{Verb: engine.Break, Pattern: pattern})
	default:
		b.line.Key(k)
	}
	return nil
}

// split divides a command line into words as a shell does, as far as quotes and backslashes go; ok is false when a quote
// is not closed.
func split(s string) (words []string, ok bool) {
	var word strings.Builder
	var quote rune
	begun, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			begun, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			begun, quote = true, r
		case r == ' ':
			if begun {
				words = append(words, word.String())
				word.Reset()
			}
			begun = false
		default:
			begun = true
			word.WriteRune(r)
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words, quote == 0 && !escaped
}
