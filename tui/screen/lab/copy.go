package lab

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
)

// copy puts on the clipboard, as OSC 52 does, what the pane in focus is about.
func (m *Lab) copy() tea.Cmd {
	s := m.copied()
	if s == "" {
		m.notice = notice{text: m.say.T(text.NothingToCopy)}
		return nil
	}
	m.notice = notice{text: m.say.T(text.Copied, strings.Count(s, "\n"))}
	return tea.SetClipboard(s)
}

// copied is the commands of the lesson's step, what waits, what kubectl said, or else the whole page about what is
// selected. Each line ends with a newline.
func (m *Lab) copied() string {
	var b strings.Builder
	switch {
	case m.focus == layout.LabLesson:
		for _, c := range m.lesson.now.View.Do {
			b.WriteString(c.Line + "\n")
		}
	case m.focus == layout.LabHeld:
		for i := range m.debug.Held {
			b.WriteString(describe.Event(&m.debug.Held[i].Event).String() + "\n")
		}
	case m.focus == layout.LabSide && m.output:
		return m.console.Plain()
	default:
		return m.inspect.Plain()
	}
	return b.String()
}
