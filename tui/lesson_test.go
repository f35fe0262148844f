package tui_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
)

// school is a course of one lesson, that of scene, and a book in memory.
type school struct {
	mu      sync.Mutex
	records map[string]quiz.Record
	attempt *scene.Attempt
}

func (s *school) Records(context.Context) (map[string]quiz.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records), nil
}

func (s *school) Keep(_ context.Context, records map[string]quiz.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records == nil {
		s.records = map[string]quiz.Record{}
	}
	maps.Copy(s.records, records)
	return nil
}

// lesson runs test on an interface whose first screen is the lesson.
func lesson(t *testing.T, w, h int, lang string, test func(d *driver, s *school)) {
	t.Helper()
	s := &school{}
	edit := func(o *tui.Options) {
		lab := o.Lab.(*scene.Lab)
		o.Lang = lang
		o.Course = &tui.Course{
			Lessons: []*schema.Lesson{scene.Lesson()}, Book: s, Open: route.Lesson{ID: "first"},
			Read: func(ctx context.Context) (play.Done, error) {
				records, err := s.Records(ctx)
				return play.Done{Records: records}, err
			},
			Begin: func(context.Context, route.Lesson) (play.Attempt, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.attempt = lab.Begin()
				return s.attempt, nil
			},
		}
	}
	drive(t, w, h, edit, func(d *driver) {
		d.start()
		test(d, s)
	})
}

// answerAll answers every question of the lesson's quiz: three wholly right, one in part.
func answerAll(d *driver) {
	d.press("2", "enter", "enter")           // one: right
	d.press("1", "2", "enter", "enter")      // several: one right, one wrong
	d.press("4", "enter", "enter")           // order: moved one row
	d.press("1", "2", "3", "enter", "enter") // match
	d.write("Binding")                       // text: right
	d.press("enter", "enter")                //
	d.write("1")                             // number: wrong
	d.press("enter", "enter", "2", "enter")  // live: right
	d.press("enter")
}

func TestGoldenLessons(t *testing.T) {
	scenes := []struct {
		name string
		play func(d *driver, s *school)
	}{
		{"lesson-reading", func(*driver, *school) {}},
		{"lesson-command", func(d *driver, _ *school) { d.press("enter", "h", "h") }},
		{"lesson-passed", func(d *driver, _ *school) { d.press("enter", "enter") }},
		{"lesson-asking", func(d *driver, _ *school) { d.press("enter", "enter", "enter") }},
		{"lesson-wrong", func(d *driver, _ *school) { d.press("enter", "enter", "enter", "1") }},
		{"lesson-stage", func(d *driver, _ *school) { d.press("enter", "enter", "enter", "l") }},
		{"lesson-solution", func(d *driver, _ *school) { d.press("enter", "x") }},
		{"lesson-help", func(d *driver, _ *school) { d.press("enter", "?") }},
		{"summary", func(d *driver, _ *school) { finish(d) }},
		{"quiz-one", func(d *driver, _ *school) { finish(d); d.press("enter") }},
		{"quiz-one-wrong", func(d *driver, _ *school) { finish(d); d.press("enter", "1", "enter") }},
		{"quiz-several", func(d *driver, _ *school) { finish(d); d.press("enter", "right", "1", "2", "enter") }},
		{"quiz-order", func(d *driver, _ *school) { finish(d); d.press("enter", "right", "right", "4") }},
		{"quiz-match", func(d *driver, _ *school) { finish(d); d.press("enter", "right", "right", "right", "1") }},
		{"quiz-text", func(d *driver, _ *school) {
			finish(d)
			d.press("enter", "right", "right", "right", "right")
			d.write("status")
			d.press("enter")
		}},
		{"quiz-live", func(d *driver, _ *school) {
			finish(d)
			d.press("enter")
			for range 6 {
				d.press("right", "esc")
			}
			d.press("1", "enter", "s")
		}},
		{"quiz-results", func(d *driver, _ *school) { finish(d); d.press("enter"); answerAll(d); d.press("down") }},
	}
	for _, sc := range scenes {
		for _, size := range sizes {
			for _, lang := range languages {
				name := fmt.Sprintf("%s-%dx%d-%s", sc.name, size[0], size[1], lang)
				t.Run(name, func(t *testing.T) {
					lesson(t, size[0], size[1], lang, func(d *driver, s *school) {
						sc.play(d, s)
						d.fits(size[0], size[1])
						d.golden(name)
					})
				})
			}
		}
	}
}

// finish plays the lesson to its summary: with a wrong prediction, a hint and a solution.
func finish(d *driver) {
	d.press("enter", "h", "enter", "enter", "1", "enter", "enter")
}

func TestLessonIsPlayedByKeys(t *testing.T) {
	lesson(t, 80, 24, "en", func(d *driver, s *school) {
		d.sees("A Deployment, stop by stop", "step 1/4", "three nodes", "[Lesson]")
		d.keys([]string{"enter next step", "l Map"}, []string{"n step", "N next"})
		d.press("enter")
		d.sees("step 2/4", "$ kubectl create deployment web", "○ The Pod is stored", "There is no Pod yet")
		d.keys([]string{"enter run", "h hint", "x solution", "$ kubectl", "r reset"}, nil)
		d.press("enter")
		d.sees("✓ kubectl create deployment web", "✓ The Pod is stored", "✓ The scheduler wants to bind it", "makes the Pod web-6f8d9c7b5-x2x4k",
			"kube-scheduler create pods", "held so that you can look: enter goes on")
		before := d.waiting()
		d.press("n", "c", "m")
		if now := d.waiting(); now != before {
			t.Errorf("a verb took from the lesson what it holds: %s, then %s", before, now)
		}
		d.press("enter")
		d.sees("step 3/4", "1 To the kubelet", "held until you answer: 1-3")
		d.keys([]string{"1-3 answer", "l Scheduler"}, []string{"c continue"})
		d.press("n")
		d.sees("held until you answer: 1-3")
		d.press("l")
		d.sees("[Scheduler]", "total")
		d.misses("1 To the kubelet")
		d.press("1") // from anywhere
		d.sees("✓ The container waits to be started")
		d.press("l")
		d.sees("✗ You said: To the kubelet of the node that it chose. It was: To the API", "wrong one", "the node, node-2, into the Pod")
		d.press("l", "N")
		d.sees("step 4/4", "It runs")
	})
}

// TestLessonIsInSightAgain comes back from home to the lesson, and from a prompt's output to the view that the key bar names.
func TestLessonIsInSightAgain(t *testing.T) {
	lesson(t, 80, 24, "en", func(d *driver, _ *school) {
		d.press("l")
		d.misses("[Lesson]")
		d.press("q")
		d.press("enter")
		d.sees("[Lesson]")
		d.press("$")
		d.write("get pods")
		d.press("enter", "l")
		d.sees("[Lesson]")
		d.press("l")
		d.misses("kubectl ═")
	})
}

// The step's view comes to the front, and what it stopped at is what the inspector shows.
func TestLessonSelectsWhatItStoppedAt(t *testing.T) {
	lesson(t, 120, 40, "en", func(d *driver, _ *school) {
		d.press("enter", "enter")
		d.sees("[Map]", "▸1 kube-scheduler  create", "waits at the gate, has not happened", "■ wants: create  pods")
		d.press("enter")
		d.sees("[Scheduler]")
		d.press("2")
		d.sees("▸1 kubelet@node-2  StartContainer", "✓ You said: To the API server.")
		d.press("enter")
		d.sees("[Objects]")
	})
}

func TestLessonHintsSolutionResetSkip(t *testing.T) {
	lesson(t, 80, 24, "en", func(d *driver, s *school) {
		d.press("enter", "h")
		d.sees("Hint 1", "NAME")
		d.press("h")
		d.sees("Hint 2", "The name is web")
		d.press("h")
		d.sees("There is no further hint")
		d.press("x")
		d.sees("Solution", "x once more: the solution plays itself")
		d.press("r")
		d.sees("r again: do it")
		d.press("down", "r")
		d.sees("r again: do it") // another key in between takes it back
		if got := s.attempt.View().Phase; got != "doing" {
			t.Errorf("the step is %s", got)
		}
		d.press("x")
		d.sees("✓ The Pod is stored", "enter next step") // it has played itself
		d.misses("Solution")
		d.press("enter", "X")
		d.sees("step 4/4")
		if v := s.attempt.View(); !v.State.Skipped["bind"] || !v.State.Helped["create"] {
			t.Errorf("kept: %+v", v.State)
		}
	})
}

func TestLessonCommandsByHandAndMouse(t *testing.T) {
	lesson(t, 120, 40, "en", func(d *driver, _ *school) {
		d.press("enter", "$")
		d.write("create deployment web --image=kubestep.dev/web:v1")
		d.press("enter")
		d.sees("✓ The Pod is stored", "✓ kubectl create deployment web") // marked like one that the lesson has run
		click := func(words string) {
			for y, line := range strings.Split(d.screen(), "\n") {
				if at := strings.Index(line, words); at >= 0 {
					d.send(tea.MouseClickMsg{X: len([]rune(line[:at])), Y: y, Button: tea.MouseLeft})
					d.idle()
					return
				}
			}
			t.Fatalf("%q is not there to be clicked on:\n%s", words, d.screen())
		}
		click("▸ N next step")
		d.sees("step 3/4")
		click("To the API server")
		d.sees("✓ You said: To the API server.")
	})
}

// What the learner stopped at is the learner's to let go; the screen says how.
func TestLessonAndTheLearnersOwnStops(t *testing.T) {
	lesson(t, 80, 24, "en", func(d *driver, _ *school) {
		d.press("enter", "p", "enter")
		d.sees("not answered yet", "■ kubectl create", "n lets it go on, c everything")
		d.keys([]string{"n step", "c continue"}, nil)
		d.press("n")
		d.sees("deployment.apps/web created", "○ The Pod is stored")
		d.press("c")
		d.sees("✓ The Pod is stored", "held so that you can look")
	})
}

func TestLessonsErrorsAreSaid(t *testing.T) {
	lesson(t, 120, 40, "en", func(d *driver, s *school) {
		d.press("enter")
		s.attempt.Fail(errors.New("300 events came too fast"))
		d.idle()
		d.sees("The lesson: 300 events came too fast")
		d.press("enter")
		d.sees("✓ The Pod is stored") // it goes on
	})
}

// A lesson that waits for the learner must not wake anybody.
func TestLessonIsIdle(t *testing.T) {
	lesson(t, 120, 40, "en", func(d *driver, _ *school) {
		d.press("enter")
		d.idle()
		d.seen = 0
		time.Sleep(time.Hour) // of the bubble's clock
		d.idle()
		if d.seen > 0 {
			t.Errorf("%d messages in an hour in which nothing happened", d.seen)
		}
	})
}

func TestSummaryLeadsToTheQuizAndBack(t *testing.T) {
	lesson(t, 80, 24, "en", func(d *driver, s *school) {
		finish(d)
		d.sees("Lesson done", "4 of 4 on your own", "1 looked at", "0 of 1 right", "✗ A name is filled in", "7 questions wait: t", "Name who acts, in order")
		d.press("enter")
		d.sees("question 1/7", "Which component chooses")
		answerAll(d)
		d.sees("Results", "of 7 points", "3 of 7 wholly right", "comes back in the review")
		d.press("enter")
		d.sees("Lesson done", "of 7")
		d.misses("questions wait")
		if n := len(s.records); n != 7 {
			t.Errorf("%d records are kept", n)
		}
		if r := s.records["first/who"]; len(r.Tries) != 1 || r.Tries[0].Score != 1 {
			t.Errorf("kept of the first question: %+v", r)
		}
		if r := s.records["first/count"]; r.Due.IsZero() {
			t.Error("a missed question does not come back")
		}
		d.press("l")
		d.sees("The lesson is over")
		d.press("q")
		d.sees("Lessons")
		d.misses("The lesson is over")
	})
	lesson(t, 80, 24, "en", func(d *driver, _ *school) {
		finish(d)
		d.press("q")
		d.misses("Lesson done")
		d.keys(nil, []string{"next lesson"})
	})
}

func TestQuizSaysWhyAndWhere(t *testing.T) {
	lesson(t, 120, 40, "en", func(d *driver, _ *school) {
		finish(d)
		d.press("enter", "1", "enter")
		d.sees("✗ Not right.", "It writes down what was chosen.", "Right is:", "The scheduler filters the nodes", "A name is filled in")
		d.press("s")
		d.sees("the name of the node, node-2") // the step's own words, with the cluster's
		d.press("esc", "enter", "1", "3", "enter")
		d.sees("✓ Right.", "It can be seen in the event: kube-scheduler")
		d.press("s")
		d.sees("kube-scheduler  create ", "→ node-2 201")
		d.press("o")
		d.sees("[Trace]", "THEN #")
		d.keys([]string{"q back to the quiz"}, nil)
		d.press("q")
		d.sees("question 2/7")
	})
}

func TestQuizRefusesWhatIsNoAnswer(t *testing.T) {
	lesson(t, 80, 24, "en", func(d *driver, s *school) {
		finish(d)
		d.press("enter", "enter")
		d.sees("No answer yet.")
		for range 5 {
			d.press("right", "esc")
		}
		d.sees("How many nodes")
		d.press("enter")
		d.write("many")
		d.press("enter")
		d.sees(`"many" is no number`)
		if len(s.records) != 0 {
			t.Errorf("kept: %v", s.records)
		}
		d.press("backspace", "esc", "enter") // what was typed can be corrected
		d.write("x")
		d.sees("manx")
	})
}

// An exam is against the clock, says nothing until its end, and counts what was not answered.
func TestExam(t *testing.T) {
	lesson(t, 80, 24, "en", func(d *driver, s *school) {
		d.press("enter", "enter", "enter", "2") // so that the live question has an answer
		d.send(route.Quiz{Mode: route.Exam})
		d.idle()
		d.sees("question 1/7", "left")
		clock := d.line(0)
		d.pass(90 * time.Second)
		if d.line(0) == clock {
			t.Errorf("the clock stands: %s", clock)
		}
		d.press("esc", "q") // the first question may be one that is typed
		d.sees("q once more leaves the exam")
		d.press("esc", "F")
		d.sees("7 questions have no answer", "F again")
		d.press("esc") // or not
		d.pass(10 * time.Minute)
		d.sees("Results", "0 of 7 wholly right", "not answered")
		if n := len(s.records); n != 7 {
			t.Errorf("%d records are kept of an exam that was not answered", n)
		}
	})
}

func TestLessonNeverOverflows(t *testing.T) {
	keys := [][]string{nil, {"enter"}, {"h", "x"}, {"enter"}, {"tab"}, {"tab"}, {"l"}, {"l", "enter"}, {"1"}, {"l"}, {"l", "N"}, {"$"}, {"esc", "?"}, {"esc", "L"}, {"L", "N"},
		{"enter"}, {"1", "enter"}, {"s"}, {"esc", "enter"}, {"enter", "1", "enter"}, {"F"}, {"L"}}
	lesson(t, 80, 24, "en", func(d *driver, _ *school) {
		for i, k := range keys {
			d.press(k...)
			manySizes(d, i)
		}
	})
}

// BenchmarkLessonKeyToFrame measures one key press with its frame while a lesson is played and 1,000 events/s stream in,
// at 60 batches/s.
func BenchmarkLessonKeyToFrame(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			lab := scene.New()
			for range lab.Status().Phases {
				lab.PhaseDone(time.Second)
			}
			attempt := lab.Begin()
			var model tea.Model = tui.New(b.Context(), tui.Options{Lab: lab, Course: &tui.Course{
				Lessons: []*schema.Lesson{attempt.Lesson()},
				Read:    func(context.Context) (play.Done, error) { return play.Done{}, nil },
				Begin:   func(context.Context, route.Lesson) (play.Attempt, error) { return attempt, nil },
			}})
			model.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			model.Update(feed.Status{Status: lab.Status()})
			_, begin := model.Update(route.Lesson{ID: "first"})
			_, begun := model.Update(begin())
			for _, cmd := range begun().(tea.BatchMsg)[:1] { // the first waits for the lesson, the other runs it
				model.Update(cmd())
			}
			model.Update(keyPress("enter"))
			if !strings.Contains(ansi.Strip(model.View().Content), "step 1/4") {
				b.Fatal(ansi.Strip(model.View().Content))
			}
			store := lab.Events()
			grow(store, 1, 10_000)
			cursor := store.Since(0).Next
			model.Update(feed.Events{Batch: store.Since(0)})
			keys := []string{"down", "l", "down", "[", "]", "l", "tab", "up", "L", "pgdown"}
			measured := bench{b: b}
			next := uint64(10_001)
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				grow(store, next, 17)
				next += 17
				b.StartTimer()
				measured.time(func() {
					batch := store.Since(cursor)
					cursor = batch.Next
					model.Update(feed.Events{Batch: batch})
					model.View()
					model.Update(keyPress(keys[i%len(keys)]))
					model.View()
				})
			}
			measured.report()
		})
	}
}

// pass lets time go by, with the messages that come in it.
func (d *driver) pass(long time.Duration) {
	for ; long > 0; long -= 500 * time.Millisecond {
		time.Sleep(500 * time.Millisecond) // of the bubble's clock
		d.deliver()
	}
}
