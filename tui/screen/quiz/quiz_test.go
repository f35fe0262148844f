package quiz

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// screen drives the screen with commands that are carried out at once.
type screen struct {
	t *testing.T
	m *Quiz
}

func begin(t *testing.T, q play.Quiz) *screen {
	t.Helper()
	ask := func(generation uint64, work func(ctx context.Context) (any, error)) tea.Cmd {
		return route.From(t.Context(), Address)(generation, work)
	}
	s := &screen{t, New(Options{Ask: ask, Now: func() time.Time { return scene.Start() }})}
	s.m.Dress(theme.NoColor(), text.Printer{})
	s.m.Resize(80, 24)
	s.run(s.m.Begin(q))
	return s
}

func (s *screen) run(cmd tea.Cmd) {
	for cmd != nil {
		r, ok := cmd().(route.Result)
		if !ok {
			return
		}
		cmd = s.m.Result(r)
	}
}

func (s *screen) press(keys ...string) {
	special := map[string]rune{"enter": tea.KeyEnter, "down": tea.KeyDown, "up": tea.KeyUp, "left": tea.KeyLeft, "right": tea.KeyRight, "space": tea.KeySpace, "esc": tea.KeyEscape}
	for _, k := range keys {
		key := tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
		if code, ok := special[k]; ok {
			key = tea.KeyPressMsg{Code: code}
		}
		s.run(s.m.Key(key))
	}
}

func (s *screen) sees(words ...string) {
	s.t.Helper()
	now := ansi.Strip(strings.Join(s.m.View(), "\n"))
	for _, w := range words {
		if !strings.Contains(now, w) {
			s.t.Fatalf("%q is not on the screen:\n%s", w, now)
		}
	}
}

// other is a second lesson, so that there is something to choose from.
func other(t *testing.T) *schema.Lesson {
	t.Helper()
	files, err := schema.Skeleton("other")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range files {
		fsys["other/"+f.Name] = &fstest.MapFile{Data: f.Content}
	}
	l, problems := schema.Load(fsys, "other")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestChooseATopic(t *testing.T) {
	items := quiz.Items([]*schema.Lesson{scene.Lesson(), other(t)})
	s := begin(t, play.Quiz{Mode: route.Practice, Items: items})
	s.sees("What shall it be about?", "1 everything", "scheduling", "control-plane")
	s.press("down", "enter")
	s.sees("question 1/3") // control-plane: several, order, match
	s = begin(t, play.Quiz{Mode: route.Practice, Items: items})
	s.press("1")
	if got := len(s.m.questions); got != len(items) {
		t.Errorf("everything is %d of %d questions", got, len(items))
	}
	if s = begin(t, play.Quiz{Mode: route.Practice, Items: quiz.Items([]*schema.Lesson{scene.Lesson()})}); s.m.topics.open() {
		t.Error("the quiz of one lesson asks for a topic")
	}
}

func TestKinds(t *testing.T) {
	byID := map[string]quiz.Item{}
	for _, i := range quiz.Items([]*schema.Lesson{scene.Lesson()}) {
		byID[i.ID] = i
	}
	tests := []struct {
		name, id string
		keys     []string
		score    float64
	}{
		{"one, by digit", "who", []string{"2"}, 1},
		{"one, by cursor", "who", []string{"down", "space"}, 1},
		{"one, wrong", "who", []string{"3"}, 0},
		{"several", "talks", []string{"1", "3"}, 1},
		{"several, one taken back", "talks", []string{"1", "2", "3", "2"}, 1},
		{"several, half", "talks", []string{"1"}, 0.5},
		{"order, by place", "order", []string{"down", "down", "down", "1", "down", "down", "down", "2", "K", "J", "down", "3", "up", "up", "up"}, 0},
		{"match", "match", []string{"3", "1", "2"}, 1},
		{"match, changed", "match", []string{"1", "1", "2", "up", "up", "3"}, 1},
		{"number", "count", []string{"3"}, 1},
		{"text", "word", []string{"B", "i", "n", "d", "i", "n", "g"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t, play.Quiz{Mode: route.Practice, Items: []quiz.Item{byID[tt.id]}})
			s.press(append(tt.keys, "enter")...)
			q := s.m.questions[0]
			if tt.id == "order" { // what the rows came to is what was answered
				want, err := quiz.Judge(q.Question, quiz.Truth{Options: q.Answer}, q.order)
				if err != nil || q.verdict.Score != want.Score {
					t.Errorf("score %g for %v, and it is %g (%v)", q.verdict.Score, q.order, want.Score, err)
				}
				return
			}
			if !q.done || q.verdict.Score != tt.score {
				t.Errorf("done %t, score %g for %v, want %g", q.done, q.verdict.Score, q.given, tt.score)
			}
		})
	}
}

// An order is brought about by carrying rows, by key, by place and by click.
func TestOrderIsCarried(t *testing.T) {
	var item quiz.Item
	for _, i := range quiz.Items([]*schema.Lesson{scene.Lesson()}) {
		if i.Kind == schema.Order {
			item = i
		}
	}
	q := newQuestion(item) // storage, authorization, admission, authentication
	q.carry(3)
	q.cursor = 2
	q.choose(0)
	if got := strings.Join(q.order, " "); got != "authentication authorization admission storage" {
		t.Errorf("the order is %s", got)
	}
	q.clickRow(3)
	q.clickRow(1)
	if got := strings.Join(q.order, " "); got != "authentication storage authorization admission" {
		t.Errorf("after two clicks the order is %s", got)
	}
}

func TestLiveWithoutALabIsSaid(t *testing.T) {
	var live []quiz.Item
	for _, i := range quiz.Items([]*schema.Lesson{scene.Lesson()}) {
		if i.Live {
			live = append(live, i)
		}
	}
	s := begin(t, play.Quiz{Mode: route.Practice, Items: live})
	s.press("1", "enter")
	s.sees("cannot be judged now", "running lab")
	s.press("enter")
	s.sees("0 of 0 wholly right")
}

func TestNothingToReview(t *testing.T) {
	s := begin(t, play.Quiz{Mode: route.Review})
	s.sees("Nothing to review now")
	cmd := s.m.Key(tea.KeyPressMsg{Code: tea.KeyEnter})
	if _, ok := cmd().(play.Answered); !ok {
		t.Error("enter does not leave")
	}
}

// Who ends a quiz early sees the results, and may still answer what is left.
func TestFinishEarlyAndGoOn(t *testing.T) {
	s := begin(t, play.Quiz{Mode: route.Practice, Items: quiz.Items([]*schema.Lesson{scene.Lesson()})})
	s.press("2", "enter", "F")
	s.sees("1 of 1 wholly right", "Results")
	s.press("esc")
	s.sees("question 2/7")
}
