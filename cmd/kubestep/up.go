package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

func (a *app) upCommand() *cobra.Command {
	var (
		f      labFlags
		asJSON bool
		record string
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run a lab until it is interrupted",
		Long: `Run a lab until it is interrupted.

When it is ready it says where its kubeconfig is; any kubectl works with it. In other terminals, kubestep kubectl and
kubestep trace find it by themselves.`,
		Example: `  kubestep up
  kubestep up --nodes 5 --data-dir ~/lab
  kubestep up --json | jq -r .kubeconfig`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			tell := human
			if asJSON {
				tell = func(w io.Writer, s engine.Status) error { return writeJSON(w, readyLine(s)) }
			}
			return a.up(ctx, f, record, func(s engine.Status) error { return tell(cmd.OutOrStdout(), s) })
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object when the lab is ready")
	cmd.Flags().StringVar(&record, "record", "", "write everything that happens to this file, for kubestep replay")
	return cmd
}

// up runs a lab until ctx ends.
func (a *app) up(ctx context.Context, f labFlags, record string, tell func(engine.Status) error) (err error) {
	lab, err := a.newLab(f)
	if err != nil {
		return err
	}
	defer func() {
		if e := lab.Close(); err == nil {
			err = e
		}
	}()
	if record != "" {
		finish, err := startRecording(ctx, record, lab, trace.Header{Kubernetes: readVersions().Kubernetes, Nodes: f.nodes, Seed: f.seed})
		if err != nil {
			return err
		}
		defer func() {
			if e := finish(); err == nil {
				err = e
			}
		}()
	}
	if err := a.register(ctx, lab); err != nil {
		return err
	}
	lab.start(context.WithoutCancel(ctx))
	status, err := ready(ctx, lab, nil)
	if ctx.Err() != nil {
		return nil // interrupted before it was ready
	}
	if err != nil {
		return err
	}
	if err := tell(status); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-lab.done:
		return lab.err
	}
}

// readyReport is the line that `kubestep up --json` prints.
type readyReport struct {
	Ready      bool               `json:"ready"`
	Kubeconfig string             `json:"kubeconfig"`
	Version    string             `json:"version"`
	Nodes      int                `json:"nodes"`
	Network    engine.NetworkMode `json:"network"`
	TimingsMs  map[string]int64   `json:"timingsMs"` // from the start to the end of each phase
}

func readyLine(s engine.Status) readyReport {
	r := readyReport{Ready: s.Ready, Kubeconfig: s.Kubeconfig, Version: s.Version, Nodes: s.Nodes, Network: s.Network, TimingsMs: map[string]int64{}}
	for _, p := range s.Phases {
		r.TimingsMs[p.Name] = p.Took.Milliseconds()
	}
	return r
}

func human(w io.Writer, s engine.Status) error {
	_, err := fmt.Fprintf(w, `Kubernetes %s with %d nodes on %s, ready in %.1f s.

  export KUBECONFIG=%s
  kubectl get nodes          (or, in any terminal: kubestep kubectl get nodes)

Ctrl-C stops it.
`, s.Version, s.Nodes, s.Network, s.Took.Seconds(), s.Kubeconfig)
	return err
}
