package main

import (
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
		Example: `  kubestep trace --out web.ks -- create deployment web --image=kubestep.dev/web:v1
  kubestep replay web.ks`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("replay: %w", err)
			}
			_, store, err := trace.ReadRecording(file)
			file.Close()
			if err != nil {
				return fmt.Errorf("replay %s: %w", args[0], err)
			}
			if !term.IsTerminal(int(os.Stdout.Fd())) || !term.IsTerminal(int(os.Stdin.Fd())) {
				return errNoTerminal
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			o := s.options()
			o.Recording = store
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
