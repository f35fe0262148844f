package program

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// call runs a simple command: assignments, a function, a builtin, or a program.
func (sh *shell) call(ctx context.Context, c *syntax.CallExpr) {
	args, err := expand.Fields(sh.config(ctx), c.Args...)
	if err != nil {
		sh.fail(err)
		return
	}
	if len(c.Args) == 0 {
		sh.last = 0 // unless a command substitution says otherwise
	}
	saved := map[string]expand.Variable{}
	for _, a := range c.Assigns {
		value, err := expand.Literal(sh.config(ctx), a.Value)
		if err != nil {
			sh.fail(err)
			return
		}
		name := a.Name.Value
		if len(args) > 0 {
			saved[name] = sh.vars[name]
		}
		v := expand.Variable{Set: true, Kind: expand.String, Str: value, Exported: len(args) > 0}
		if err := (environ{sh}).Set(name, v); err != nil {
			sh.fail(err)
			return
		}
	}
	if len(args) == 0 {
		return
	}
	defer maps.Copy(sh.vars, saved)
	if sh.xtrace {
		fmt.Fprintf(sh.Stderr, "+ %s\n", strings.Join(args, " "))
	}
	if body, ok := sh.funcs[args[0]]; ok {
		params := sh.params
		sh.params = append([]string{params[0]}, args[1:]...)
		sh.stmt(ctx, body)
		sh.params = params
		if sh.leave == leaveFunction {
			sh.leave = onward
		}
		return
	}
	if !sh.builtin(ctx, args) {
		sh.run(ctx, args)
	}
}

// run runs a program in the foreground. In an interactive shell SIGINT ends it and not the shell.
func (sh *shell) run(ctx context.Context, args []string) {
	child := sh.World
	child.Args = args
	child.Env = sh.exported()
	p, ok := sh.Find(&child, args[0])
	if !ok {
		fmt.Fprintf(sh.Stderr, "sh: %s: not found\n", args[0])
		sh.last = 127
		return
	}
	// Signals go to the shell's process; what it runs has none of its own.
	child.Signals = unsignalled{}
	if sh.interrupts == nil {
		sh.last = p(ctx, &child)
		return
	}
	select {
	case <-sh.interrupts: // typed while nothing ran
	default:
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- p(ctx, &child) }()
	select {
	case sh.last = <-done:
	case <-sh.interrupts:
		cancel()
		<-done
		sh.last = SIGINT.ExitCode()
	}
}

func (sh *shell) exported() []string {
	var env []string
	for _, k := range slices.Sorted(maps.Keys(sh.vars)) {
		if v := sh.vars[k]; v.Exported && v.IsSet() {
			env = append(env, k+"="+v.String())
		}
	}
	return env
}

// unsignalled is the signal table of a process that gets no signals.
type unsignalled struct{}

func (unsignalled) Notify(...Signal) <-chan Signal { return nil }
func (unsignalled) Ignore(...Signal)               {}

// builtin runs args when it is a builtin and reports whether it is one.
func (sh *shell) builtin(ctx context.Context, args []string) bool {
	name, args := args[0], args[1:]
	switch name {
	case ":", "true":
		sh.last = 0
	case "false":
		sh.last = 1
	case "exit", "return":
		if len(args) > 0 {
			n, err := strconv.Atoi(args[0])
			if err != nil {
				n = usage
			}
			sh.last = n & 0xff
		}
		sh.leave = leaveShell
		if name == "return" {
			sh.leave = leaveFunction
		}
	case "break", "continue":
		sh.levels = 1
		if len(args) > 0 {
			sh.levels, _ = strconv.Atoi(args[0])
		}
		sh.leave = leaveLoop
		if name == "continue" {
			sh.leave = leaveIteration
		}
		sh.last = 0
	case "echo", "pwd":
		w := sh.World
		w.Args = append([]string{name}, args...)
		sh.last = map[string]Program{"echo": echo, "pwd": pwd}[name](ctx, &w)
	case "cd":
		sh.cd(args)
	case "export", "readonly":
		sh.last = 0
		for _, arg := range args {
			sh.export(arg, name == "readonly")
		}
	case "unset":
		for _, arg := range args {
			delete(sh.vars, arg)
			delete(sh.funcs, arg)
		}
		sh.last = 0
	case "set":
		sh.setParams(args)
	case "shift":
		n := 1
		if len(args) > 0 {
			n, _ = strconv.Atoi(args[0])
		}
		sh.last = 1
		if n >= 0 && n < len(sh.params) {
			sh.params = append([]string{sh.params[0]}, sh.params[n+1:]...)
			sh.last = 0
		}
	case "read":
		sh.read(args)
	case "test", "[":
		sh.test(name, args)
	case "printf":
		sh.printf(args)
	case "eval":
		file, err := parser().Parse(strings.NewReader(strings.Join(args, " ")), "")
		if err != nil {
			sh.fail(err)
			return true
		}
		sh.last = 0
		sh.stmts(ctx, file.Stmts)
	case "exec":
		if len(args) > 0 {
			sh.run(ctx, args)
			sh.leave = leaveShell
		}
	case "command":
		sh.commandBuiltin(ctx, args)
	case "trap":
		sh.trap(args)
	case "wait":
		sh.wait(ctx)
	default:
		return false
	}
	return true
}

func (sh *shell) cd(args []string) {
	dir := sh.vars["HOME"].String()
	if len(args) > 0 {
		dir = args[0]
	}
	if dir == "-" {
		dir = sh.vars["OLDPWD"].String()
	}
	full := sh.Abs(dir)
	if info, err := sh.Files.Stat(full, true); err != nil || !info.IsDir() {
		sh.fail(fmt.Errorf("cd: %s: no such directory", dir))
		return
	}
	sh.set("OLDPWD", sh.Dir)
	sh.Dir = full
	sh.set("PWD", full)
	sh.last = 0
}

func (sh *shell) export(arg string, readOnly bool) {
	name, value, assigned := strings.Cut(arg, "=")
	v := sh.vars[name]
	if assigned {
		v = expand.Variable{Set: true, Kind: expand.String, Str: value}
	}
	v.Exported = v.Exported || !readOnly
	if err := (environ{sh}).Set(name, v); err != nil {
		sh.fail(err)
		return
	}
	v.ReadOnly = readOnly
	sh.vars[name] = v
}

// declare handles the export and readonly of parsers that know them as keywords.
func (sh *shell) declare(ctx context.Context, c *syntax.DeclClause) {
	sh.last = 0
	for _, a := range c.Args {
		arg := ""
		if a.Name != nil {
			arg = a.Name.Value
		}
		if a.Value != nil {
			value, err := expand.Literal(sh.config(ctx), a.Value)
			if err != nil {
				sh.fail(err)
				return
			}
			arg += "=" + value
		}
		sh.export(arg, c.Variant.Value == "readonly")
	}
}

func (sh *shell) setParams(args []string) {
	sh.last = 0
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		flag := args[0]
		args = args[1:]
		if flag == "--" {
			sh.params = append([]string{sh.params[0]}, args...)
			return
		}
		sh.setFlags(flag)
	}
	if len(args) > 0 {
		sh.params = append([]string{sh.params[0]}, args...)
	}
}

func (sh *shell) setFlags(flags string) {
	on := flags[0] == '-'
	for _, f := range flags[1:] {
		switch f {
		case 'e':
			sh.errexit = on
		case 'u':
			sh.nounset = on
		case 'x':
			sh.xtrace = on
		}
	}
}

// read reads one line, byte by byte so that the next command finds the rest.
func (sh *shell) read(names []string) {
	if len(names) > 0 && names[0] == "-r" {
		names = names[1:]
	}
	var line []byte
	var one [1]byte
	sh.last = 0
	for {
		n, err := sh.Stdin.Read(one[:])
		if n == 1 && one[0] != '\n' {
			line = append(line, one[0])
		}
		if n == 1 && one[0] == '\n' {
			break
		}
		if err != nil {
			sh.last = 1
			break
		}
	}
	if len(names) == 0 {
		names = []string{"REPLY"}
	}
	rest := strings.TrimSpace(string(line))
	for i, name := range names {
		word := rest
		if i < len(names)-1 {
			word, rest, _ = strings.Cut(rest, " ")
			rest = strings.TrimSpace(rest)
		}
		sh.set(name, word)
	}
}

func (sh *shell) printf(args []string) {
	if len(args) == 0 {
		sh.fail(fmt.Errorf("printf: give a format"))
		return
	}
	format, args := args[0], args[1:]
	for {
		text, used, err := expand.Format(nil, format, args)
		if err != nil {
			sh.fail(fmt.Errorf("printf: %w", err))
			return
		}
		if _, err := io.WriteString(sh.Stdout, text); err != nil {
			sh.last = 1
			return
		}
		args = args[min(used, len(args)):]
		if used == 0 || len(args) == 0 {
			break
		}
	}
	sh.last = 0
}

func (sh *shell) commandBuiltin(ctx context.Context, args []string) {
	if len(args) == 0 {
		return
	}
	if args[0] != "-v" {
		if !sh.builtin(ctx, args) {
			sh.run(ctx, args)
		}
		return
	}
	sh.last = 1
	for _, name := range args[1:] {
		probe := sh.World
		probe.Env = sh.exported()
		if _, ok := sh.Find(&probe, name); ok {
			fmt.Fprintf(sh.Stdout, "%s/%s\n", defaultPath, strings.TrimPrefix(name, defaultPath+"/"))
			sh.last = 0
		}
	}
}

func (sh *shell) wait(ctx context.Context) {
	sh.last = 0
	for len(sh.jobs) > 0 && sh.leave == onward {
		select {
		case <-sh.jobs[0]:
			sh.jobs = sh.jobs[1:]
		case s := <-sh.traps.arrived():
			sh.runTrap(ctx, s) // a trap interrupts wait, as POSIX says
			sh.last = s.ExitCode()
			return
		case <-ctx.Done():
			return
		}
	}
}
