package walk

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/component/checklist"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// guideLines says what is going on, for the stage.
func (m *Walk) guideLines() []richtext.Line {
	switch m.stage {
	case Starting:
		return append(m.paragraph(text.WillHappen, text.WillHappenText), m.phases()...)
	case Ready:
		return m.readyLines()
	case Walking:
		return m.walkLines()
	case Replaying:
		_, last := m.o.Store.Len()
		lines := []richtext.Line{richtext.Text(theme.Plain, m.say.T(text.ReplayText)),
			richtext.Text(theme.Dim, m.say.T(text.ReplayCount, last))}
		if m.progress.name != "" {
			lines = append(append(lines, richtext.Line{}), m.checklist()...)
		}
		return lines
	}
	return m.failedLines()
}

func (m *Walk) paragraph(head, body text.ID) []richtext.Line {
	return []richtext.Line{richtext.Text(theme.Heading, m.say.T(head)), richtext.Text(theme.Plain, m.say.T(body)), {}}
}

// phases shows how far the start is.
func (m *Walk) phases() []richtext.Line {
	items := make([]checklist.Item, len(m.status.Phases))
	now := true
	for i, p := range m.status.Phases {
		items[i] = checklist.Item{Name: p.Name, Note: m.say.T(text.PhaseWaiting)}
		switch {
		case p.Done:
			items[i].State, items[i].Note = checklist.Done, seconds(p.Took)
		case now:
			items[i].State, items[i].Note = checklist.Now, m.say.T(text.PhaseWorking)
			now = false
		}
	}
	return append([]richtext.Line{richtext.Text(theme.Heading, m.say.T(text.StartUp))}, checklist.Lines(items)...)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func (m *Walk) readyLines() []richtext.Line {
	lines := []richtext.Line{richtext.Text(theme.Good, "✓ "+m.say.T(text.PhaseAllReady, seconds(m.status.Took))), {}}
	lines = append(lines, m.paragraph(text.ReadyTitle, text.ReadyText)...)
	ask := text.PressToStart
	if m.o.Kubectl == nil {
		ask = text.NoKubectl
	}
	lines = append(lines, richtext.Text(theme.Plain, m.say.T(ask)),
		richtext.Line{Indent: 2, Hang: 2, Spans: []richtext.Span{{Role: theme.Key, Text: commandLine(createArgs())}}})
	return append(lines, m.kubectlLines()...)
}

func (m *Walk) walkLines() []richtext.Line {
	lines := m.checklist()
	if m.progress.at() == len(milestones) {
		lines = append(lines, richtext.Line{})
		lines = append(lines, m.paragraph(text.DoneTitle, text.DoneText)[:2]...)
		lines = append(lines, richtext.Text(theme.Dim, m.say.T(text.DoneNext)))
	} else if m.debug.Mode == engine.Paused && len(m.debug.Held) > 0 {
		lines = append(lines, richtext.Line{}, richtext.Text(theme.Warn, m.say.T(text.WhoNext)))
	}
	return append(lines, m.kubectlLines()...)
}

func (m *Walk) checklist() []richtext.Line { return checklist.Lines(m.progress.items(m.say)) }

// kubectlLines shows what the walk's command said.
func (m *Walk) kubectlLines() []richtext.Line {
	k := m.kubectl
	var lines []richtext.Line
	switch {
	case k.running:
		return []richtext.Line{richtext.Text(theme.Dim, m.say.T(text.KubectlWaits))}
	case k.err != nil:
		lines = []richtext.Line{{}, richtext.Text(theme.Bad, m.say.T(text.KubectlFailed))}
		if k.output == "" {
			k.output = k.err.Error()
		}
	case k.output != "":
		lines = []richtext.Line{{}, richtext.Text(theme.Heading, m.say.T(text.KubectlSaid))}
	default:
		return nil
	}
	for _, line := range strings.Split(k.output, "\n") {
		lines = append(lines, richtext.Line{Indent: 2, Hang: 2, Spans: []richtext.Span{{Text: line}}})
	}
	return lines
}

func (m *Walk) failedLines() []richtext.Line {
	if m.status.Error == "" {
		return []richtext.Line{richtext.Text(theme.Plain, m.say.T(text.LabStopped))}
	}
	return append([]richtext.Line{
		richtext.Text(theme.Bad, "✗ "+m.say.T(text.LabFailed)),
		richtext.Text(theme.Plain, m.status.Error), {},
		richtext.Text(theme.Dim, m.say.T(text.LabFailedAdvice)), {}}, m.phases()...)
}
