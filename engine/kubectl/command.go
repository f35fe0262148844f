package kubectl

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Environment variables through which [Command] speaks to the process that runs [Main].
const (
	// KubeconfigEnv names the kubeconfig to use. The user's own KUBECONFIG is not looked at, because a command meant for
	// the lab must never reach another cluster.
	KubeconfigEnv = "KUBESTEP_KUBECONFIG"
	// RunEnv names the run: the audit IDs of its requests begin with it.
	RunEnv = "KUBESTEP_RUN"
)

// Call is one run of kubectl.
type Call struct {
	Args       []string // without the program's name
	Kubeconfig string
	// Run, when not empty, is the beginning of the audit IDs of this run's requests, by which a reader of the trace finds
	// them. It must be unique in the lab's life.
	Run            string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// stopWait is how long a kubectl that was asked to stop may take.
const stopWait = 2 * time.Second

// Command returns the process that runs c, not started. When ctx ends the process is interrupted, and killed when it does
// not stop soon.
func Command(ctx context.Context, c Call) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own file to run kubectl: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"kubectl"}, c.Args...)...)
	cmd.Env = append(os.Environ(), KubeconfigEnv+"="+c.Kubeconfig, RunEnv+"="+c.Run)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopWait
	return cmd, nil
}
