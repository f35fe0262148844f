package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/settings"
	"github.com/kubestep/kubestep/engine"
)

// app is what the commands share.
type app struct {
	terminal *os.File // the process's own stderr
	dirs     settings.Dirs
}

func newRoot(terminal *os.File) *cobra.Command {
	a := &app{terminal: terminal, dirs: settings.Find(os.LookupEnv)}
	root := a.openCommand()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(badFlag)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.DisableFlagParsing { // kubectl's flags are its own
			return nil
		}
		return a.configure(root, cmd)
	}
	root.AddCommand(a.upCommand(), a.kubectlCommand(), a.traceCommand(), a.replayCommand(), a.recordCommand(), a.exportCommand(), a.benchCommand(),
		a.benchChildCommand(), a.doctorCommand(), a.versionCommand(), a.lessonCommand(), a.runCommand(), a.quizCommand(),
		a.faultCommand())
	// Cobra's own completion command would print its help for a shell that it does not know.
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Args = args(cobra.NoArgs)
		completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	return root
}

// configure fills in flags from the environment and the configuration file.
func (a *app) configure(root, cmd *cobra.Command) error {
	file, err := settings.ReadFile(a.dirs.Config)
	if err != nil {
		return fmt.Errorf("%w: %w", engine.ErrUsage, err)
	}
	all := []*pflag.FlagSet{root.Flags()}
	for _, c := range root.Commands() {
		all = append(all, c.Flags())
	}
	if err := file.Check(all...); err != nil {
		return fmt.Errorf("%w: %w", engine.ErrUsage, err)
	}
	if err := file.Apply(cmd.Flags(), os.LookupEnv); err != nil {
		return fmt.Errorf("%w: %w", engine.ErrUsage, err)
	}
	return nil
}

// usage says what is wrong with a command line and where to read how it is right.
func usage(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w: %w; see: %s --help", engine.ErrUsage, err, cmd.CommandPath())
}

// badFlag says it in words when a flag's value is no number: strconv's are for programmers.
func badFlag(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok && errors.Is(err, strconv.ErrSyntax) {
		flag := invalid.GetFlag()
		err = fmt.Errorf("--%s is a number (%s), not %q", flag.Name, flag.Value.Type(), invalid.GetValue())
	}
	return usage(cmd, err)
}

// args checks the arguments of a command as check does.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			if _, wants, ok := strings.Cut(cmd.Use, " "); ok {
				err = fmt.Errorf("write %s %s: %w", cmd.CommandPath(), wants, err)
			}
			return usage(cmd, err)
		}
		return nil
	}
}
