package home

import (
	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// widest is how wide the welcome gets, in cells: longer lines are harder to read.
const widest = 84

func (m *Home) welcomeBox() layout.Rect {
	b := m.body()
	w := min(b.W, widest)
	return layout.Rect{X: (b.W - w) / 2, Y: b.Y, W: w, H: min(b.H, m.about.Len()+2)}
}

func (m *Home) welcomeSize() (w, h int) {
	b := m.body()
	return frame.Inner(layout.Rect{W: min(b.W, widest), H: b.H})
}

// welcomeLines says what this is and how to begin.
func (m *Home) welcomeLines() []richtext.Line {
	key := func(keys string, id text.ID, args ...any) richtext.Line {
		return richtext.Line{Indent: 2, Hang: 8, Spans: []richtext.Span{{Role: theme.Key, Text: layout.Fit(keys, 8)}, {Text: m.say.T(id, args...)}}}
	}
	lines := []richtext.Line{richtext.Text(theme.Plain, m.say.T(text.WelcomeWhat)), {}, richtext.Text(theme.Plain, m.say.T(text.WelcomeHow)), {},
		richtext.Text(theme.Heading, m.say.T(text.WelcomeKeys)),
		key("?", text.WelcomeHelp), key("tab ↑ ↓", text.WelcomeMove), key("enter", text.WelcomeInside), key("q", text.WelcomeHome), {}}
	if len(m.lessons) > 0 {
		first := m.lessons[0]
		lines = append(lines, richtext.Text(theme.Heading, m.say.T(text.WelcomeNow)),
			key("enter", text.WelcomeBegin, first.Title.In(m.lang()), first.Minutes), key("esc", text.WelcomeList), key("L", text.WelcomeLanguage))
	}
	return lines
}

// welcomeView returns the lines between the header and the status line.
func (m *Home) welcomeView() []string {
	b, box := m.body(), m.welcomeBox()
	w, h := frame.Inner(box)
	f := frame.Frame{Title: m.say.T(text.WelcomeTitle), Note: m.about.Note(), Focused: true}
	base := layout.FitLines(nil, b.W, b.H)
	return layout.Overlay(base, f.View(m.theme, box, m.about.View(w, h)), box.X, min(max((b.H-box.H)/3, 0), 6), b.W)
}
