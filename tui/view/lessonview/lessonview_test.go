package lessonview

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// show returns a pane of w by h cells that shows an attempt after some inputs.
func show(t *testing.T, w, h int, inputs ...course.Input) (*Pane, Subject) {
	t.Helper()
	a := scene.New().Begin()
	for _, in := range inputs {
		a.Do(in)
	}
	c, err := play.Now(a)
	if err != nil {
		t.Fatal(err)
	}
	p := &Pane{}
	p.Dress(theme.Theme{}, text.Printer{})
	p.Resize(w, h)
	s := Subject{Changed: c, Typed: map[string]bool{}, Focused: true, Keys: keymap.Lesson(3)}
	p.Show(s)
	return p, s
}

func TestEnterDoesWhatTheFootSays(t *testing.T) {
	next, solve := course.Next{}, course.Solve{}
	tests := []struct {
		name   string
		inputs []course.Input
		enter  keymap.Action
		foot   string
	}{
		{"a step to read", nil, keymap.NextStep, "▸ enter next step"},
		{"a command", []course.Input{next}, keymap.RunShown, "▸ enter runs it · $ type it yourself"},
		{"passed", []course.Input{next, solve}, keymap.NextStep, "▸ enter next step"},
		{"a question", []course.Input{next, solve, next}, keymap.None, "▸ 1-3 what do you say?"},
		{"the last", []course.Input{next, solve, next, course.Choose{Option: "etcd"}, next}, keymap.NextStep, "▸ enter finish"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := show(t, 60, 20, tt.inputs...)
			lines := p.View(60, 20)
			if got := strings.TrimSpace(lines[len(lines)-1]); got != tt.foot {
				t.Errorf("the foot says %q, want %q", got, tt.foot)
			}
			if got := p.Enter(); got != tt.enter {
				t.Errorf("enter is action %d, want %d", got, tt.enter)
			}
		})
	}
}

// The debrief comes in sight by itself, and stays there when something grows above it.
func TestWhyIsInSight(t *testing.T) {
	p, s := show(t, 40, 12, course.Next{}, course.Solve{})
	before := s
	before.View.Phase = course.Doing
	p.Show(before)
	p.Move(-100)
	p.Show(s)
	sees := func() {
		t.Helper()
		if now := strings.Join(p.View(40, 12), "\n"); !strings.Contains(now, "Why") {
			t.Errorf("the debrief is out of sight:\n%s", now)
		}
	}
	sees()
	s.Typed = map[string]bool{s.View.Do[0].Line: true}
	for range 8 {
		s.Output = append(s.Output, p.footer()...)
	}
	p.Show(s)
	sees()
}

func TestPaneFits(t *testing.T) {
	p, _ := show(t, 60, 20, course.Next{}, course.Hint{}, course.Hint{}, course.Solution{})
	for _, lang := range []text.Lang{text.English, text.Chinese} {
		p.Dress(theme.NoColor(), text.In(lang))
		for w := 16; w < 90; w += 7 {
			for h := 3; h < 40; h += 5 {
				p.Resize(w, h)
				p.Move(3)
				lines := p.View(w, h)
				if len(lines) != h {
					t.Fatalf("%dx%d: %d lines", w, h, len(lines))
				}
				for _, line := range lines {
					if ansi.StringWidth(line) != w {
						t.Fatalf("%dx%d: %q", w, h, line)
					}
				}
			}
		}
	}
}
