package inproc

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/kubestep/kubestep/runtime/program"
)

// process is one running program. It ends when the program returns or when a signal kills it; then nothing it still does
// has an effect, although its goroutine may take a moment to notice.
type process struct {
	pid  int
	args []string
	// done is closed when the process has ended; code is set before.
	done chan struct{}
	code int

	cancel  context.CancelFunc
	network *processNetwork
	stdio   []*gate
	onExit  func() // called once, before done is closed

	mu       sync.Mutex
	ended    bool
	handlers map[program.Signal][]chan program.Signal
	ignored  map[program.Signal]bool
	// ready is set when the program has dealt with its signals for the first time. Until then PID 1 has them blocked, as a
	// careful parent does it: a SIGTERM that comes right after the start is not lost.
	ready   bool
	pending []program.Signal
}

// signalBacklog is how many signals wait for a program; Linux keeps one of each kind, and a few kinds are used.
const signalBacklog = 8

// start runs p in its world. ctx is the runtime's life.
func (p *process) start(ctx context.Context, wg *sync.WaitGroup, prog program.Program, w *program.World) {
	life := ctx
	ctx, p.cancel = context.WithCancel(life)
	p.network = newProcessNetwork(w.Network)
	out, errOut := &gate{w: w.Stdout}, &gate{w: w.Stderr}
	p.stdio = []*gate{out, errOut}
	w.Network, w.Stdout, w.Stderr, w.Signals = p.network, out, errOut, p
	w.Network = program.WithResolver(p.network, w.Resolver())
	// Without power nothing waits for what it reads from: killing closes it.
	stop := context.AfterFunc(life, func() { p.finish(program.SIGKILL.ExitCode()) })
	wg.Go(func() {
		defer stop()
		defer p.cancel()
		code := p.call(ctx, prog, w)
		if ctx.Err() == nil {
			p.finish(code)
		} else {
			p.finish(program.SIGKILL.ExitCode())
		}
	})
}

// call runs the program. A panic is its own affair: it ends with 2, as a Go program does.
func (p *process) call(ctx context.Context, prog program.Program, w *program.World) (code int) {
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(w.Stderr, "panic: %v\n\n%s", v, debug.Stack())
			code = 2
		}
	}()
	return prog(ctx, w)
}

// finish ends the process. Only the first call counts.
func (p *process) finish(code int) {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	p.ended = true
	p.mu.Unlock()
	for _, g := range p.stdio {
		g.close()
	}
	p.cancel()
	p.network.closeAll()
	p.code = code & 0xff
	p.onExit()
	close(p.done)
}

// signal delivers a signal from outside the container, where SIGKILL always kills.
func (p *process) signal(s program.Signal) {
	if s == program.SIGKILL {
		p.finish(s.ExitCode())
		return
	}
	p.mu.Lock()
	if p.pid == 1 && !p.ready {
		p.pending = append(p.pending, s)
		p.mu.Unlock()
		return
	}
	handlers, ignored := p.handlers[s], p.ignored[s]
	p.mu.Unlock()
	for _, c := range handlers {
		select {
		case c <- s:
		default:
		}
	}
	switch {
	case len(handlers) > 0:
	case ignored || p.pid == 1: // PID 1 has no default actions: pid_namespaces(7)
	default:
		p.finish(s.ExitCode())
	}
}

// Notify implements [program.Signals].
func (p *process) Notify(signals ...program.Signal) <-chan program.Signal {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handlers == nil {
		p.handlers = map[program.Signal][]chan program.Signal{}
	}
	c := make(chan program.Signal, signalBacklog)
	for _, s := range signals {
		p.handlers[s] = append(p.handlers[s], c)
		delete(p.ignored, s)
	}
	p.ready = true
	for _, s := range p.pending {
		if slices.Contains(signals, s) && len(c) < cap(c) {
			c <- s // there is room, and nobody else sends yet
		}
	}
	p.pending = nil
	return c
}

// Ignore implements [program.Signals].
func (p *process) Ignore(signals ...program.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.pending = true, nil
	if p.ignored == nil {
		p.ignored = map[program.Signal]bool{}
	}
	for _, s := range signals {
		delete(p.handlers, s)
		p.ignored[s] = true
	}
}

// processTable is the processes of one container.
type processTable struct {
	mu   sync.Mutex
	last int
	all  []*process
}

// start runs prog as the next process; the first has PID 1. onExit is called once when it has ended.
func (t *processTable) start(
	ctx context.Context, wg *sync.WaitGroup, prog program.Program, w *program.World, onExit func(*process),
) *process {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	p := &process{pid: t.last, args: w.Args, done: make(chan struct{})}
	p.onExit = func() {
		t.remove(p)
		onExit(p)
	}
	t.all = append(t.all, p)
	p.start(ctx, wg, prog, w)
	return p
}

func (t *processTable) remove(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = slices.DeleteFunc(t.all, func(x *process) bool { return x == p })
}

// killAll kills all but PID 1, as a kernel does when that has ended.
func (t *processTable) killAll() {
	t.mu.Lock()
	all := slices.Clone(t.all)
	t.mu.Unlock()
	for _, p := range all {
		if p.pid != 1 {
			p.finish(program.SIGKILL.ExitCode())
		}
	}
}

// List implements [program.Processes].
func (t *processTable) List() []program.Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []program.Process
	for _, p := range t.all {
		list = append(list, program.Process{PID: p.pid, Args: p.args})
	}
	return list
}

// Signal implements [program.Processes]. From inside its namespace PID 1 cannot be killed: pid_namespaces(7).
func (t *processTable) Signal(pid int, s program.Signal) error {
	t.mu.Lock()
	i := slices.IndexFunc(t.all, func(p *process) bool { return p.pid == pid })
	if i < 0 {
		t.mu.Unlock()
		return fs.ErrNotExist
	}
	p := t.all[i]
	t.mu.Unlock()
	if pid != 1 || s != program.SIGKILL {
		p.signal(s)
	}
	return nil
}

// gate lets a process write until it has ended.
type gate struct {
	mu     sync.Mutex
	w      io.Writer
	closed bool
}

// Write implements io.Writer.
func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	w, closed := g.w, g.closed
	g.mu.Unlock()
	if closed {
		return 0, io.ErrClosedPipe
	}
	return w.Write(b)
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}
