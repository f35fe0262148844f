// Command kubestep is a step debugger for Kubernetes: it runs a real cluster in one process, shows every hand-over
// between its components with its cause, and can hold and release each.
//
// This package parses flags, wires the engine, the nodes and the screens together, and decides about exit codes. Each
// command is in a file of its own; what can be tested without a cluster is in internal packages.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/kubestep/kubestep/engine"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	// While a lab runs, stderr is its log, because libraries write there; this is the terminal.
	terminal := keepTerminal()
	// Libraries also register flags of their own, which cobra would offer as ours.
	pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ContinueOnError)
	root := newRoot(terminal)
	root.SetArgs(asKubectl(os.Args))
	err := root.Execute()
	if err != nil && !errors.Is(err, errTold) {
		fmt.Fprintln(terminal, "kubestep:", err)
	}
	os.Exit(exitCode(err))
}

// errTold is a failure of which the reader has been told already.
var errTold = errors.New("failed")

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, engine.ErrUsage):
		return exitUsage
	}
	return exitFailed
}
