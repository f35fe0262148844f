package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui"
)

func (a *app) replayCommand() *cobra.Command {
	var s screenFlags
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Open a recording in the screens, without a cluster",
		Long: `Open a recording in the screens, without a cluster.

Of a recording that was cut off or damaged it shows what comes before that place, and says so.`,
		Example: `  kubestep record web.ks
  kubestep trace --out web.ks -- create deployment web --image=kubestep.dev/web:v1
  kubestep replay web.ks`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o, err := s.options()
			if err != nil {
				return err
			}
			if o.Header, o.Recording, o.Damage, err = openRecording(args[0]); err != nil {
				return fmt.Errorf("replay: %w", err)
			}
			if !term.IsTerminal(int(os.Stdout.Fd())) || !term.IsTerminal(int(os.Stdin.Fd())) {
				return errNoTerminal
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			m := a.newMachine()
			defer func() { err = errors.Join(err, m.Close()) }()
			if err := m.offer(&o, s.asciicast); err != nil {
				return err
			}
			err = tui.Run(ctx, o)
			if ctx.Err() != nil {
				return nil
			}
			return err
		},
	}
	s.add(cmd)
	return cmd
}

// openRecording reads a recording as far as it can be read; damage says why that is not all.
func openRecording(path string) (h trace.Header, store *trace.Store, damage, err error) {
	file, err := os.Open(path)
	if err != nil {
		return h, nil, nil, err
	}
	defer file.Close()
	h, store, damage = trace.Salvage(file)
	switch {
	case store == nil:
		return h, nil, nil, fmt.Errorf("%s: %w", path, damage)
	case len(store.Since(0).Events) == 0:
		return h, nil, nil, fmt.Errorf("%s: %w", path, errors.Join(errNoEvents, damage))
	}
	return h, store, damage, nil
}

var errNoEvents = errors.New("the recording has no events")
