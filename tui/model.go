package tui

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/canvas"
	"github.com/kubestep/kubestep/tui/component/help"
	"github.com/kubestep/kubestep/tui/component/keybar"
	"github.com/kubestep/kubestep/tui/component/palette"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/screen/home"
	"github.com/kubestep/kubestep/tui/screen/lab"
	"github.com/kubestep/kubestep/tui/screen/quiz"
	"github.com/kubestep/kubestep/tui/screen/summary"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// screen is one screen. Its methods are called from one goroutine; what takes time goes into the commands they return.
type screen interface {
	Resize(w, h int)
	Dress(t theme.Theme, p text.Printer)
	// Key, Paste and Mouse take what the reader does; Feed what the lab reports; Result the answer to a command.
	Key(k tea.KeyPressMsg) tea.Cmd
	Paste(s string) tea.Cmd
	Mouse(msg tea.MouseMsg) tea.Cmd
	Feed(msg tea.Msg) tea.Cmd
	Result(r route.Result) tea.Cmd
	// Do carries out an action that was chosen and not pressed.
	Do(a keymap.Action) tea.Cmd
	// Capturing reports whether keys are text now and not commands.
	Capturing() bool
	Bindings() []keymap.Binding
	// View returns as many lines as the screen is high, each as wide as the screen.
	View() []string
}

// overlay lies over the screen and takes every key.
type overlay interface {
	Arrange(t theme.Theme, p text.Printer, w, h int)
	// Key reports whether the overlay goes away, and what the screen shall do then.
	Key(k tea.KeyPressMsg) (closed bool, chosen keymap.Action)
	// Capturing reports whether keys are text now and not commands.
	Capturing() bool
	Wheel(n int)
	Over(base []string, w int) []string
}

// sources starts the commands that wait for what the lab reports. It holds the program's context for them.
type sources struct {
	store  *trace.Store
	events func(trace.Cursor) tea.Cmd
	debug  func(generation uint64) tea.Cmd // nil in a replay
	status func(generation uint64) tea.Cmd // nil in a replay
}

// Model is the root of the interface, a [tea.Model]. It routes messages and stacks overlays.
type Model struct {
	screens  map[route.Address]screen
	front    route.Address
	overlays []overlay
	sources  sources
	class    class
	// What is known before the first message.
	status engine.Status
	state  engine.DebugState

	w, h   int
	dark   bool
	looks  theme.Name
	theme  theme.Theme
	say    text.Printer
	log    *slog.Logger
	broken error          // a panic in Update or View, or a terminal that cannot be written to
	canvas *canvas.Canvas // nil outside Run
	abort  func()         // ends the program from View, which cannot return a command; nil outside Run
}

// New returns the interface. It starts nothing: a program's Init does. ctx ends its commands.
func New(ctx context.Context, o Options) *Model {
	m := &Model{dark: true, looks: looks(o), say: text.In(text.Parse(o.Lang)), log: o.Log, front: lab.Address, class: newClass(ctx, o.Course, o.Host)}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	l := lab.Options{Store: o.Recording, Ask: route.From(ctx, lab.Address), Host: m.lending(o.Host), Still: o.ReducedMotion, Home: o.Course != nil,
		Header: o.Header, Damage: o.Damage}
	if o.Lab != nil {
		l.Store, l.Debugger, l.Kubectl, l.Faults = o.Lab.Events(), o.Lab.Debugger(), o.Actions.Kubectl, o.Actions.Faults
		m.status, m.state = o.Lab.Status(), l.Debugger.State()
		m.sources.debug = func(generation uint64) tea.Cmd { return feed.NextDebug(ctx, l.Debugger, generation) }
		m.sources.status = func(generation uint64) tea.Cmd { return feed.NextStatus(ctx, o.Lab, generation) }
	}
	if o.Lab == nil && o.Course != nil {
		m.status.Ready = true // there is nothing to wait for
	}
	if l.Store == nil {
		l.Store = trace.NewStore(trace.Limits{})
	}
	m.sources.store = l.Store
	m.sources.events = func(c trace.Cursor) tea.Cmd { return feed.Next(ctx, l.Store, c) }
	m.class.stage = lab.New(l)
	m.screens = map[route.Address]screen{lab.Address: m.class.stage}
	if o.Course != nil {
		m.class.quiz = quiz.New(quiz.Options{Book: o.Course.Book, Events: l.Store, Ask: route.From(ctx, quiz.Address)})
		m.class.summary = summary.New(summary.Options{Lessons: o.Course.Lessons, Read: o.Course.Read, Ask: route.From(ctx, summary.Address)})
		m.screens[home.Address], m.screens[quiz.Address], m.screens[summary.Address] = m.class.home, m.class.quiz, m.class.summary
		m.front = home.Address
	}
	m.dress()
	return m
}

// Init implements [tea.Model].
func (m *Model) Init() tea.Cmd {
	cmds := []tea.Cmd{feed.First(m.sources.store), tea.RequestBackgroundColor, m.class.trouble()}
	if m.class.home != nil {
		cmds = append(cmds, m.class.home.Read())
		if m.class.course.Open.ID != "" {
			cmds = append(cmds, route.Go(m.class.course.Open))
		}
	}
	if m.sources.status != nil {
		status, state := m.status, m.state
		cmds = append(cmds, func() tea.Msg { return feed.Status{Status: status} }, func() tea.Msg { return feed.Debug{State: state} })
	}
	return tea.Batch(cmds...)
}

// Update implements [tea.Model].
func (m *Model) Update(msg tea.Msg) (model tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			m.fail(r)
			model, cmd = m, tea.Quit
		}
	}()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		m.dark = msg.IsDark()
		m.dress()
	case tea.KeyPressMsg:
		return m, m.key(msg)
	case tea.PasteMsg:
		if len(m.overlays) == 0 {
			return m, m.focused().Paste(msg.Content)
		}
	case tea.MouseMsg:
		return m, m.mouse(msg)
	case feed.Events:
		return m, tea.Batch(m.feed(msg), m.sources.events(msg.Batch.Next))
	case feed.Debug:
		return m, tea.Batch(m.feed(msg), m.sources.debug(msg.State.Generation))
	case feed.Status:
		m.status = msg.Status
		return m, tea.Batch(m.feed(msg), m.sources.status(msg.Status.Generation), m.class.begin(msg.Status))
	case route.Result:
		if msg.To == rootAddress {
			return m, m.result(msg)
		}
		if s, ok := m.screens[msg.To]; ok {
			if msg.Err != nil {
				m.log.Warn("command failed", "screen", string(msg.To), "err", msg.Err)
			}
			return m, s.Result(msg)
		}
	default:
		if cmd, is := m.wish(msg); is {
			return m, cmd
		}
	}
	return m, nil
}

// View implements [tea.Model].
func (m *Model) View() (v tea.View) {
	defer func() {
		if r := recover(); r != nil {
			m.fail(r)
			if m.abort != nil {
				m.abort()
			}
			v = tea.NewView("")
		}
	}()
	if m.broken != nil {
		return tea.NewView("")
	}
	v = tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "kubestep"
	return v
}

func (m *Model) lines() []string {
	if m.w == 0 || m.h == 0 {
		return nil // the terminal has not said how large it is
	}
	if m.small() {
		return m.tooSmall()
	}
	lines := m.focused().View()
	for _, o := range m.overlays {
		lines = o.Over(lines, m.w)
	}
	return lines
}

func (m *Model) focused() screen { return m.screens[m.front] }

func (m *Model) small() bool { return m.w < layout.MinWidth || m.h < layout.MinHeight }

// tooSmall asks for a larger terminal, in as many words as fit.
func (m *Model) tooSmall() []string {
	var lines []string
	rest := m.say.T(text.TooSmall, m.w, m.h, layout.MinWidth, layout.MinHeight)
	for line := range strings.SplitSeq(layout.Wrap(rest, m.w), "\n") {
		lines = append(lines, layout.Fit(line, m.w))
	}
	return layout.FitLines(lines, m.w, m.h)
}

// key sends a key to the top overlay or to the screen; what the program itself does goes first, but never while the
// reader types.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	if k.String() == "ctrl+c" {
		return tea.Quit
	}
	if n := len(m.overlays); n > 0 {
		top := m.overlays[n-1]
		if !top.Capturing() && keymap.Find(m.focused().Bindings(), k.String()) == keymap.Language {
			m.speak()
			return nil
		}
		closed, chosen := top.Key(k)
		if closed {
			m.overlays = m.overlays[:n-1]
		}
		if cmd, own := m.act(chosen); own || chosen == keymap.None {
			return cmd
		}
		return m.focused().Do(chosen)
	}
	if !m.focused().Capturing() {
		if cmd, own := m.act(keymap.Find(m.focused().Bindings(), k.String())); own {
			return cmd
		}
	}
	return m.focused().Key(k)
}

// act does what the program itself does, and reports whether a was one of its actions.
func (m *Model) act(a keymap.Action) (cmd tea.Cmd, own bool) {
	switch a {
	case keymap.Quit:
		switch {
		case m.class.home != nil && m.front == lab.Address && m.class.looking:
			m.front = quiz.Address
			return m.lookNoMore(), true
		case m.class.home != nil && m.front != home.Address:
			return m.goHome(), true
		}
		return tea.Quit, true
	case keymap.Help:
		m.push(help.New(m.focused().Bindings()))
	case keymap.Palette:
		m.push(palette.New(m.focused().Bindings()))
	case keymap.Language:
		m.speak()
	case keymap.ThemeAuto, keymap.ThemeDark, keymap.ThemeLight, keymap.ThemeContrast, keymap.ThemeNone:
		m.wear(a)
	default:
		return nil, false
	}
	return nil, true
}

func (m *Model) mouse(msg tea.MouseMsg) tea.Cmd {
	if n := len(m.overlays); n > 0 {
		switch msg.Mouse().Button {
		case tea.MouseWheelUp:
			m.overlays[n-1].Wheel(-3)
		case tea.MouseWheelDown:
			m.overlays[n-1].Wheel(3)
		}
		return nil
	}
	if m.small() {
		return nil
	}
	if at, ok := msg.(tea.MouseClickMsg); ok && at.Y == m.h-1 && at.Button == tea.MouseLeft && !m.focused().Capturing() {
		return m.press(keybar.At(m.say, m.focused().Bindings(), m.w, at.X))
	}
	return m.focused().Mouse(msg)
}

// feed sends what the lab reports to every screen once.
func (m *Model) feed(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, s := range m.screens {
		cmds = append(cmds, s.Feed(msg))
	}
	return tea.Batch(cmds...)
}

func (m *Model) push(o overlay) {
	o.Arrange(m.theme, m.say, m.w, m.h)
	m.overlays = append(m.overlays, o)
}

func (m *Model) resize(w, h int) {
	if w <= 0 || h <= 0 {
		return // what is not a terminal says 0 x 0
	}
	m.w, m.h = w, h
	if m.small() {
		return
	}
	for _, s := range m.screens {
		s.Resize(w, h)
	}
	m.arrangeOverlays()
}

func (m *Model) arrangeOverlays() {
	for _, o := range m.overlays {
		o.Arrange(m.theme, m.say, m.w, m.h)
	}
}

// speak switches the language.
func (m *Model) speak() {
	m.say = text.In(m.say.Lang().Next())
	m.dress()
}

// dress hands looks and language down.
func (m *Model) dress() {
	m.theme = theme.Named(m.looks, m.dark)
	for _, s := range m.screens {
		s.Dress(m.theme, m.say)
	}
	m.arrangeOverlays()
}

// fail keeps a panic for [Run] to report; its stack goes to the log and never to the screen.
func (m *Model) fail(r any) {
	if m.broken == nil {
		m.broken = fmt.Errorf("the screen failed: %v", r)
		m.log.Error("panic in the screen", "err", m.broken, "stack", string(debug.Stack()))
	}
}
