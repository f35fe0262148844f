package tui

import (
	"context"
	"io"
	"log/slog"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/theme"
)

// Lab is what the screens need of a lab; [engine.Lab] has it. Its methods must be safe for concurrent use. The screens
// neither start nor stop it.
type Lab interface {
	Status() engine.Status
	WaitStatus(ctx context.Context, generation uint64) (engine.Status, error)
	Events() *trace.Store
	Debugger() engine.Debugger
}

// Actions is what the screens ask their program to do besides the debugger's verbs. A nil action takes its keys away.
type Actions struct {
	// Kubectl runs kubectl against the lab and returns what it printed on both streams. It is called from a goroutine of
	// its own, blocks while the gate holds its requests, and must end when ctx does.
	Kubectl func(ctx context.Context, args []string) (output string, err error)
	// Faults breaks the lab on purpose, from the prompt.
	Faults engine.Faults
}

// Options says what to show and how.
type Options struct {
	// Lab is the lab to show, started or not; its event store, debugger and status are asked for at once and must not be
	// nil. Nil Lab means a replay of Recording.
	Lab Lab
	// Recording is what a replay shows. It may still grow. Ignored when there is a Lab.
	Recording *trace.Store
	// Header says what the recording is of, and Damage why it could be read only in part; nil when all of it could.
	Header  trace.Header
	Damage  error
	Actions Actions
	// Course is nil when there are no lessons: then the lab is all there is.
	Course *Course
	// Host is what the screens may ask of the machine.
	Host host.Host
	// Lang is "en" or "zh", or a locale that starts like one of them ("zh_CN.UTF-8"); anything else means English.
	Lang string
	// Theme is the looks to begin with; "" means [theme.Auto], which is dark until the terminal tells its background.
	Theme theme.Name
	// NoColor takes colours away unless Theme names a theme; shapes and words keep their meaning.
	NoColor bool
	// ReducedMotion takes every animation away.
	ReducedMotion bool
	// Log takes what went wrong in the program itself; nil discards it. It must not write to the terminal.
	Log *slog.Logger
	// Input and Output are the terminal for [Run]; nil means the process's own.
	Input  io.Reader
	Output io.Writer
}
