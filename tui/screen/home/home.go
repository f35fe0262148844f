// Package home is the first screen: the lessons and how far the learner is with each, what else there is to do, and how
// the lab is. Whoever is here for the first time is welcomed.
//
// The root model imports it; it imports the components, feed, play, route and the leaves, engine for the lab's status,
// engine/{course,quiz} for what was done and lessons/schema.
package home

import (
	"context"
	"errors"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/input"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Address is where the results of the screen's commands go.
const Address route.Address = "home"

// Options is what the screen works with.
type Options struct {
	Lessons  []*schema.Lesson
	Problems schema.Problems // of lessons that are not among Lessons
	Folder   string          // where they are from; empty for those of the program
	Done     play.Done       // what had been done before
	Read     func(ctx context.Context) (play.Done, error)
	Busy     bool   // a lesson is opened at once: no welcome
	Aside    string // where a progress file that could not be read is now
	// Host is what the screen may ask of the machine.
	Host host.Host
	// Ask makes the screen's commands.
	Ask route.Ask
}

// Home is the screen. The root model calls its methods from one goroutine.
type Home struct {
	o     Options
	theme theme.Theme
	say   text.Printer
	w, h  int

	lessons    []*schema.Lesson // in order
	brokenIDs  []string
	done       play.Done
	recordings []host.Recording
	standings  map[string]standing
	status     engine.Status

	welcome bool // it is in front of the list
	// opening is the lesson that was asked for and is not there yet; inTheWay is what has to be agreed to before.
	opening  route.Lesson
	inTheWay []string
	under    string // the lesson whose attempt waits behind this screen
	notice   notice

	rows      []entry
	at        list.List
	key       string // of the selected entry
	search    input.Line
	searching bool
	focus     layout.HomePane
	about     pager.Pager
	shown     string // the entry that about shows
	screen    layout.Home
	bindings  []keymap.Binding
}

// notice is a message on the status line until the next key.
type notice struct {
	bad  bool
	text string
}

// New returns the screen. It reads nothing.
func New(o Options) *Home {
	m := &Home{o: o, lessons: inOrder(o.Lessons), done: o.Done, welcome: o.Done.Empty() && len(o.Lessons) > 0 && !o.Busy && o.Aside == ""}
	for _, p := range o.Problems {
		if id, _, _ := strings.Cut(p.File, "/"); !slices.Contains(m.brokenIDs, id) {
			m.brokenIDs = append(m.brokenIDs, id)
		}
	}
	m.list()
	m.refresh()
	return m
}

// lang returns the language as lessons name it.
func (m *Home) lang() string { return schema.Languages[m.say.Lang()] }

// Resize gives the screen its size.
func (m *Home) Resize(w, h int) {
	m.w, m.h = w, h
	m.list()
	m.refresh()
}

// Dress gives the screen its looks and its language.
func (m *Home) Dress(t theme.Theme, p text.Printer) {
	m.theme, m.say = t, p
	m.list()
	m.refresh()
}

// Capturing reports whether keys are text now.
func (m *Home) Capturing() bool { return m.searching }

// Bindings returns the keys with those off that do not work now.
func (m *Home) Bindings() []keymap.Binding { return m.bindings }

// Feed takes what the lab reports.
func (m *Home) Feed(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case feed.Status:
		m.status = msg.Status
		m.welcome = m.welcome && !m.failed()
		m.refresh()
	case play.Trouble:
		m.trouble(msg.Err)
	}
	return nil
}

// now is what has been done and kept by now.
type now struct {
	done       play.Done
	recordings []host.Recording
}

// replayed says that a recording has been looked at.
type replayed struct{}

// Read asks what has been done and kept by now.
func (m *Home) Read() tea.Cmd {
	read, find := m.o.Read, m.o.Host.Recordings
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		n := now{done: m.o.Done}
		var failed, other error
		if read != nil {
			n.done, failed = read(ctx)
		}
		if find != nil {
			n.recordings, other = find(ctx)
		}
		return n, errors.Join(failed, other)
	})
}

// Result takes the answer to [Home.Read], and how a replay ended.
func (m *Home) Result(r route.Result) tea.Cmd {
	if r.Err != nil {
		m.trouble(r.Err)
	}
	switch v := r.Value.(type) {
	case now:
		if r.Err == nil {
			m.done, m.recordings = v.done, v.recordings
			m.list()
		}
	case replayed:
		return tea.ClearScreen // another program has drawn on the terminal
	}
	m.refresh()
	return nil
}

// trouble says what went wrong with keeping progress.
func (m *Home) trouble(err error) {
	m.notice = notice{true, err.Error()}
	m.refresh()
}

// Opening says which lesson is about to come to the front; one without ID means none any more.
func (m *Home) Opening(l route.Lesson) {
	m.opening, m.inTheWay = l, nil
	if l.ID != "" { // so that enter, pressed while it waits for the lab, does not ask for another
		m.key = l.ID
		m.list()
	}
	m.refresh()
}

// Refused says why the lesson did not open. Objects in its way are agreed to be deleted, or not.
func (m *Home) Refused(l route.Lesson, err error, inTheWay []string) {
	m.opening, m.inTheWay, m.welcome = l, inTheWay, false
	if len(inTheWay) == 0 {
		m.opening = route.Lesson{}
		m.notice = notice{true, m.say.T(text.NotOpened, l.ID, err)}
	}
	m.refresh()
}

// Under says which lesson's attempt waits behind this screen; empty for none.
func (m *Home) Under(lesson string) {
	m.under, m.welcome = lesson, m.welcome && lesson == ""
	m.list()
	m.refresh()
}

// failed reports whether the lab is gone, and no lesson can be opened.
func (m *Home) failed() bool { return m.status.Error != "" || m.status.Stopped }

// refresh works out everything that the view shows besides the list. Each route ends with it.
func (m *Home) refresh() {
	if m.w > 0 && m.h > 0 {
		m.look()
	}
	m.bind()
}

// selected returns the entry under the cursor; its kind is heading when there is none.
func (m *Home) selected() *entry {
	if len(m.rows) == 0 {
		return &entry{}
	}
	return &m.rows[m.at.At]
}

// keep takes new entries, with the selection where it was as far as that is still there.
func (m *Home) keep(rows []entry) {
	m.rows = rows
	m.at.At = max(slices.IndexFunc(rows, func(e entry) bool { return m.key != "" && e.key() == m.key }), 0)
	m.step(0)
}

// step moves the selection n rows, and then off headings.
func (m *Home) step(n int) {
	m.at.Move(n, len(m.rows))
	on := 1
	if n < 0 {
		on = -1
	}
	for range 2 {
		for m.selected().kind == heading && m.at.At+on >= 0 && m.at.At+on < len(m.rows) {
			m.at.Move(on, len(m.rows))
		}
		on = -on
	}
	m.key = m.selected().key()
}
