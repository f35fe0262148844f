package program

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// redirect applies one redirection to the shell's streams and returns what to close afterwards.
func (sh *shell) redirect(ctx context.Context, r *syntax.Redirect) (io.Closer, error) {
	fd := "1"
	switch r.Op {
	case syntax.RdrIn, syntax.Hdoc, syntax.DashHdoc, syntax.DplIn:
		fd = "0"
	}
	if r.N != nil {
		fd = r.N.Value
	}
	if r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc {
		text, err := expand.Document(sh.config(ctx), r.Hdoc)
		sh.Stdin = strings.NewReader(text)
		return nil, err
	}
	arg, err := expand.Literal(sh.config(ctx), r.Word)
	if err != nil {
		return nil, err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	switch r.Op {
	case syntax.DplOut:
		return nil, sh.duplicate(fd, arg)
	case syntax.RdrIn:
		flags = os.O_RDONLY
	case syntax.AppOut:
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	case syntax.RdrOut, syntax.ClbOut:
	default:
		return nil, fmt.Errorf("redirection %s is not supported by this shell", r.Op)
	}
	f, err := sh.Files.OpenFile(sh.Abs(arg), flags, 0o644)
	if err != nil {
		return nil, err
	}
	switch fd {
	case "0":
		sh.Stdin = f
	case "1":
		sh.Stdout = f
	case "2":
		sh.Stderr = f
	default:
		f.Close()
		return nil, fmt.Errorf("%s: this shell has file descriptors 0, 1 and 2", fd)
	}
	return f, nil
}

func (sh *shell) duplicate(fd, arg string) error {
	switch {
	case fd == "2" && arg == "1":
		sh.Stderr = sh.Stdout
	case fd == "1" && arg == "2":
		sh.Stdout = sh.Stderr
	case fd == arg:
	default:
		return fmt.Errorf("%s>&%s: this shell has 2>&1 and 1>&2", fd, arg)
	}
	return nil
}
