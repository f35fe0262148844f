// Package route carries the result of a command back to the screen that asked for it.
//
// The root model and the screens import it; it imports nothing of ours.
package route

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// Address names a screen.
type Address string

// Result is what a command came to. The root model hands it to the screen at To and to nobody else.
type Result struct {
	To Address
	// Generation is what the screen counted when it asked; a screen drops results of an older one.
	Generation uint64
	Value      any
	Err        error
}

// Ask returns a command that runs work in a goroutine of its own.
type Ask func(generation uint64, work func(ctx context.Context) (any, error)) tea.Cmd

// From returns the Ask of the screen at the given address. ctx ends its commands.
func From(ctx context.Context, to Address) Ask {
	return func(generation uint64, work func(ctx context.Context) (any, error)) tea.Cmd {
		return func() (msg tea.Msg) {
			// A panic in another goroutine would tear the screen; here it is an error like any other.
			defer func() {
				if r := recover(); r != nil {
					msg = Result{To: to, Generation: generation, Err: fmt.Errorf("panic: %v", r)}
				}
			}()
			value, err := work(ctx)
			return Result{To: to, Generation: generation, Value: value, Err: err}
		}
	}
}
