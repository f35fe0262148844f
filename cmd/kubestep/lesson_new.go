package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/lessons/schema"
)

func (a *app) lessonNewCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "new ID", Short: "Make the folder of a new lesson, which lints and proves as it is",
		Example: "  kubestep lesson new my-lesson\n  kubestep lesson prove --lessons . my-lesson",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := schema.Skeleton(args[0])
			if err != nil {
				return usage(cmd, err)
			}
			folder := filepath.Join(dir, args[0])
			if err := os.Mkdir(folder, 0o755); err != nil {
				if errors.Is(err, os.ErrExist) {
					return usage(cmd, fmt.Errorf("%s is there already", folder))
				}
				return fmt.Errorf("make the lesson's folder: %w", err)
			}
			for _, f := range files {
				if err := os.WriteFile(filepath.Join(folder, f.Name), f.Content, 0o644); err != nil {
					return fmt.Errorf("write the lesson: %w", err)
				}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is a lesson. Change it, and then:\n\n  kubestep lesson lint --lessons %s\n  kubestep lesson prove --lessons %s %s\n", folder, dir, dir, args[0])
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "in", ".", "make it in this `DIR`")
	return cmd
}
