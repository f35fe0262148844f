package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

func (a *app) recordCommand() *cobra.Command {
	var (
		f      labFlags
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "record FILE",
		Short: "Record everything that happens in the lab, until it is interrupted",
		Long: `Record everything that happens in the lab, until it is interrupted.

It records the running lab, from its beginning as far as that is still kept, or makes a lab for the time being. What has
been written survives a kill. kubestep replay opens the file without a cluster, kubestep export makes documents of it.`,
		Example: `  kubestep record web.ks
  kubestep record --json web.ks | jq .events`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return a.record(ctx, f, args[0], asJSON, cmd.OutOrStdout())
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object at the end")
	return cmd
}

// recorded is the line that `kubestep record --json` prints.
type recorded struct {
	File   string `json:"file"`
	Events int    `json:"events"`
	Bytes  int64  `json:"bytes"`
}

// record writes what happens until ctx or the lab ends.
func (a *app) record(ctx context.Context, f labFlags, path string, asJSON bool, out io.Writer) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is there already; choose another name, or remove it first", engine.ErrUsage, path)
	}
	l, closeLab, err := a.findOrStart(ctx, f)
	if err != nil {
		if ctx.Err() != nil {
			return nil // interrupted before it was ready
		}
		return err
	}
	defer func() {
		if e := closeLab(); err == nil {
			err = e
		}
	}()
	s := l.Status()
	finish, err := startRecording(ctx, path, l, trace.Header{Kubernetes: s.Version, Nodes: s.Nodes, Seed: s.Seed})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.terminal, "Recording to %s; Ctrl-C ends it.\n\n  export KUBECONFIG=%s\n", path, s.Kubeconfig)
	awaitEnd(ctx, l, s)
	if err := finish(); err != nil {
		return err
	}
	first, last := l.Events().Len()
	r := recorded{File: path, Events: int(last - first + 1)} //nolint:gosec // as many as fit in memory
	if info, err := os.Stat(path); err == nil {
		r.Bytes = info.Size()
	}
	if asJSON {
		return writeJSON(out, r)
	}
	_, err = fmt.Fprintf(out, "%s has %d events in %d KiB; open it with: kubestep replay %s\n", path, r.Events, (r.Bytes+1023)>>10, path)
	return err
}

// awaitEnd returns when ctx ends or the lab has stopped or is gone.
func awaitEnd(ctx context.Context, l engine.Lab, s engine.Status) {
	for !s.Stopped {
		var err error
		if s, err = l.WaitStatus(ctx, s.Generation); err != nil {
			return
		}
	}
}

// startRecording writes what happens in the lab to a new file until finish is called, which tells whether all of it is
// there.
func startRecording(ctx context.Context, path string, l engine.Lab, h trace.Header) (finish func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	written := make(chan error, 1)
	h.Created = time.Now().UTC()
	go func() { written <- trace.Record(ctx, file, h, l.Events()) }()
	return func() error {
		cancel()
		err := <-written
		if e := file.Close(); err == nil {
			err = e
		}
		if err != nil {
			return fmt.Errorf("record to %s: %w", path, err)
		}
		return nil
	}, nil
}
