package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/canvas"
	"github.com/kubestep/kubestep/tui/host"
)

// Run shows the interface on the terminal until the reader quits, which is nil, or ctx ends, whose error it then
// returns. The terminal is as before when it returns, whatever happened.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := New(ctx, o)
	m.abort = cancel
	return m.run(ctx, o)
}

// run runs the program. A broken screen is its error, rather than the end of ctx that a break may have caused.
func (m *Model) run(ctx context.Context, o Options) error {
	// NO_COLOR has chosen the theme already; in the environment it would also take the colours from one chosen later.
	environment := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "NO_COLOR=") })
	in, out := o.Input, o.Output
	if in == nil {
		in = os.Stdin
	}
	if out == nil {
		out = os.Stdout
	}
	m.canvas = canvas.New(in, out, environment, "kubestep")
	// Signals end ctx. Bubble Tea's own handler would send a message for them besides, to a loop that may have ended with
	// ctx, and wait for that for ever.
	// The canvas draws; one look a second at a renderer that there is not is the least that Bubble Tea takes.
	program := tea.NewProgram(painted{m}, tea.WithContext(ctx), tea.WithEnvironment(environment), tea.WithInput(in), tea.WithOutput(out),
		tea.WithoutRenderer(), tea.WithFPS(1), tea.WithoutSignalHandler())
	err := m.canvas.Open()
	if err == nil {
		watching, stop := context.WithCancel(ctx)
		tell := func() {
			if w, h, ok := m.canvas.Size(); ok {
				program.Send(tea.WindowSizeMsg{Width: w, Height: h})
			}
		}
		go func() {
			tell()
			canvas.Resized(watching, tell)
		}()
		_, err = program.Run()
		stop()
	}
	err = errors.Join(err, m.canvas.Close())
	switch {
	case m.broken != nil:
		return m.broken
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, errors.Is(err, tea.ErrInterrupted):
		return nil
	}
	return fmt.Errorf("show the screen: %w", err)
}

// painted is the interface with the terminal's screen: what a message changes is drawn before the next one is taken.
type painted struct{ *Model }

// Update implements [tea.Model].
func (p painted) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := p.Model.Update(msg)
	if _, ok := msg.(tea.WindowSizeMsg); ok || msg == tea.ClearScreen() {
		p.canvas.Forget()
	}
	if p.w == 0 || p.h == 0 {
		return p, cmd // the terminal has not said how large it is
	}
	frame := p.Model.View().Content
	if p.broken != nil {
		return p, tea.Quit
	}
	if err := p.canvas.Draw(strings.Split(frame, "\n")); err != nil {
		p.broken = err
		return p, tea.Quit
	}
	return p, cmd
}

// View implements [tea.Model]; nobody draws it.
func (painted) View() tea.View { return tea.View{} }

// lending returns what the screens may ask of the machine, with the terminal given away for what takes all of it.
func (m *Model) lending(h host.Host) host.Host {
	if shell := h.Shell; shell != nil {
		h.Shell = func(hint string) error { return m.lend(func() error { return shell(hint) }) }
	}
	if edit := h.Edit; edit != nil {
		h.Edit = func(file string) error { return m.lend(func() error { return edit(file) }) }
	}
	return h
}

func (m *Model) lend(run func() error) error {
	if m.canvas == nil {
		return run()
	}
	if err := m.canvas.Close(); err != nil {
		return err
	}
	err := run()
	return errors.Join(err, m.canvas.Open())
}
