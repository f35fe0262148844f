package program

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// traps are the commands that signals start. The zero value has none.
type traps struct {
	commands map[Signal]string
	exit     string // the pseudo signal EXIT
	signals  <-chan Signal
}

// arrived returns the channel of signals that have traps; nil traps get none.
func (t *traps) arrived() <-chan Signal {
	if t == nil {
		return nil
	}
	return t.signals
}

// trap is the builtin: trap COMMANDS SIGNAL..., trap - SIGNAL... for the default, trap "" SIGNAL... to ignore.
func (sh *shell) trap(args []string) {
	sh.last = 0
	if sh.traps == nil || len(args) < 2 {
		return
	}
	if sh.traps.commands == nil {
		sh.traps.commands = map[Signal]string{}
	}
	for _, name := range args[1:] {
		if name == "EXIT" || name == "0" {
			sh.traps.exit = strings.TrimPrefix(args[0], "-")
			continue
		}
		s, ok := ParseSignal(name)
		if !ok {
			sh.fail(fmt.Errorf("trap: %s is not a signal: try TERM, INT, HUP, EXIT", name))
			return
		}
		if args[0] == "" {
			sh.Signals.Ignore(s)
			delete(sh.traps.commands, s)
			continue
		}
		sh.traps.commands[s] = args[0]
	}
	if len(sh.traps.commands) > 0 {
		sh.traps.signals = sh.Signals.Notify(slices.Collect(maps.Keys(sh.traps.commands))...)
	}
}

// runTraps runs the commands of signals that have come in since the last command.
func (sh *shell) runTraps(ctx context.Context) {
	for sh.leave != leaveShell {
		select {
		case s := <-sh.traps.arrived():
			sh.runTrap(ctx, s)
		default:
			return
		}
	}
}

func (sh *shell) runTrap(ctx context.Context, s Signal) {
	text, ok := sh.traps.commands[s]
	if !ok {
		return
	}
	if text == "-" {
		sh.last, sh.leave = s.ExitCode(), leaveShell
		return
	}
	last := sh.last
	sh.runText(ctx, text)
	if sh.leave != leaveShell {
		sh.last = last
	}
}

func (sh *shell) runText(ctx context.Context, text string) {
	file, err := parser().Parse(strings.NewReader(text), "trap")
	if err != nil {
		sh.fail(err)
		return
	}
	// Not stmts: that would look for traps again.
	for _, st := range file.Stmts {
		if sh.leave == leaveShell || ctx.Err() != nil {
			return
		}
		sh.stmt(ctx, st)
	}
}

func (sh *shell) exitTrap(ctx context.Context) {
	if sh.traps == nil || sh.traps.exit == "" {
		return
	}
	text, code := sh.traps.exit, sh.last
	sh.traps.exit, sh.leave, sh.last = "", onward, code
	sh.runText(ctx, text)
	if sh.leave != leaveShell {
		sh.last = code
	}
}
