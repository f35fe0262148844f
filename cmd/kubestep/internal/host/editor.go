package host

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// stopWait is how long a program that was asked to stop may take.
const stopWait = 2 * time.Second

// editors are tried when neither VISUAL nor EDITOR is set.
var editors = [...]string{"nano", "vim", "vi"}

// Editor returns the reader's editor, which may have arguments ("code --wait"), and the variable that names it, "" when
// it was found without one.
func Editor(env Env) (command, from string, err error) {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if v := strings.TrimSpace(env.get(name)); v != "" {
			program := strings.Fields(v)[0]
			if _, err := exec.LookPath(program); err != nil && !strings.ContainsAny(v, `'"\`) {
				return "", name, fmt.Errorf("%s is %s, which cannot be run (%w); set it to your editor, such as vi, and open kubestep again", name, v, reason(err))
			}
			return v, name, nil
		}
	}
	for _, program := range editors {
		if _, err := exec.LookPath(program); err == nil {
			return program, "", nil
		}
	}
	return "", "", fmt.Errorf("there is no editor (none of %s); set EDITOR to yours and open kubestep again", strings.Join(editors[:], ", "))
}

// RunEditor runs an editor on a file until it ends. A shell takes the command apart, as git and kubectl do, so that paths
// in quotes work.
func RunEditor(ctx context.Context, t Terminal, command, file string, environ []string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command+` "$1"`, "sh", file)
	cmd.Env = environ
	err := t.run(cmd)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return fmt.Errorf("%s ended with %s", command, ended.ProcessState)
	}
	return err
}
