package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/doctor"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can and cannot do, and what to do about it",
		Long: `Say what this machine can and cannot do, and what to do about it.

Each line is something that was tried. The exit code is 1 when no lab can run.`,
		Example: `  kubestep doctor
  kubestep doctor --json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			report := doctor.Run(doctor.World{Env: os.LookupEnv, Dirs: a.dirs, Stdout: os.Stdout})
			write := report.Write
			if asJSON {
				write = func(w io.Writer) error { return writeJSON(w, report) }
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return err
			}
			if !report.OK {
				return errTold
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
