package lab

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/component/input"
	"github.com/kubestep/kubestep/tui/keymap"
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
		m.cycle = cycle{}
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
