package program

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// config returns how words are expanded now.
func (sh *shell) config(ctx context.Context) *expand.Config {
	return &expand.Config{
		Env:      environ{sh},
		NoUnset:  sh.nounset,
		ReadDir2: sh.Files.ReadDir,
		CmdSubst: func(out io.Writer, cs *syntax.CmdSubst) error {
			sub := sh.subshell()
			sub.Stdout = out
			sub.stmts(ctx, cs.Stmts)
			sh.last = sub.last
			return nil
		},
	}
}

// environ shows the shell's variables and special parameters to package expand.
type environ struct{ sh *shell }

func (e environ) Get(name string) expand.Variable {
	text := func(s string) expand.Variable { return expand.Variable{Set: true, Kind: expand.String, Str: s} }
	sh := e.sh
	switch name {
	case "?":
		return text(strconv.Itoa(sh.last))
	case "$":
		return text("1")
	case "PPID":
		return text("0")
	case "#":
		return text(strconv.Itoa(len(sh.params) - 1))
	case "!":
		return text(strconv.Itoa(len(sh.jobs)))
	case "@", "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: sh.params[1:]}
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n < len(sh.params) {
			return text(sh.params[n])
		}
		return expand.Variable{}
	}
	if user, ok := strings.CutPrefix(name, "HOME "); ok {
		return text("~" + user) // or package expand would ask the host for its users
	}
	return sh.vars[name]
}

func (e environ) Each(yield func(string, expand.Variable) bool) {
	for k, v := range e.sh.vars {
		if !yield(k, v) {
			return
		}
	}
}

func (e environ) Set(name string, v expand.Variable) error {
	if e.sh.vars[name].ReadOnly {
		return fmt.Errorf("%s: is read only", name)
	}
	if !v.IsSet() {
		delete(e.sh.vars, name)
		return nil
	}
	v.Exported = v.Exported || e.sh.vars[name].Exported
	e.sh.vars[name] = v
	return nil
}

func (sh *shell) set(name, value string) {
	if err := (environ{sh}).Set(name, expand.Variable{Set: true, Kind: expand.String, Str: value}); err != nil {
		sh.fail(err)
	}
}
