// Package feed brings what the lab reports into the message loop. Each command blocks in its own goroutine until there
// is something and then delivers all of it at once, so that nothing runs while nothing happens.
//
// The root model starts the commands; screens import the messages. It imports engine and engine/trace.
package feed

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Events are events that are new or have changed.
type Events struct{ Batch trace.Batch }

// Debug is the debugger's state after it changed.
type Debug struct{ State engine.DebugState }

// Status is the lab's state after it changed.
type Status struct{ Status engine.Status }

// Ended says that a source has nothing more to say, because the program ends or the lab is gone.
type Ended struct{ Err error }

// frame is how long to wait between two batches: more than one in a frame would be drawn for nobody.
const frame = time.Second / 60

// First returns a command that delivers what the store has already and does not wait for more.
func First(store *trace.Store) tea.Cmd {
	return func() tea.Msg { return Events{store.Since(0)} }
}

// Next returns a command that waits for what changes after c, at least a frame from now.
func Next(ctx context.Context, store *trace.Store, c trace.Cursor) tea.Cmd {
	return func() tea.Msg {
		rest := time.NewTimer(frame)
		defer rest.Stop()
		select {
		case <-rest.C:
		case <-ctx.Done():
			return Ended{ctx.Err()}
		}
		if err := store.Wait(ctx, c); err != nil {
			return Ended{err}
		}
		return Events{store.Since(c)}
	}
}

// NextDebug returns a command that waits until the debugger's state is another than the given one.
func NextDebug(ctx context.Context, d engine.Debugger, generation uint64) tea.Cmd {
	return func() tea.Msg {
		s, err := d.WaitState(ctx, generation)
		if err != nil {
			return Ended{err}
		}
		return Debug{s}
	}
}

// StatusWaiter is the part of a lab that [NextStatus] needs.
type StatusWaiter interface {
	WaitStatus(ctx context.Context, generation uint64) (engine.Status, error)
}

// NextStatus returns a command that waits until the lab's status is another than the given one.
func NextStatus(ctx context.Context, lab StatusWaiter, generation uint64) tea.Cmd {
	return func() tea.Msg {
		s, err := lab.WaitStatus(ctx, generation)
		if err != nil {
			return Ended{err}
		}
		return Status{s}
	}
}
