package tui_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/internal/classtest"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
)

// newcomer opens the interface for somebody who has done nothing yet.
func newcomer(o *tui.Options) { attend(o, &classtest.Class{}) }

// learner opens it for somebody who has done one lesson and begun another.
func learner(o *tui.Options) { attend(o, classtest.Attempted(nil)) }

func attend(o *tui.Options, c *classtest.Class) {
	if o.Lab != nil {
		c.Lab = o.Lab.(*scene.Lab)
	}
	o.Course = &tui.Course{Done: c.Done(), Read: c.Read, Begin: c.Begin}
	o.Course.Lessons, o.Course.Problems = classtest.Lessons()
}

// attending returns an edit of the options for a class that the test looks at.
func attending(c **classtest.Class, fresh func() *classtest.Class) func(*tui.Options) {
	return func(o *tui.Options) {
		*c = fresh()
		attend(o, *c)
	}
}

func begun() *classtest.Class { return classtest.Attempted(nil) }
func empty() *classtest.Class { return &classtest.Class{} }

func TestNewcomerIsWelcomed(t *testing.T) {
	var c *classtest.Class
	drive(t, 80, 24, attending(&c, empty), func(d *driver) {
		d.sees("Welcome", "step debugger for Kubernetes", "begin with \"Life of a Pod\"", "lab starts: etcd")
		d.keys([]string{"enter begin", "esc lessons", "L 中文", "? help", "q quit"}, []string{"search"})
		d.press("enter")
		d.sees("Life of a Pod opens as soon as the lab is ready.")
		if n := len(c.Begun()); n != 0 {
			t.Fatalf("%d lessons were begun before the lab was ready", n)
		}
		d.start()
		if got := fmt.Sprint(c.Begun()); got != "[{first-pod  false false}]" {
			t.Fatalf("begun: %s", got)
		}
		d.misses("Welcome", "opens as soon as")
		d.press("q")
		d.sees("Go on with: Life of a Pod", "It waits at step 1 of 1", "step 1/1")
		d.press("w")
		d.sees("Welcome")
	})
}

func TestWelcomeGivesWayToAFailedLab(t *testing.T) {
	drive(t, 80, 24, newcomer, func(d *driver) {
		d.sees("Welcome")
		d.press("enter")
		d.lab.Fail("the data directory /home/me/lab is in use by another lab; end that lab, or choose another directory")
		d.idle()
		d.sees("The lab could not go on", "choose another directory", "What was recorded stays")
		d.misses("Welcome", "opens as soon as")
		d.keys([]string{"f lab", "q quit"}, []string{"enter begin"})
	})
}

func TestListsLessonsWithTheirStandings(t *testing.T) {
	drive(t, 120, 40, learner, func(d *driver) {
		d.start()
		d.sees("» Go on with: How a Pod ends", "✓ Life of a Pod", "done", "quiz 1/1", "◐ How a Pod ends", "step 1/1", "quiz 0/1", "○ A new version, Pod by",
			"1 of 4 done", "Controllers", "Network", "✗ torn", "1 due", "lab ready in 1.20 s", "✓ etcd", "You left at step 1 of 1: Make a Pod")
		d.press("down", "down", "down")
		d.sees("A new version, Pod by Pod, without a gap in service", "25 min · intermediate · 1 steps · 1 questions")
		d.press("end")
		d.sees("Questions of all topics, mixed")
		d.press("home")
		d.sees("You left at step")
	})
}

func TestSearch(t *testing.T) {
	var c *classtest.Class
	drive(t, 120, 40, attending(&c, begun), func(d *driver) {
		d.start()
		d.press("/")
		d.write("network") // the name of a track
		d.sees("Which names are asked")
		d.misses("Life of a Pod")
		d.press("s")
		d.sees("Nothing fits the search")
		for range len("networks") {
			d.press("backspace")
		}
		d.write("究竟")
		d.sees("Which names are asked") // a title is found in either language
		d.misses("Life of a Pod")
		d.press("esc")
		d.sees("✓ Life of a Pod")
		d.press("/")
		d.write("dns")
		d.press("enter")
		if got := c.Begun(); len(got) != 1 || got[0].ID != "dns-search" {
			t.Errorf("begun: %v", got)
		}
		d.press("q")
		d.sees("◐ How a Pod ends", "▸ ◐ Which names are asked") // all lessons again
	})
}

func TestBrokenLessonsAreListed(t *testing.T) {
	drive(t, 120, 40, learner, func(d *driver) {
		d.start()
		d.press("/")
		d.write("torn")
		d.sees("✗ torn", "torn/lesson.yaml:3", "minuts", "other lessons are not touched")
		d.press("enter")
		d.sees("✗ torn") // it stays closed
	})
	drive(t, 80, 24, func(o *tui.Options) {
		o.Course = &tui.Course{Folder: "/home/me/lessons", Read: (&classtest.Class{}).Read}
	}, func(d *driver) {
		d.sees("There is no lesson in this folder", "There is no lesson in /home/me/lessons.", "kubestep lesson new", "The lab, without a lesson")
		d.misses("Exam", "Welcome")
		d.press("enter")
		d.sees("no lesson in this folder")
		d.press("down", "enter")
		d.sees("[1 Map]")
	})
}

func TestLessonsOpenAndWait(t *testing.T) {
	var c *classtest.Class
	drive(t, 120, 40, attending(&c, begun), func(d *driver) {
		d.start()
		d.press("enter")
		if got := c.Begun(); len(got) != 1 || got[0].ID != "delete-pod" || c.Running() != 1 {
			t.Fatalf("begun: %v, running: %d", got, c.Running())
		}
		d.press("q")
		d.sees("It waits at step")
		d.press("enter") // the same attempt
		if len(c.Begun()) != 1 {
			t.Fatal("a lesson that waited was begun again")
		}
		d.press("q", "r")
		if got := c.Begun(); len(got) != 2 || !got[1].Restart || c.Running() != 1 {
			t.Fatalf("begun: %v, running: %d", got, c.Running())
		}
		d.press("q", "f") // the lab without a lesson
		d.sees("[1 Map]")
		if c.Running() != 0 {
			t.Error("the lesson goes on in the free lab")
		}
		d.press("q")
		d.sees("You left at step")
		d.press("q")
		if !d.quit {
			t.Error("q at home did not leave the program")
		}
	})
}

func TestWaitingForALessonCanEnd(t *testing.T) {
	var c *classtest.Class
	drive(t, 120, 40, attending(&c, begun), func(d *driver) {
		d.press("enter")
		d.sees("opens as soon as the lab is ready")
		d.press("esc")
		d.misses("opens as soon as")
		d.start()
		if len(c.Begun()) != 0 {
			t.Error("the lesson opened all the same")
		}
	})
}

func TestRefusedLessons(t *testing.T) {
	var c *classtest.Class
	refuse := func(err error) func() *classtest.Class {
		return func() *classtest.Class { c := begun(); c.Refuse = err; return c }
	}
	drive(t, 120, 40, attending(&c, refuse(errors.New("it needs 5 nodes: leave, and run kubestep --nodes 5"))), func(d *driver) {
		d.start()
		d.press("enter")
		d.sees("delete-pod could not be opened: it needs 5 nodes: leave, and run kubestep --nodes 5", "Go on with")
		d.press("down")
		d.misses("could not be opened")
	})
	drive(t, 120, 40, attending(&c, refuse(&play.InTheWay{Objects: []string{"deployment/web", "service/web"}})), func(d *driver) {
		d.start()
		d.press("enter")
		d.sees("No lesson has made these objects", "- deployment/web", "- service/web", "enter deletes what is in the way")
		d.keys([]string{"enter delete them", "esc back"}, []string{"search", "begin anew"})
		d.press("esc")
		d.misses("in the way", "has made these")
		if n := len(c.Begun()); n != 1 {
			t.Fatalf("begun %d times", n)
		}
		d.press("enter", "enter")
		if got := c.Begun(); len(got) != 3 || got[2] != (route.Lesson{ID: "delete-pod", Clear: true}) || c.Running() != 1 {
			t.Errorf("begun: %v, running: %d", got, c.Running())
		}
	})
}

func TestOpensALessonAtOnce(t *testing.T) {
	var c *classtest.Class
	drive(t, 120, 40, func(o *tui.Options) {
		attending(&c, empty)(o)
		o.Course.Open = route.Lesson{ID: "dns-search", Restart: true}
	}, func(d *driver) {
		d.sees("Which names are asked opens as soon as the lab is ready.")
		d.misses("Welcome")
		d.start()
		if got := c.Begun(); len(got) != 1 || got[0].ID != "dns-search" || !got[0].Restart {
			t.Errorf("begun: %v", got)
		}
	})
}

func TestTroubleWithProgressIsSaid(t *testing.T) {
	var troubles chan error
	drive(t, 120, 40, func(o *tui.Options) {
		learner(o)
		troubles = make(chan error) // inside the bubble
		o.Course.Trouble = troubles
	}, func(d *driver) {
		d.start()
		troubles <- errors.New("write progress: no space left on device")
		d.idle()
		d.sees("write progress: no space left on device")
		close(troubles)
	})
}

func TestProgressThatWasSetAside(t *testing.T) {
	drive(t, 80, 24, func(o *tui.Options) {
		newcomer(o)
		o.Course.Aside = "/home/me/.local/state/kubestep/progress.json.damaged-1"
	}, func(d *driver) {
		d.sees("Your progress could not be read.", "progress.json.damaged-1", "Next: Life of a Pod")
		d.misses("Welcome")
	})
}

func TestRecordingsAreListed(t *testing.T) {
	drive(t, 120, 40, func(o *tui.Options) {
		learner(o)
		o.Host.Recordings = func(context.Context) ([]host.Recording, error) {
			return []host.Recording{{Path: "/home/me/recordings/lab-7.ks", Kept: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)}}, nil
		}
		o.Host.Replay = func(string, string) error { return nil }
	}, func(d *driver) {
		d.start()
		d.sees("Recordings", "· lab-7.ks", "2026-03-01 09:30")
		d.press("end")
		d.sees("opens in the same views", "/home/me/recordings/lab-7.ks")
		d.keys([]string{"enter open"}, []string{"t quiz", "begin anew"})
	})
	drive(t, 120, 40, func(o *tui.Options) {
		learner(o)
		o.Host.Recordings = func(context.Context) ([]host.Recording, error) {
			return nil, errors.New("look for recordings: no permission")
		}
	}, func(d *driver) {
		d.sees("look for recordings: no permission", "✓ Life of a Pod")
	})
}

func TestHomeMouse(t *testing.T) {
	var c *classtest.Class
	drive(t, 120, 40, attending(&c, begun), func(d *driver) {
		d.start()
		click := func(x, y int) {
			d.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
			d.idle()
		}
		click(10, 5) // Life of a Pod: selected, then opened
		d.sees("▸ ✓ Life of a Pod")
		if len(c.Begun()) != 0 {
			t.Fatal("one click opened a lesson")
		}
		click(10, 4) // a heading has nothing to open
		click(10, 5)
		if got := c.Begun(); len(got) != 1 || got[0].ID != "first-pod" {
			t.Errorf("begun: %v", got)
		}
	})
	drive(t, 80, 24, learner, func(d *driver) {
		d.start()
		d.send(tea.MouseWheelMsg{X: 10, Y: 4, Button: tea.MouseWheelDown})
		d.idle()
		d.sees("▸ ✓ Life of a Pod")
	})
}
