package lab

import (
	"context"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/export"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
)

// machine is what the screen has under way on the reader's machine.
type machine struct {
	// drafts are texts that were not accepted, by what they are of.
	drafts  map[string]draft
	casting bool
}

// onMachine is the answer of the reader's machine; then takes it in.
type onMachine struct {
	then func(m *Lab, err error) tea.Cmd
}

// inFrontOf hands the terminal to run and tells then how that ended.
func inFrontOf(run func() error, then func(m *Lab, err error) tea.Cmd) tea.Cmd {
	return route.InFront(Address, onMachine{then}, run)
}

// outside runs work in a goroutine of its own and tells then how that ended.
func (m *Lab) outside(work func(ctx context.Context) error, then func(m *Lab, err error) tea.Cmd) tea.Cmd {
	return m.o.Ask(0, func(ctx context.Context) (any, error) { return onMachine{then}, work(ctx) })
}

// onHost carries out what concerns the reader's machine, and reports whether a was about that.
func (m *Lab) onHost(a keymap.Action) (cmd tea.Cmd, mine bool) {
	if !m.hostHas(a) {
		return nil, false
	}
	switch a {
	case keymap.Shell:
		return m.shell(), true
	case keymap.Edit:
		if m.focus == layout.LabLesson {
			return m.editManifest(), true
		}
		return m.editSelected(), true
	case keymap.SaveRecording:
		return m.keep("recordings/lab", ".ks", m.writeRecording(m.recordingHeader())), true
	case keymap.SaveTrace:
		return m.keep("exports/trace", ".md", m.writeTrace(m.recordingHeader())), true
	case keymap.SaveSVG:
		return m.keep("exports/"+m.tab().slug(), ".svg", m.drawing(export.SVG)), true
	case keymap.SaveHTML:
		return m.keep("exports/"+m.tab().slug(), ".html", m.drawing(export.HTML)), true
	case keymap.Cast:
		return m.cast(), true
	}
	return nil, false
}

// hostHas reports whether an action of the reader's machine does something now; it is false for all others.
func (m *Lab) hostHas(a keymap.Action) bool {
	h := &m.o.Host
	switch a {
	case keymap.Shell:
		return h.Shell != nil && m.live()
	case keymap.Edit:
		_, ok := m.editable()
		if m.focus == layout.LabLesson {
			name, _ := m.manifest()
			ok = name != ""
		}
		return ok && h.Edit != nil && h.Keep != nil && m.o.Kubectl != nil && m.live() && m.at == 0
	case keymap.SaveRecording, keymap.SaveTrace:
		return h.Keep != nil && m.last > 0
	case keymap.SaveSVG, keymap.SaveHTML:
		return h.Keep != nil
	case keymap.Cast:
		return h.Cast != nil
	}
	return false
}

// hintIndent is how many cells the program's name takes before each line of a hint.
const hintIndent = 10

// shell hands the terminal to the reader's own shell.
func (m *Lab) shell() tea.Cmd {
	run, hint := m.o.Host.Shell, m.say.T(text.ShellHint)
	if m.debug.Mode == engine.Paused {
		hint += "\n" + m.say.T(text.ShellHeld)
	}
	hint = layout.Wrap(hint, m.w-hintIndent)
	return inFrontOf(func() error { return run(hint) }, func(m *Lab, err error) tea.Cmd {
		if m.notice = (notice{text: m.say.T(text.ShellBack)}); err != nil {
			m.notice = notice{true, m.say.T(text.ShellFailed, err)}
		}
		return nil
	})
}

// keep writes a new file whose name begins with name and has the time in it, and says where it is.
func (m *Lab) keep(name, ending string, write func(context.Context, io.Writer) error) tea.Cmd {
	keep, path := m.o.Host.Keep, ""
	return m.outside(func(ctx context.Context) (err error) {
		path, err = keep(name+time.Now().Format("-20060102-150405")+ending, func(w io.Writer) error { return write(ctx, w) })
		return err
	}, func(m *Lab, err error) tea.Cmd {
		if m.notice = (notice{text: m.say.T(text.Saved, path)}); err != nil {
			m.notice = notice{true, m.say.T(text.SaveFailed, err)}
		}
		return nil
	})
}

// recordingHeader says what a recording of this lab is of.
func (m *Lab) recordingHeader() trace.Header {
	return trace.Header{Kubernetes: m.status.Version, Nodes: m.status.Nodes, Seed: m.status.Seed}
}

// writeRecording returns what writes all that the store has then.
func (m *Lab) writeRecording(h trace.Header) func(context.Context, io.Writer) error {
	store := m.o.Store
	return func(ctx context.Context, w io.Writer) error {
		h.Created = time.Now().UTC()
		return trace.WriteRecording(ctx, w, h, store)
	}
}

// writeTrace returns what writes all that the reader's commands set off.
func (m *Lab) writeTrace(h trace.Header) func(context.Context, io.Writer) error {
	store, say := m.o.Store, m.say
	return func(_ context.Context, w io.Writer) error {
		return export.Markdown(w, say, export.Trace{Header: h, Events: store.Since(0).Events})
	}
}

// drawing returns what writes the screen as it is now.
func (m *Lab) drawing(write func(io.Writer, export.Screen) error) func(context.Context, io.Writer) error {
	s := export.Screen{Title: "kubestep: " + m.say.T(m.tab().name), Lines: m.View(), Light: m.theme.Light()}
	return func(_ context.Context, w io.Writer) error { return write(w, s) }
}

// slug is the view's name for files.
func (t *tab) slug() string { return strings.ToLower(text.Printer{}.T(t.name)) }

// cast begins to write what the terminal shows, or ends that. All is drawn anew then, because a cast begins with an empty
// screen.
func (m *Lab) cast() tea.Cmd {
	on, path := !m.machine.casting, ""
	do := m.o.Host.Cast
	return m.outside(func(context.Context) (err error) {
		path, err = do(on)
		return err
	}, func(m *Lab, err error) tea.Cmd {
		switch {
		case err != nil:
			m.notice = notice{true, m.say.T(text.SaveFailed, err)}
			return nil
		case on:
			m.notice = notice{text: m.say.T(text.Casting, path)}
		default:
			m.notice = notice{text: m.say.T(text.CastEnded, path)}
		}
		m.machine.casting = on
		return tea.ClearScreen
	})
}
