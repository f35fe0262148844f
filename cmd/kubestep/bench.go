package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/bench"
)

func (a *app) benchCommand() *cobra.Command {
	var (
		asJSON bool
		plan   bench.Plan
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure start-up, memory, idle CPU and what the taps cost",
		Long: `Measure start-up, memory, idle CPU and what the taps cost.

Every lab runs in a process of its own; labs with and without taps take turns. With kwokctl and the programs that it
starts on the PATH, KWOK is measured on the same machine as well.`,
		Example: `  kubestep bench
  kubestep bench --json --pairs 5`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plan.Pairs < 1 || plan.Pods < 1 || plan.Nodes < 1 {
				return usage(cmd, fmt.Errorf("--pairs, --pods and --nodes are at least 1"))
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return a.bench(ctx, plan, asJSON, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&asJSON, "json", false, "print one JSON object")
	flags.IntVar(&plan.Pods, "pods", 200, "number of Pods in the rollout")
	flags.IntVar(&plan.Nodes, "nodes", 3, "number of nodes")
	flags.IntVar(&plan.Pairs, "pairs", 3, "how often labs with and without taps are measured")
	return cmd
}

func (a *app) bench(ctx context.Context, plan bench.Plan, asJSON bool, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's own file: %w", err)
	}
	plan.Child = func(ctx context.Context, taps bool) *exec.Cmd {
		return exec.CommandContext(ctx, self, "bench-child", "--nodes", strconv.Itoa(plan.Nodes), "--pods", strconv.Itoa(plan.Pods),
			"--taps="+strconv.FormatBool(taps))
	}
	if term.IsTerminal(int(a.terminal.Fd())) {
		plan.Progress = func(done, total int) { fmt.Fprintf(a.terminal, "\rlab %d of %d", done+1, total) }
		defer fmt.Fprint(a.terminal, "\r")
	}
	report, err := bench.Run(ctx, plan)
	if err != nil {
		return err
	}
	kwok, missing, err := bench.MeasureKWOK(ctx, plan.Nodes)
	switch {
	case err != nil:
		report.Notes = append(report.Notes, "KWOK could not be measured: "+err.Error())
	case missing != "":
		report.Notes = append(report.Notes, "KWOK was not measured: "+missing)
	default:
		report.Compare(kwok)
	}
	if asJSON {
		return writeJSON(out, report)
	}
	return report.Write(out)
}
