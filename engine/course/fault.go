package course

import (
	"context"
	"slices"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Command runs one command of the lesson, with Kubectl or with what the lab has for faults, and returns what it printed.
func (o Options) Command(ctx context.Context, c schema.Command) (output string, err error) {
	if c.Fault == nil {
		return o.Kubectl(ctx, c.Args)
	}
	fault, err := engine.ParseFault(c.Fault)
	if err == nil {
		_, err = o.Lab.Faults().Do(ctx, fault)
	}
	if err != nil {
		return err.Error(), err
	}
	return "", nil
}

// breaks reports whether a lesson breaks or mends something.
func breaks(l *schema.Lesson) bool {
	return slices.ContainsFunc(l.Steps, func(s *schema.Step) bool {
		return slices.ContainsFunc(commandsOf(s), func(c schema.Command) bool { return c.Fault != nil })
	})
}
