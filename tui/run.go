package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
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
	program := []tea.ProgramOption{tea.WithContext(ctx), tea.WithEnvironment(environment)}
	if o.Input != nil {
		program = append(program, tea.WithInput(o.Input))
	}
	if o.Output != nil {
		program = append(program, tea.WithOutput(o.Output))
	}
	_, err := tea.NewProgram(m, program...).Run()
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
