// Package lab is the screen that shows a whole lab, or a recording of one: its views, the inspector, what waits at the
// gate, kubectl, and any moment of the past.
//
// The root model imports it; it imports the views, the components, describe, feed, route and the leaves, and engine for
// the verbs.
package lab

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/console"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
	"github.com/kubestep/kubestep/tui/view/dnsview"
	"github.com/kubestep/kubestep/tui/view/etcdview"
	"github.com/kubestep/kubestep/tui/view/inspector"
	"github.com/kubestep/kubestep/tui/view/mapview"
	"github.com/kubestep/kubestep/tui/view/objectview"
	"github.com/kubestep/kubestep/tui/view/packetview"
	"github.com/kubestep/kubestep/tui/view/rolloutview"
	"github.com/kubestep/kubestep/tui/view/schedview"
	"github.com/kubestep/kubestep/tui/view/traceview"
)

// Address is where the results of the screen's commands go.
const Address route.Address = "lab"

// Options is what the screen works with.
type Options struct {
	// Store has the events. It must not be nil.
	Store *trace.Store
	// Debugger is nil in a replay; Header says then what the recording is of, and Damage why it is only a part.
	Debugger engine.Debugger
	Header   trace.Header
	Damage   error
	// Kubectl is nil when kubectl cannot be run.
	Kubectl func(ctx context.Context, args []string) (output string, err error)
	// Faults is nil when the lab cannot be broken.
	Faults engine.Faults
	// Host is what the screen may ask of the machine.
	Host host.Host
	// Still takes every animation away.
	Still bool
	// Home says that there is a home screen to go to.
	Home bool
	// Ask makes the screen's commands.
	Ask route.Ask
}

// tab is one view with its place in the tabs.
type tab struct {
	action    keymap.Action
	name, ask text.ID
	view      view.View
	filter    string
}

// Lab is the screen. The root model calls its methods from one goroutine.
type Lab struct {
	o     Options
	theme theme.Theme
	say   text.Printer
	w, h  int

	status engine.Status
	debug  engine.DebugState
	busy   keymap.Action // the verb that has not answered, None when there is none
	notice notice

	cluster *cluster.Cluster
	tabs    []tab
	front   int
	// at is the moment that is shown, 0 for now; last is the latest event.
	at, last uint64
	level    int // of the lists, as [describe.Levels] counts

	focus layout.LabPane
	alone bool // the pane in focus has all the room
	// looking is the pane whose selection the inspector shows: LabView or LabHeld.
	looking  layout.LabPane
	heldID   uint64 // the selected held event
	inspect  inspector.Inspector
	console  console.Console
	output   bool // the console is in the inspector's place
	typing   typing
	breaks   breaks
	lesson   lesson
	cycle    cycle // of the proposals for the word at the prompt
	machine  machine
	pointer  pointer
	drawn    bool // since it was last asked whether something moves
	ticking  bool // a tick is under way
	screen   layout.Lab
	bindings []keymap.Binding
}

// typing is what keys are text for.
type typing int

const (
	commands typing = iota // they are not
	aFilter
	aKubectl
	aPattern
)

// notice is a message on the status line until the next key.
type notice struct {
	bad  bool
	text string
}

// New returns the screen. It asks nothing of the lab.
func New(o Options) *Lab {
	c := cluster.New(o.Store)
	m := &Lab{o: o, cluster: c, level: describe.Calls}
	m.tabs = []tab{
		{action: keymap.ViewMap, name: text.ViewMap, ask: text.AskMap, view: mapview.New(o.Store, c)},
		{action: keymap.ViewTrace, name: text.ViewTrace, ask: text.AskTrace, view: traceview.New(o.Store)},
		{action: keymap.ViewScheduler, name: text.ViewScheduler, ask: text.AskScheduler, view: schedview.New(o.Store)},
		{action: keymap.ViewEtcd, name: text.ViewEtcd, ask: text.AskEtcd, view: etcdview.New(o.Store, c)},
		{action: keymap.ViewObjects, name: text.ViewObjects, ask: text.AskObjects, view: objectview.New(c)},
		{action: keymap.ViewRollout, name: text.ViewRollout, ask: text.AskRollout, view: rolloutview.New(o.Store, c)},
		{action: keymap.ViewPackets, name: text.ViewPackets, ask: text.AskPackets, view: packetview.New(o.Store, c)},
		{action: keymap.ViewDNS, name: text.ViewDNS, ask: text.AskDNS, view: dnsview.New(o.Store)},
	}
	m.console.Line.Recall(o.Host.History)
	m.machine.casting = o.Host.Casting
	m.status.Version, m.status.Nodes, m.status.Seed = o.Header.Kubernetes, o.Header.Nodes, o.Header.Seed
	m.refresh()
	return m
}

func (m *Lab) tab() *tab { return &m.tabs[m.front] }

// live reports whether the verbs work.
func (m *Lab) live() bool {
	return m.o.Debugger != nil && m.status.Ready && !m.status.Stopped && m.status.Error == ""
}

// Resize gives the screen its size.
func (m *Lab) Resize(w, h int) {
	m.w, m.h = w, h
	m.refresh()
}

// Dress gives the screen its looks and its language.
func (m *Lab) Dress(t theme.Theme, p text.Printer) {
	m.theme, m.say = t, p
	for i := range m.tabs {
		m.tabs[i].view.Dress(t, p)
	}
	m.inspect.Dress(t, p)
	m.console.Dress(t, p)
	m.lesson.pane.Dress(t, p)
	m.refresh()
}

// Capturing reports whether keys are text now.
func (m *Lab) Capturing() bool { return m.typing != commands }

// Bindings returns the keys with those off that do not work now.
func (m *Lab) Bindings() []keymap.Binding { return m.bindings }

// Feed takes what the lab reports.
func (m *Lab) Feed(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case feed.Events:
		m.take(msg.Batch)
	case feed.Debug:
		m.debugChanged(msg.State)
	case feed.Status:
		m.status = msg.Status
	default:
		cmd := m.fedLesson(msg)
		m.refresh()
		return cmd
	}
	m.refresh()
	return m.animate()
}

func (m *Lab) take(b trace.Batch) {
	if b.Lost > 0 {
		m.notice = notice{true, m.say.T(text.LostEvents, b.Lost)}
	}
	if err := m.o.Damage; err != nil && len(b.Events) > 0 {
		m.o.Damage, m.notice = nil, notice{true, m.say.T(text.Damaged, err, len(b.Events))}
	}
	m.cluster.Take(b.Events)
	for i := range m.tabs {
		m.tabs[i].view.Take(b.Events)
	}
	for i := range b.Events {
		e := &b.Events[i]
		m.last = max(m.last, e.Seq)
		m.inspect.Changed(e.Seq)
	}
	if first, _ := m.o.Store.Len(); m.at != 0 && m.at < first {
		m.at = first // what was looked at is no longer kept
	}
}

func (m *Lab) debugChanged(s engine.DebugState) {
	if s.Generation < m.debug.Generation {
		return // the answer to a verb came after the news of what followed
	}
	if s.Level != m.debug.Level && s.Mode == engine.Paused {
		m.level = max(describe.Fineness(s.Level), describe.Calls)
	}
	m.debug = s
	if m.heldIndex() < 0 {
		m.heldID = 0
		if len(s.Held) > 0 {
			m.heldID = s.Held[0].ID
		}
	}
	m.breaks.at = max(min(m.breaks.at, len(s.Breakpoints)-1), 0)
}

// heldIndex returns the place of the selected held event, -1 when there is none.
func (m *Lab) heldIndex() int {
	for i := range m.debug.Held {
		if m.debug.Held[i].ID == m.heldID {
			return i
		}
	}
	return -1
}

// Result takes the answer to one of the screen's commands.
func (m *Lab) Result(r route.Result) tea.Cmd {
	switch v := r.Value.(type) {
	case told:
		if m.busy = keymap.None; v.state != nil {
			m.debugChanged(*v.state)
		}
		if r.Err != nil {
			m.failed(v.verb, r.Err)
		}
	case ran:
		m.console.End(v.id, v.output, r.Err)
	case lessonNews:
		cmd := m.lessonSays(v, r.Err)
		m.refresh()
		return cmd
	case completed:
		m.proposed(v)
	case tick:
		cmd := m.ticked()
		m.refresh()
		return cmd
	case onMachine:
		cmd := v.then(m, r.Err)
		m.refresh()
		return cmd
	default: // a command that panicked has no value
		if r.Err != nil {
			m.busy, m.notice = keymap.None, notice{true, r.Err.Error()}
		}
	}
	m.refresh()
	return nil
}

func (m *Lab) failed(verb keymap.Action, err error) {
	if m.typing == aPattern {
		m.breaks.err = err.Error()
		return
	}
	m.notice = notice{true, m.say.T(text.VerbFailed, m.verbName(verb), err)}
}

// verbName returns a verb's word on the key bar.
func (m *Lab) verbName(a keymap.Action) string {
	for _, b := range m.bindings {
		if b.Action == a && b.Label != 0 {
			return m.say.T(b.Label)
		}
	}
	return ""
}

// moment is what the views show.
func (m *Lab) moment() view.Moment {
	if m.at != 0 {
		return view.Moment{Seq: m.at, Past: true, Level: m.level}
	}
	return view.Moment{Seq: m.last, Held: m.debug.Held, Level: m.level}
}

// refresh works out everything that the view shows besides the lists. Each route ends with it.
func (m *Lab) refresh() {
	t := m.tab()
	t.view.Show(m.moment())
	t.view.Filter(strings.Fields(strings.ToLower(t.filter)))
	if m.w > 0 && m.h > 0 {
		m.screen = layout.ArrangeLab(m.w, m.h, layout.LabOptions{Focus: m.focus, Alone: m.alone && m.w >= layout.TwoColumns, Banner: m.at != 0, NoQueue: m.o.Debugger == nil,
			HeldLines: 2 * len(m.debug.Held), Lesson: m.lesson.session != nil})
		m.look()
	}
	m.showLesson()
	m.bind()
}

// look fills the side pane.
func (m *Lab) look() {
	w, h := m.inner(layout.LabSide)
	if w <= 0 {
		// Behind the view in a narrow terminal; it is as wide when it comes to the front.
		w, h = m.inner(m.focus)
	}
	m.console.Resize(w, h)
	t := m.tab()
	s := inspector.Subject{View: m.say.T(t.name), Waiting: m.debug.Held, Events: m.o.Store, Version: m.status.Version}
	if s.Selection = m.selection(); m.looksAtQueue() {
		s.View = ""
	} else {
		s.Page = t.view.Page
	}
	m.inspect.Look(s, w, h)
}

// looksAtQueue reports whether what is selected is something that waits at the gate.
func (m *Lab) looksAtQueue() bool {
	return m.looking == layout.LabHeld && m.heldIndex() >= 0 && m.at == 0
}

// selection is what the inspector shows.
func (m *Lab) selection() view.Selection {
	if m.looksAtQueue() {
		return view.Selection{Held: m.heldID}
	}
	return m.tab().view.Selected()
}
