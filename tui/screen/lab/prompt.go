package lab

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/text"
)

// ran is what a kubectl command said.
type ran struct {
	id     uint64
	output string
}

// typeKubectl takes a key while a command is typed.
func (m *Lab) typeKubectl(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "tab", "shift+tab":
		return m.complete(k.String() == "tab")
	case "esc":
		if !m.cycle.takeBack(&m.console.Line) {
			m.typing = commands
		}
		m.cycle = cycle{}
		return nil
	}
	m.cycle = cycle{}
	switch k.String() {
	case "enter":
		return m.runKubectl()
	case "pgup":
		m.moveIn(m.focus, -5)
	case "pgdown":
		m.moveIn(m.focus, 5)
	default:
		m.console.Line.Key(k)
	}
	return nil
}

// bare takes away what a reader types out of habit.
func bare(command string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(command)+" ", "kubectl "))
}

// runKubectl runs what was typed. The prompt closes, so that the keys step again: what the command writes may be held.
func (m *Lab) runKubectl() tea.Cmd {
	command := bare(m.console.Line.Value())
	if command == "" {
		m.typing = commands
		return nil
	}
	args, ok := split(command)
	switch {
	case !ok:
		m.notice = notice{true, m.say.T(text.Unbalanced)}
		return nil
	case shellWord(args) != "":
		m.notice = notice{true, m.say.T(text.PromptNoShell, shellWord(args))}
		return nil
	case endless(args) != "":
		m.notice = notice{true, m.say.T(text.PromptEndless, endless(args))}
		return nil
	}
	m.console.Line.Done()
	m.typing = commands
	m.typedShown("kubectl " + command)
	m.typedShown(command)
	if words, ok := faultWords(args); ok && m.o.Faults != nil {
		return tea.Batch(m.breakLab(words), m.remember(command))
	}
	return tea.Batch(m.kubectl(command, args), m.remember(command))
}

// kubectl runs kubectl and shows what it says under command.
func (m *Lab) kubectl(command string, args []string) tea.Cmd {
	id, do := m.console.Begin("kubectl "+command), m.o.Kubectl
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		output, err := do(ctx, args)
		return ran{id, output}, err
	})
}

// remember keeps a command for later runs.
func (m *Lab) remember(command string) tea.Cmd {
	keep := m.o.Host.Remember
	if keep == nil {
		return nil
	}
	return m.o.Ask(0, func(context.Context) (any, error) { return nil, keep(command) })
}

// shellWord returns the first word that means something to a shell and nothing to kubectl; "" for none. What comes after
// -- is another program's.
func shellWord(args []string) string {
	for _, a := range args {
		switch a {
		case "|", "||", "&&", "&", ";", ">", ">>", "<":
			return a
		case "--":
			return ""
		}
		if strings.HasSuffix(a, ";") {
			return ";"
		}
	}
	return ""
}

// endless returns the word that makes a command one that waits for the reader or never ends by itself, for which the
// reader's own shell is the place; "" for none.
func endless(args []string) string {
	if len(args) == 0 {
		return ""
	}
	verb := args[0]
	if slices.Contains([]string{"edit", "port-forward", "proxy", "attach"}, verb) {
		return verb
	}
	for _, a := range args[1:] {
		switch {
		case a == "--":
			return ""
		case a == "-w" || a == "--watch" || a == "--watch-only":
			return a
		case verb == "logs" && (a == "-f" || a == "--follow"):
			return a
		case slices.Contains([]string{"exec", "run", "debug"}, verb) && slices.Contains([]string{"-i", "-t", "-it", "-ti", "--stdin", "--tty"}, a):
			return a
		}
	}
	return ""
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
