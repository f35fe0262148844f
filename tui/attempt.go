package tui

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/screen/home"
	"github.com/kubestep/kubestep/tui/screen/lab"
	quizscreen "github.com/kubestep/kubestep/tui/screen/quiz"
	"github.com/kubestep/kubestep/tui/screen/summary"
	"github.com/kubestep/kubestep/tui/text"
)

// rootAddress is where the results of the root's own commands go.
const rootAddress route.Address = "root"

// class is what the root knows of lessons: what shall be opened, and the attempt that is under way.
type class struct {
	course *Course // nil when there are no lessons
	home   *home.Home
	stage  *lab.Lab // where lessons are played
	quiz   *quizscreen.Quiz
	// summary is shown at the end of a lesson; from is where the quiz was asked for.
	summary *summary.Summary
	from    route.Address
	looking bool // at an event, from within the quiz, which waits
	ask     route.Ask
	// cancellable returns a context for an attempt, which ends with the program's.
	cancellable func() (context.Context, context.CancelFunc)
	wanted      route.Lesson // waits for the lab, or for Begin
	beginning   bool         // for Begin
	begun       uint64       // counts what was asked of Begin; answers to an earlier one are dropped
	now         *attempt
	finished    bool // it has come to its end
}

// attempt is one that is under way.
type attempt struct {
	play.Attempt
	stop context.CancelFunc
	done chan struct{} // closed when Run has returned
}

func newClass(ctx context.Context, c *Course, machine host.Host) class {
	l := class{course: c, ask: route.From(ctx, rootAddress)}
	l.cancellable = func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	if c != nil {
		l.home = home.New(home.Options{Lessons: c.Lessons, Problems: c.Problems, Folder: c.Folder, Done: c.Done, Read: c.Read,
			Busy: c.Open.ID != "", Aside: c.Aside, Host: machine, Ask: route.From(ctx, home.Address)})
	}
	return l
}

// The results of the root's commands.
type (
	began struct{ attempt play.Attempt }
	ended struct{ attempt *attempt }
)

// wish carries out what a screen wishes for, and reports whether msg was such a wish.
func (m *Model) wish(msg tea.Msg) (cmd tea.Cmd, is bool) {
	switch msg := msg.(type) {
	case route.Home:
		m.class.want(route.Lesson{})
		return m.goHome(), true
	case route.Lab:
		m.front = lab.Address
		return m.class.end(), true
	case route.Lesson:
		return m.open(msg), true
	case route.Quiz:
		return m.class.questions(msg), true
	case play.Trouble:
		return tea.Batch(m.feed(msg), m.class.trouble()), true
	case play.Finished:
		m.front, m.class.finished = summary.Address, true
		return m.class.summary.Show(msg), true
	case play.Answered:
		return m.answered(), true
	case play.See:
		m.front, m.class.looking = lab.Address, true
		return m.feed(msg), true
	}
	return nil, false
}

func (m *Model) goHome() tea.Cmd {
	m.class.looking = false
	if m.class.home == nil {
		return nil
	}
	m.front = home.Address
	m.class.home.Opening(m.class.wanted)
	m.class.home.Under(m.class.lesson())
	return m.class.home.Read()
}

// open brings a lesson to the front: the attempt at it that is under way, or a new one as soon as the lab is ready.
func (m *Model) open(l route.Lesson) tea.Cmd {
	if m.class.course == nil {
		return nil
	}
	// From home, a lesson that has come to its end begins again; from its summary, it can be looked at.
	over := m.class.finished && m.front == home.Address
	if !l.Restart && l.Step == "" && l.ID == m.class.lesson() && !over {
		m.front = lab.Address
		m.class.stage.ToLesson()
		return nil
	}
	m.class.want(l)
	m.class.home.Opening(l)
	return m.class.begin(m.status)
}

// result takes the answer to one of the root's commands.
func (m *Model) result(r route.Result) tea.Cmd {
	c := &m.class
	switch v := r.Value.(type) {
	case play.Quiz:
		return m.ask(v)
	case ended:
		if v.attempt != c.now {
			return nil // it was ended, not given up
		}
		c.now = nil
		if r.Err == nil {
			return nil
		}
		return m.feed(play.Over{Err: r.Err})
	}
	if r.Generation != c.begun {
		return nil
	}
	wanted := c.wanted
	c.want(route.Lesson{})
	if v, ok := r.Value.(began); ok && r.Err == nil {
		cmd := c.start(v.attempt)
		m.front = lab.Address
		c.home.Opening(c.wanted)
		c.home.Under(c.lesson())
		return tea.Batch(c.stage.Play(v.attempt), cmd)
	}
	c.now = nil
	m.front = home.Address
	c.home.Under("")
	var way *play.InTheWay
	if errors.As(r.Err, &way) {
		c.home.Refused(wanted, r.Err, way.Objects)
	} else {
		c.home.Refused(wanted, r.Err, nil)
	}
	return tea.Batch(c.stage.Play(nil), c.home.Read())
}

// lesson returns the ID of the lesson that is under way, empty when none is.
func (c *class) lesson() string {
	if c.now == nil {
		return ""
	}
	return c.now.Lesson().ID
}

// want says which lesson shall be opened. One that is being begun for an earlier wish comes too late.
func (c *class) want(l route.Lesson) {
	c.wanted, c.beginning = l, false
	c.begun++
}

// begin begins the wanted lesson when the lab is ready, after the attempt before has ended.
func (c *class) begin(s engine.Status) tea.Cmd {
	if s.Stopped && c.wanted.ID != "" { // it never will be
		c.want(route.Lesson{})
		c.home.Opening(c.wanted)
	}
	if c.wanted.ID == "" || c.beginning || !s.Ready {
		return nil
	}
	c.beginning = true
	before, what, do := c.now, c.wanted, c.course.Begin
	c.now = nil
	return c.ask(c.begun, func(ctx context.Context) (any, error) {
		if before != nil {
			before.stop()
			<-before.done
		}
		a, err := do(ctx, what)
		return began{a}, err
	})
}

// start keeps an attempt going until it is ended.
func (c *class) start(a play.Attempt) tea.Cmd {
	ctx, stop := c.cancellable()
	now := &attempt{a, stop, make(chan struct{})}
	c.now, c.finished = now, false
	return c.ask(c.begun, func(context.Context) (any, error) {
		defer close(now.done)
		return ended{now}, now.Run(ctx)
	})
}

// end ends the attempt that is under way.
func (c *class) end() tea.Cmd {
	before := c.now
	c.now = nil
	c.want(route.Lesson{})
	if before == nil {
		return nil
	}
	before.stop()
	c.home.Under("")
	return c.stage.Play(nil)
}

// trouble waits for what goes wrong with keeping progress.
func (c *class) trouble() tea.Cmd {
	if c.course == nil || c.course.Trouble == nil {
		return nil
	}
	troubles := c.course.Trouble
	return func() tea.Msg {
		if err, ok := <-troubles; ok {
			return play.Trouble{Err: err}
		}
		return feed.Ended{}
	}
}

// How long an exam is.
const (
	examQuestions = 20
	examMinutes   = 25
)

// questions gathers what a quiz asks. Lessons that were begun have the values of that attempt. Live questions are about
// what happened in the attempt that is under way.
func (c *class) questions(what route.Quiz) tea.Cmd {
	if c.course == nil {
		return nil
	}
	all, read, now, seed := c.course.Lessons, c.course.Read, c.now, rand.Uint64()
	return c.ask(0, func(ctx context.Context) (any, error) {
		done, err := read(ctx)
		if err != nil {
			return nil, err
		}
		q := play.Quiz{Mode: what.Mode, Title: quizTitle(what.Mode)}
		var lessons []*schema.Lesson
		for _, l := range all {
			if what.Lesson != "" && l.ID != what.Lesson {
				continue
			}
			if what.Lesson != "" {
				q.Title = l.Title
			}
			switch with, err := l.With(done.Lessons[l.ID].Values); {
			case now != nil && now.Lesson().ID == l.ID:
				l = now.Lesson()
			case err == nil: // an attempt at an older edition has values of its own
				l = with
			}
			lessons = append(lessons, l)
		}
		for _, i := range quiz.Items(lessons) {
			if !i.Live || now != nil && i.Lesson == now.Lesson() {
				q.Items = append(q.Items, i)
			}
		}
		if now != nil {
			q.Session = now
		}
		switch what.Mode {
		case route.Review:
			q.Items = quiz.Review(q.Items, done.Records, time.Now())
		case route.Exam:
			q.Items = quiz.Exam(q.Items, examQuestions, seed)
			q.Limit = examMinutes * time.Minute * time.Duration(len(q.Items)) / examQuestions
		}
		return q, nil
	})
}

func quizTitle(mode route.QuizMode) schema.Text {
	id := map[route.QuizMode]text.ID{route.Practice: text.AllQuestions, route.Review: text.ReviewQuestions, route.Exam: text.ExamQuestions}[mode]
	t := schema.Text{}
	for i, lang := range schema.Languages {
		t[lang] = text.In(text.Lang(i)).T(id)
	}
	return t
}

// ask shows the quiz screen.
func (m *Model) ask(q play.Quiz) tea.Cmd {
	if m.front != quizscreen.Address {
		m.class.from = m.front
	}
	m.front, m.class.looking = quizscreen.Address, false
	return m.class.quiz.Begin(q)
}

// lookNoMore ends the look at an event from within the quiz.
func (m *Model) lookNoMore() tea.Cmd {
	m.class.looking = false
	return m.feed(play.See{})
}

// answered leaves the quiz for where it was asked for.
func (m *Model) answered() tea.Cmd {
	if m.class.from == summary.Address {
		m.front = summary.Address
		return m.class.summary.Read()
	}
	return m.goHome()
}
