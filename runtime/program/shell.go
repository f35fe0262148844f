package program

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// Shell is a POSIX shell: "sh -c COMMANDS [NAME ARGS...]", "sh FILE [ARGS...]", or commands from standard input. It has
// pipes, redirections, variables, functions, loops, case, traps and background jobs. Words are parsed and expanded by
// mvdan.cc/sh; commands run here and not in that module's interpreter, which needs the host's files, pipes and processes.
//
// As PID 1 it shows what real shells do: without a trap SIGTERM does nothing, and a trap runs only after the command in
// the foreground has ended.
func Shell(ctx context.Context, w *World) int {
	sh := &shell{World: *w, vars: map[string]expand.Variable{}, funcs: map[string]*syntax.Stmt{}, traps: &traps{}}
	w.Signals.Notify() // from here on the defaults apply
	for _, e := range w.Env {
		k, v, _ := strings.Cut(e, "=")
		sh.vars[k] = expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: v}
	}
	for name, value := range map[string]string{"PWD": sh.Dir, "HOME": "/root"} {
		if !sh.vars[name].IsSet() || name == "PWD" {
			sh.vars[name] = expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: value}
		}
	}
	args := w.Args[1:]
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "-c" {
		if strings.HasPrefix(args[0], "-") && strings.HasSuffix(args[0], "c") { // -ec
			sh.setFlags(strings.TrimSuffix(args[0], "c"))
			args = append([]string{"-c"}, args[1:]...)
			break
		}
		sh.setFlags(args[0])
		args = args[1:]
	}
	sh.params = []string{w.Args[0]}
	var in io.Reader
	switch {
	case len(args) > 1 && args[0] == "-c":
		in = strings.NewReader(args[1])
		if len(args) > 2 {
			sh.params = args[2:]
		}
	case len(args) > 0 && args[0] == "-c":
		fmt.Fprintln(w.Stderr, "sh: -c needs an argument: sh -c 'echo hello'")
		return usage
	case len(args) > 0:
		f, err := w.Files.OpenFile(w.Abs(args[0]), os.O_RDONLY, 0)
		if err != nil {
			return failed(w, err) + 126
		}
		defer f.Close()
		in, sh.params = f, args
	default:
		return sh.interactive(ctx)
	}
	return sh.script(ctx, in)
}

// shell is the state of one shell or subshell.
type shell struct {
	World
	vars   map[string]expand.Variable
	funcs  map[string]*syntax.Stmt
	params []string // $0, $1...
	last   int      // $?
	jobs   []chan int
	traps  *traps // nil in a subshell, which has the default actions
	// interrupts brings SIGINT for what runs in the foreground; nil when the shell is not interactive.
	interrupts <-chan Signal
	errexit    bool
	nounset    bool
	xtrace     bool
	guarded    int // depth of conditions, where a failure does not exit

	leave  leave // why the rest of the commands is skipped
	levels int   // how many loops to leave

}

// leave says how far commands are skipped.
type leave int

const (
	onward leave = iota
	leaveIteration
	leaveLoop
	leaveFunction
	leaveShell
)

func (sh *shell) script(ctx context.Context, in io.Reader) int {
	file, err := parser().Parse(in, "")
	if err != nil {
		fmt.Fprintf(sh.Stderr, "sh: %v\n", err)
		return usage
	}
	sh.stmts(ctx, file.Stmts)
	sh.exitTrap(ctx)
	return sh.last
}

func parser() *syntax.Parser { return syntax.NewParser(syntax.Variant(syntax.LangPOSIX)) }

// interactive runs line by line what standard input brings, with a prompt on a terminal.
func (sh *shell) interactive(ctx context.Context) int {
	prompt := func(text string) {
		if sh.Terminal {
			io.WriteString(sh.Stderr, text) //nolint:errcheck // a terminal that is gone ends the input too
		}
	}
	if sh.Terminal {
		sh.interrupts = sh.Signals.Notify(SIGINT)
	}
	in := bufio.NewReader(sh.Stdin)
	sh.Stdin = in // commands read what the shell has not
	var text string
	for sh.leave != leaveShell && ctx.Err() == nil {
		if text == "" {
			prompt("$ ")
		} else {
			prompt("> ")
		}
		line, err := in.ReadString('\n')
		text += line
		if strings.TrimSpace(text) != "" {
			file, perr := parser().Parse(strings.NewReader(text), "")
			switch {
			case perr == nil:
				sh.stmts(ctx, file.Stmts)
			case syntax.IsIncomplete(perr) && err == nil:
				continue
			default:
				fmt.Fprintf(sh.Stderr, "sh: %v\n", perr)
				sh.last = usage
			}
		}
		text = ""
		if err != nil {
			break
		}
	}
	sh.exitTrap(ctx)
	return sh.last
}

// subshell returns a copy whose changes do not come back.
func (sh *shell) subshell() *shell {
	sub := *sh
	sub.vars, sub.funcs = map[string]expand.Variable{}, map[string]*syntax.Stmt{}
	for k, v := range sh.vars {
		sub.vars[k] = v
	}
	for k, v := range sh.funcs {
		sub.funcs[k] = v
	}
	sub.jobs, sub.traps = nil, nil
	return &sub
}

func (sh *shell) stmts(ctx context.Context, list []*syntax.Stmt) {
	for _, st := range list {
		if sh.leave != onward || ctx.Err() != nil {
			return
		}
		sh.stmt(ctx, st)
		sh.runTraps(ctx)
	}
}

func (sh *shell) stmt(ctx context.Context, st *syntax.Stmt) {
	if st.Background {
		sub, done := sh.subshell(), make(chan int, 1)
		sub.Stdin = strings.NewReader("")
		fore := *st
		fore.Background = false
		go func() {
			sub.stmt(ctx, &fore)
			done <- sub.last
		}()
		sh.jobs = append(sh.jobs, done)
		sh.last = 0
		return
	}
	stdin, stdout, stderr := sh.Stdin, sh.Stdout, sh.Stderr
	defer func() { sh.Stdin, sh.Stdout, sh.Stderr = stdin, stdout, stderr }()
	for _, r := range st.Redirs {
		closer, err := sh.redirect(ctx, r)
		if err != nil {
			sh.fail(err)
			return
		}
		if closer != nil {
			defer closer.Close()
		}
	}
	if st.Negated {
		sh.guarded++
	}
	sh.command(ctx, st.Cmd)
	if st.Negated {
		sh.guarded--
		if sh.last == 0 {
			sh.last = 1
		} else {
			sh.last = 0
		}
		return
	}
	if _, and := st.Cmd.(*syntax.BinaryCmd); sh.errexit && sh.last != 0 && sh.guarded == 0 && !and && sh.leave == onward {
		sh.leave = leaveShell
	}
}

func (sh *shell) command(ctx context.Context, cmd syntax.Command) {
	switch c := cmd.(type) {
	case nil:
		sh.last = 0
	case *syntax.CallExpr:
		sh.call(ctx, c)
	case *syntax.BinaryCmd:
		sh.binary(ctx, c)
	case *syntax.Block:
		sh.stmts(ctx, c.Stmts)
	case *syntax.Subshell:
		sub := sh.subshell()
		sub.stmts(ctx, c.Stmts)
		sh.last = sub.last
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			if len(c.Cond) == 0 || sh.condition(ctx, c.Cond) {
				sh.last = 0
				sh.stmts(ctx, c.Then)
				return
			}
			if sh.leave != onward {
				return
			}
		}
		sh.last = 0
	case *syntax.WhileClause:
		status := 0
		for sh.leave == onward && ctx.Err() == nil && sh.condition(ctx, c.Cond) != c.Until {
			sh.stmts(ctx, c.Do)
			status = sh.last
			if sh.loopEnds() {
				break
			}
		}
		if sh.leave == onward {
			sh.last = status
		}
	case *syntax.ForClause:
		sh.forLoop(ctx, c)
	case *syntax.CaseClause:
		sh.caseClause(ctx, c)
	case *syntax.FuncDecl:
		sh.funcs[c.Name.Value] = c.Body
		sh.last = 0
	case *syntax.DeclClause:
		sh.declare(ctx, c)
	default:
		sh.fail(fmt.Errorf("%T is not supported by this shell", cmd))
	}
}

func (sh *shell) condition(ctx context.Context, list []*syntax.Stmt) bool {
	sh.guarded++
	defer func() { sh.guarded-- }()
	sh.stmts(ctx, list)
	return sh.last == 0
}

// loopEnds handles break and continue after an iteration.
func (sh *shell) loopEnds() bool {
	if sh.leave == leaveIteration || sh.leave == leaveLoop {
		if sh.levels--; sh.levels > 0 {
			return true
		}
		ends := sh.leave == leaveLoop
		sh.leave = onward
		return ends
	}
	return sh.leave != onward
}

func (sh *shell) forLoop(ctx context.Context, c *syntax.ForClause) {
	iter, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		sh.fail(errors.New("only for NAME in WORDS is supported"))
		return
	}
	items := slices.Clone(sh.params[1:])
	if iter.InPos.IsValid() {
		var err error
		if items, err = expand.Fields(sh.config(ctx), iter.Items...); err != nil {
			sh.fail(err)
			return
		}
	}
	sh.last = 0
	for _, item := range items {
		sh.set(iter.Name.Value, item)
		sh.stmts(ctx, c.Do)
		if sh.loopEnds() || ctx.Err() != nil {
			return
		}
	}
}

func (sh *shell) caseClause(ctx context.Context, c *syntax.CaseClause) {
	word, err := expand.Literal(sh.config(ctx), c.Word)
	if err != nil {
		sh.fail(err)
		return
	}
	for _, item := range c.Items {
		for _, p := range item.Patterns {
			pat, err := expand.Pattern(sh.config(ctx), p)
			if err != nil {
				sh.fail(err)
				return
			}
			if matches(pat, word) {
				sh.last = 0
				sh.stmts(ctx, item.Stmts)
				return
			}
		}
	}
	sh.last = 0
}

func matches(pat, text string) bool {
	expr, err := pattern.Regexp(pat, pattern.EntireString)
	if err != nil {
		return pat == text
	}
	re, err := regexp.Compile(expr)
	return err == nil && re.MatchString(text)
}

func (sh *shell) binary(ctx context.Context, c *syntax.BinaryCmd) {
	switch c.Op {
	case syntax.AndStmt, syntax.OrStmt:
		sh.guarded++
		sh.stmt(ctx, c.X)
		sh.guarded--
		if sh.leave == onward && (sh.last == 0) == (c.Op == syntax.AndStmt) {
			sh.stmt(ctx, c.Y)
		}
	case syntax.Pipe:
		r, w := io.Pipe()
		left, right := sh.subshell(), sh.subshell()
		leftCtx, kill := context.WithCancel(ctx)
		left.Stdout, right.Stdin = brokenPipeKills{w, kill}, r
		done := make(chan struct{})
		go func() {
			defer close(done)
			left.stmt(leftCtx, c.X)
			w.Close()
		}()
		// A killed shell does not wait for a reader that waits for it.
		stop := context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) })
		right.stmt(ctx, c.Y)
		r.CloseWithError(errBrokenPipe)
		stop()
		<-done
		kill()
		sh.last = right.last
	default:
		sh.fail(fmt.Errorf("operator %s is not supported by this shell", c.Op))
	}
}

var errBrokenPipe = errors.New("broken pipe")

// brokenPipeKills ends who writes to a pipe that nobody reads any more, as SIGPIPE does.
type brokenPipeKills struct {
	io.Writer
	kill context.CancelFunc
}

// Write implements io.Writer.
func (b brokenPipeKills) Write(p []byte) (int, error) {
	n, err := b.Writer.Write(p)
	if err != nil {
		b.kill()
	}
	return n, err
}

// fail reports an error of the shell itself.
func (sh *shell) fail(err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		fmt.Fprintf(sh.Stderr, "sh: %s: %v\n", pe.Path, pe.Err)
	} else {
		fmt.Fprintf(sh.Stderr, "sh: %v\n", err)
	}
	sh.last = 1
	if sh.errexit && sh.guarded == 0 {
		sh.leave = leaveShell
	}
}
