package course

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/lessons/schema"
)

// fillWithin is for how long a command waits for a value that is not there yet, such as a Pod's address.
const fillWithin = 5 * time.Second

// filler is a command with insertions: what it says and each of its arguments, or of the words of its fault.
type filler struct {
	line *check.Template
	args []*check.Template
}

// fillers compiles the insertions of a step's commands, by line.
func fillers(s *schema.Step, world *check.World) (map[string]*filler, error) {
	out := map[string]*filler{}
	for _, c := range commandsOf(s) {
		if !strings.Contains(c.Line, "{{") {
			continue
		}
		words := c.Args
		if c.Fault != nil {
			words = c.Fault
		}
		f := &filler{args: make([]*check.Template, len(words))}
		var err error
		if f.line, err = world.Template(c.Line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", c.Pos.File, c.Pos.Line, err)
		}
		for i, a := range words {
			if f.args[i], err = world.Template(a); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", c.Pos.File, c.Pos.Line, err)
			}
		}
		out[c.Line] = f
	}
	return out, nil
}

// commandsOf returns all commands that a step may run.
func commandsOf(s *schema.Step) []schema.Command {
	var out []schema.Command
	for _, list := range [][]schema.Command{s.Do, s.Setup, s.Solve} {
		out = append(out, list...)
	}
	for _, a := range s.Attempts {
		out = append(append(out, a.Run...), a.Undo...)
	}
	return out
}

// Fill returns a command of the step with the values that its insertions have now. What has none yet reads as "…"; then
// there is an error, too.
func (m *Machine) Fill(c schema.Command) (schema.Command, error) {
	if m.at < 0 || m.at >= len(m.steps) || m.steps[m.at].fillers[c.Line] == nil {
		return c, nil
	}
	f := m.steps[m.at].fillers[c.Line]
	words := make([]string, len(f.args))
	filled := schema.Command{Args: words, Pos: c.Pos}
	if c.Fault != nil {
		filled.Args, filled.Fault = nil, words
	}
	var err error
	filled.Line, err = f.line.Text()
	for i, a := range f.args {
		words[i], _ = a.Text() // what it lacks, the line lacks
	}
	return filled, err
}

// filled returns commands as the learner is to type them.
func (m *Machine) filled(commands []schema.Command) []schema.Command {
	var out []schema.Command
	for _, c := range commands {
		now, _ := m.Fill(c) // "…" says what is not known yet
		out = append(out, now)
	}
	return out
}

// Fill returns a command of the step with the values that its insertions have now. It waits for what is not there yet, but
// not for long.
func (s *Session) Fill(ctx context.Context, c schema.Command) (schema.Command, error) {
	ctx, cancel := context.WithTimeout(ctx, fillWithin)
	defer cancel()
	for {
		s.mu.Lock()
		s.drain()
		filled, err := s.m.Fill(c)
		cursor := s.cursor
		s.mu.Unlock()
		if err == nil {
			return filled, nil
		}
		if s.o.Lab.Events().Wait(ctx, cursor) != nil {
			return filled, fmt.Errorf("%s: the cluster does not say what to insert: %w", c.Line, err)
		}
	}
}
