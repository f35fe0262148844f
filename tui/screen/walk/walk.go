// Package walk is the screen that walks through one Deployment of one Pod: what waits at the gate, what has happened and
// why, and the inside of each event. In a replay the same screen shows a recording, without the verbs.
//
// The root model imports it; it imports the components, describe, feed, route and the leaves, and engine for the verbs.
package walk

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Address is where the results of the screen's commands go.
const Address route.Address = "walk"

// Options is what the screen works with.
type Options struct {
	// Store has the events. It must not be nil.
	Store *trace.Store
	// Debugger is nil in a replay.
	Debugger engine.Debugger
	// Kubectl is nil when kubectl cannot be run.
	Kubectl func(ctx context.Context, args []string) (output string, err error)
	// Ask makes the screen's commands.
	Ask route.Ask
}

// Stage is how far the walk is.
type Stage int

// The stages, in their order.
const (
	Starting Stage = iota // the lab is not ready
	Ready                 // the reader is asked to begin
	Walking
	Replaying
	Failed // the lab is gone
)

// Walk is the screen. The root model calls its methods from one goroutine.
type Walk struct {
	o     Options
	theme theme.Theme
	say   text.Printer
	w, h  int

	status engine.Status
	debug  engine.DebugState
	stage  Stage
	// generation counts the runs of the walk; answers to an earlier one are dropped.
	generation uint64
	busy       keymap.Action // the verb that has not answered, None when there is none
	notice     notice
	kubectl    kubectl
	progress   progress

	focus layout.Pane
	// looking is the list whose selection the inspector shows: Held or Events.
	looking  layout.Pane
	heldID   uint64 // the selected held event
	seq      uint64 // the selected event
	follow   bool   // the selection stays at the last event
	level    engine.Level
	index    index
	offset   int // of the event list
	filter   filter
	began    time.Time // of the first event
	chain    map[uint64]bool
	page     describe.Page
	shown    subjectKey
	version  int // counts changes of the selected event
	dressed  int // counts changes of looks, language and size
	inspect  pager.Pager
	guide    pager.Pager
	screen   layout.Screen
	bindings []keymap.Binding
}

// notice is a message on the status line until the next key.
type notice struct {
	bad  bool
	text string
}

// kubectl is the command that began the walk.
type kubectl struct {
	running bool
	done    chan struct{} // closed when it has ended; nil before the first one
	output  string
	err     error
}

// New returns the screen. It asks nothing of the lab.
func New(o Options) *Walk {
	m := &Walk{o: o, level: engine.Calls, follow: true, looking: layout.Held}
	if o.Debugger == nil {
		m.stage, m.focus, m.looking, m.follow = Replaying, layout.Events, layout.Events, false
	}
	m.refresh()
	return m
}

// Resize gives the screen its size.
func (m *Walk) Resize(w, h int) {
	m.w, m.h = w, h
	m.redraw()
}

// Dress gives the screen its looks and its language.
func (m *Walk) Dress(t theme.Theme, p text.Printer) {
	m.theme, m.say = t, p
	m.redraw()
}

// Capturing reports whether keys are text now.
func (m *Walk) Capturing() bool { return m.filter.typing }

// Bindings returns the keys with those off that do not work now.
func (m *Walk) Bindings() []keymap.Binding { return m.bindings }

// Feed takes what the lab reports.
func (m *Walk) Feed(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case feed.Events:
		m.take(msg.Batch)
	case feed.Debug:
		cmd = m.debugChanged(msg.State)
	case feed.Status:
		m.statusChanged(msg.Status)
	}
	m.refresh()
	return cmd
}

// Result takes the answer to one of the screen's commands.
func (m *Walk) Result(r route.Result) tea.Cmd {
	var cmd tea.Cmd
	switch v := r.Value.(type) {
	case found:
		m.foundEvents(v)
	case answer:
		if r.Generation == m.generation {
			cmd = m.answered(v, r.Err)
		}
	default: // a command that panicked has no value
		if r.Err != nil && r.Generation == m.generation {
			m.busy, m.notice = keymap.None, notice{true, r.Err.Error()}
		}
	}
	m.refresh()
	return cmd
}

func (m *Walk) take(b trace.Batch) {
	if b.Lost > 0 {
		m.notice = notice{true, m.say.T(text.LostEvents, b.Lost)}
	}
	first, _ := m.o.Store.Len()
	m.index.drop(first)
	for i := range b.Events {
		e := &b.Events[i]
		if e.Seq == 0 {
			continue // a gap
		}
		if m.began.IsZero() && !e.Background && e.Seq > m.filter.after {
			m.began = e.Time
		}
		if m.filter.matches(e, m.level) {
			m.index.add(e.Seq)
		}
		m.filter.late(e)
		m.progress.take(e)
		if e.Seq == m.seq {
			m.version++
		}
	}
	m.keepSelection()
}

// keepSelection moves the selection to an event that is in the list.
func (m *Walk) keepSelection() {
	n := m.index.len()
	switch {
	case n == 0:
		m.seq = 0
	case m.follow:
		m.seq = m.index.at(n - 1)
	default:
		m.seq = m.index.at(min(m.index.search(m.seq), n-1))
	}
}

func (m *Walk) debugChanged(s engine.DebugState) tea.Cmd {
	if s.Generation < m.debug.Generation {
		return nil // the answer to a verb came after the news of what followed
	}
	m.debug = s
	if m.heldIndex() < 0 {
		m.heldID = 0
		if len(s.Held) > 0 {
			m.heldID = s.Held[0].ID
		}
	}
	if s.Level != "" && m.stage == Walking && s.Level != m.level {
		m.level = s.Level // the list is as fine as the steps
		return m.reindex()
	}
	return nil
}

func (m *Walk) statusChanged(s engine.Status) {
	m.status = s
	switch {
	case m.stage == Replaying:
	case s.Error != "" || s.Stopped:
		m.stage = Failed
	case s.Ready && m.stage == Starting:
		m.stage = Ready
	}
}

// heldIndex returns the place of the selected held event, -1 when there is none.
func (m *Walk) heldIndex() int {
	for i := range m.debug.Held {
		if m.debug.Held[i].ID == m.heldID {
			return i
		}
	}
	return -1
}

// live reports whether the verbs work.
func (m *Walk) live() bool { return m.o.Debugger != nil && m.status.Ready && m.stage != Failed }
