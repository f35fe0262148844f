package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Terminal is the terminal that is handed to a program, and taken back when that ends.
type Terminal struct{ In, Out, Err *os.File }

// ShellPath returns the reader's shell: SHELL, or /bin/sh when that is not set.
func ShellPath(env Env) (string, error) {
	shell := env.get("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	path, err := exec.LookPath(shell)
	if err != nil {
		return "", fmt.Errorf("SHELL is %s, which cannot be run (%w); set SHELL to your shell, such as /bin/sh, and open kubestep again", shell, reason(err))
	}
	return path, nil
}

// reason returns why a program was not found, without its name.
func reason(err error) error {
	var failed *exec.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// ShellEnviron returns environ for a shell whose kubectl reaches the lab. bin, a folder with a kubectl, comes last in PATH:
// a kubectl of the reader's own stays theirs. more are added at the end.
func ShellEnviron(environ []string, kubeconfig, bin string, more ...string) []string {
	out := slices.DeleteFunc(slices.Clone(environ), func(s string) bool {
		return strings.HasPrefix(s, "KUBECONFIG=") || strings.HasPrefix(s, "PATH=") || strings.HasPrefix(s, "PS1=")
	})
	path := bin
	for _, s := range environ {
		if v, ok := strings.CutPrefix(s, "PATH="); ok && v != "" {
			path = v + string(filepath.ListSeparator) + bin
		}
	}
	// Shells whose start-up files set a prompt keep theirs.
	out = append(out, "KUBECONFIG="+kubeconfig, "PATH="+path, `PS1=(kubestep) \$ `)
	return append(out, more...)
}

// Shim makes a folder in dir with a kubectl that is the program self, and returns it.
func Shim(dir, self string) (bin string, err error) {
	bin = filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return "", fmt.Errorf("make a folder for kubectl: %w", err)
	}
	link := filepath.Join(bin, "kubectl")
	if err := os.Symlink(self, link); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("offer kubectl to your shell: %w", err)
	}
	return bin, nil
}

// RunShell shows hint and runs a shell on the terminal, in the folder dir or, when that is "", where the program is, until
// it ends. What the shell's last command came to is not an error. The shell is interrupted when ctx ends.
func RunShell(ctx context.Context, t Terminal, path, dir, hint string, environ []string) error {
	for line := range strings.SplitSeq(hint, "\n") {
		fmt.Fprintf(t.Out, "kubestep: %s\n", line)
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Env, cmd.Dir = environ, dir
	err := t.run(cmd)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return nil
	}
	return err
}

func (t Terminal) run(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.In, t.Out, t.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopWait
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return cmd.Wait()
}
