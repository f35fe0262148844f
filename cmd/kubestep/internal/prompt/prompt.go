// Package prompt is a step debugger for a lab at a plain terminal: it says what is held, reads commands and tells what
// they set off.
//
// Only cmd imports it; of ours it imports engine, engine/trace and tree.
package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/export/tree"
)

// Options says what to debug and where.
type Options struct {
	Debugger engine.Debugger
	Events   *trace.Store
	// From is where in Events to begin.
	From trace.Cursor
	// Root picks the events that are told with all that they led to; other events are not mentioned.
	Root func(e *trace.Event) bool
	// Done is closed when what is being traced has ended; the lab is then waited for until it has settled.
	Done <-chan struct{}
	// Quiet is for how long nothing must happen for the lab to have settled.
	Quiet time.Duration
	// In is where commands are read; nil means that nobody is asked and nothing that is held is released.
	In  io.Reader
	Out io.Writer
}

// stopQuiet is the quiet time before the reader is asked: others on their way to the gate arrive within it.
const stopQuiet = 150 * time.Millisecond

// ErrQuit is returned when the reader does not want to go on.
var ErrQuit = errors.New("quit")

// Run asks for a command whenever something is held, and returns when what is traced has ended, nothing is held and the
// lab has settled. At the end of the input it lets everything run. The error is ctx's, [ErrQuit] or a failure of the
// debugger. One goroutine may go on reading In after it has returned.
func Run(ctx context.Context, o Options) error {
	p := &prompt{Options: o, at: o.From, in: map[uint64]bool{}}
	if o.In != nil {
		p.lines = readLines(o.In)
	}
	for {
		state, err := p.wait(ctx)
		if err != nil {
			return err
		}
		p.tell()
		if len(state.Held) == 0 {
			return nil
		}
		if p.lines == nil {
			return nil
		}
		if err := p.ask(ctx); err != nil {
			return err
		}
	}
}

type prompt struct {
	Options
	lines <-chan string
	at    trace.Cursor
	in    map[uint64]bool // events that Root picked and what they led to
	told  uint64          // events up to here have been told
	last  string          // the last command, which an empty line repeats
}

func readLines(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(in); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines
}

// wait blocks until something is held and the rest has settled, or until what is traced has ended and all has settled.
func (p *prompt) wait(ctx context.Context) (engine.DebugState, error) {
	d := p.Debugger
	for {
		state := d.State()
		if len(state.Held) > 0 {
			err := d.Settle(ctx, stopQuiet)
			return d.State(), err
		}
		select {
		case <-p.Done:
			held, err := p.settle(ctx)
			if err != nil || !held {
				return d.State(), err
			}
			continue
		default:
		}
		if err := p.untilHeldOrDone(ctx, state.Generation); err != nil {
			return engine.DebugState{}, err
		}
	}
}

// settle waits until the lab has settled, or something is held.
func (p *prompt) settle(ctx context.Context) (held bool, err error) {
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for state := p.Debugger.State(); ; {
			if held = len(state.Held) > 0; held {
				cancel()
				return
			}
			var err error
			if state, err = p.Debugger.WaitState(both, state.Generation); err != nil {
				return
			}
		}
	}()
	err = p.Debugger.Settle(both, p.Quiet)
	cancel()
	<-watched
	if held {
		return true, nil
	}
	return len(p.Debugger.State().Held) > 0, err
}

func (p *prompt) untilHeldOrDone(ctx context.Context, generation uint64) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.Done:
			cancel()
		case <-waiting.Done():
		}
	}()
	_, err := p.Debugger.WaitState(waiting, generation)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// tell prints what has happened since it was called last.
func (p *prompt) tell() {
	batch := p.Events.Since(p.at)
	p.at = batch.Next
	for i := range batch.Events {
		e := &batch.Events[i]
		if !p.in[e.Seq] && (p.Root(e) || e.Cause != 0 && p.in[e.Cause]) {
			p.in[e.Seq] = true
		}
		if !p.in[e.Seq] || e.Seq <= p.told || p.In == nil {
			continue
		}
		p.told = e.Seq
		if line, shown := tree.Line(*e); shown {
			fmt.Fprintln(p.Out, line)
		}
	}
}

// ask reads and carries out one command; commands that only show something are followed by the next.
func (p *prompt) ask(ctx context.Context) error {
	p.showHeld()
	for {
		fmt.Fprint(p.Out, "(kubestep) ")
		var line string
		select {
		case l, ok := <-p.lines:
			if !ok {
				fmt.Fprintln(p.Out)
				return p.letRun(ctx)
			}
			line = l
		case <-ctx.Done():
			fmt.Fprintln(p.Out)
			return ctx.Err()
		}
		if line = strings.TrimSpace(line); line == "" {
			line = p.last
		}
		p.last = line
		moved, err := p.command(ctx, line)
		switch {
		case errors.Is(err, engine.ErrUsage):
			fmt.Fprintln(p.Out, err)
		case err != nil:
			return err
		case moved:
			return nil
		}
	}
}

// letRun removes every breakpoint, because nobody is there any more to ask, and lets the lab run.
func (p *prompt) letRun(ctx context.Context) error {
	p.lines = nil
	for _, pattern := range p.Debugger.State().Breakpoints {
		if _, err := p.Debugger.Do(ctx, engine.Command{Verb: engine.Unbreak, Pattern: pattern}); err != nil {
			return err
		}
	}
	_, err := p.Debugger.Do(ctx, engine.Command{Verb: engine.Continue})
	return err
}

const help = `  s, step            let the first one go and see what it sets off
  t N, this N        let number N go instead: the order is yours
  c, continue        run until a breakpoint
  r PATTERN, run-to  run until something matches
  i, in / o, out     hold finer or coarser steps
  b PATTERN, break   add a breakpoint       d PATTERN, delete   remove one
  h, held            what waits             w SEQ, why          what led to an event
  q, quit            let everything go and leave
An empty line repeats the last command. End of input: as quit, but waits for the end.`

// command carries out one line. moved says that the lab has been let do something.
func (p *prompt) command(ctx context.Context, line string) (moved bool, err error) {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	do := func(c engine.Command) (bool, error) {
		_, err := p.Debugger.Do(ctx, c)
		return err == nil && c.Verb != engine.Break && c.Verb != engine.Unbreak, err
	}
	switch word {
	case "s", "step", "n", "next":
		return do(engine.Command{Verb: engine.Step})
	case "t", "this":
		return p.stepThis(ctx, rest)
	case "c", "continue":
		return do(engine.Command{Verb: engine.Continue})
	case "r", "run-to":
		return do(engine.Command{Verb: engine.RunTo, Pattern: rest})
	case "i", "in":
		return do(engine.Command{Verb: engine.StepIn})
	case "o", "out":
		return do(engine.Command{Verb: engine.StepOut})
	case "b", "break":
		return do(engine.Command{Verb: engine.Break, Pattern: rest})
	case "d", "delete":
		return do(engine.Command{Verb: engine.Unbreak, Pattern: rest})
	case "h", "held":
		p.showHeld()
	case "w", "why":
		return false, p.why(rest)
	case "q", "quit":
		if err := p.letRun(ctx); err != nil {
			return false, err
		}
		return false, ErrQuit
	case "":
	default:
		fmt.Fprintln(p.Out, help)
	}
	return false, nil
}

func (p *prompt) stepThis(ctx context.Context, number string) (moved bool, err error) {
	held := p.Debugger.State().Held
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(held) {
		return false, fmt.Errorf("%w: number %q does not wait; there are %d", engine.ErrUsage, number, len(held))
	}
	_, err = p.Debugger.Do(ctx, engine.Command{Verb: engine.StepThis, Held: held[n-1].ID})
	return err == nil, err
}

func (p *prompt) showHeld() {
	for i, h := range p.Debugger.State().Held {
		fmt.Fprintf(p.Out, "held %d  %s wants: %s", i+1, h.Event.Actor, tree.Subject(h.Event))
		if len(h.Event.Frames) > 0 {
			f := h.Event.Frames[0]
			fmt.Fprintf(p.Out, "  %s %s:%d", f.Func, f.File, f.Line)
		}
		fmt.Fprintln(p.Out)
	}
}

func (p *prompt) why(number string) error {
	seq, err := strconv.ParseUint(strings.TrimPrefix(number, "#"), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: why needs an event's number, not %q", engine.ErrUsage, number)
	}
	chain := trace.Why(seq, p.Events.Get)
	if len(chain) == 0 {
		return fmt.Errorf("%w: there is no event #%d", engine.ErrUsage, seq)
	}
	for _, e := range chain {
		line, _ := tree.Line(e)
		fmt.Fprintln(p.Out, line)
	}
	return nil
}
