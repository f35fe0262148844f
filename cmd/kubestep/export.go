package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/export"
	"github.com/kubestep/kubestep/tui/text"
)

// exportFlags are the flags of `kubestep export`.
type exportFlags struct {
	screenFlags
	as   string
	view string
	size string
	at   uint64
	all  bool
	out  string
}

// formats are what an export can be.
var formats = [...]string{"markdown", "svg", "html", "text"}

func (a *app) exportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Make a document or a picture of a recording, without a cluster",
		Long: `Make a document or a picture of a recording, without a cluster.

Markdown is the tree of what was asked for and all that it led to, with the places in upstream's source. The others are
the screen with one of the views, as it is drawn in a terminal of the given size, at any moment.`,
		Example: `  kubestep export web.ks --as markdown -o web.md
  kubestep export web.ks --as svg --view trace --size 120x40 -o trace.svg
  kubestep export web.ks --as html --view scheduler --at 1830 --lang zh -o why-this-node.html`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(formats[:], f.as) {
				return usage(cmd, fmt.Errorf("--as %q is none of %s", f.as, strings.Join(formats[:], ", ")))
			}
			return a.export(cmd.Context(), args[0], f, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.as, "as", "markdown", "what to make: "+strings.Join(formats[:], ", "))
	flags.StringVar(&f.view, "view", "map", "which view: "+strings.Join(tui.Views(), ", "))
	flags.StringVar(&f.size, "size", "120x40", "of the screen, in cells")
	flags.Uint64Var(&f.at, "at", 0, "the moment right after the event with this number (default: the end)")
	flags.BoolVar(&f.all, "all", false, "for markdown: every event, and not only what was asked for and what that led to")
	flags.StringVarP(&f.out, "out", "o", "", "write to this `FILE` (default: to stdout)")
	f.addLooks(flags)
	return cmd
}

// export reads a recording and writes what f asks for. What is wrong with the recording goes to the terminal.
func (a *app) export(ctx context.Context, path string, f exportFlags, stdout io.Writer) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	if o.Header, o.Recording, o.Damage, err = openRecording(path); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if o.Damage != nil {
		fmt.Fprintf(a.terminal, "kubestep: %s can be read only in part: %v\n", path, o.Damage)
		o.Damage = nil
	}
	write, err := f.writer(ctx, o)
	if err != nil {
		return err
	}
	if f.out == "" {
		return write(stdout)
	}
	file, err := os.OpenFile(f.out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644) //nolint:gosec // to be shown to others
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return fmt.Errorf("export to %s: %w", f.out, err)
	}
	return nil
}

// writer returns what writes the export.
func (f *exportFlags) writer(ctx context.Context, o tui.Options) (func(io.Writer) error, error) {
	if f.as == "markdown" {
		t := export.Trace{Header: o.Header, Events: o.Recording.Since(0).Events, All: f.all}
		return func(w io.Writer) error { return export.Markdown(w, text.In(text.Parse(o.Lang)), t) }, nil
	}
	still := tui.Still{View: f.view, At: f.at}
	if n, err := fmt.Sscanf(f.size+" ", "%dx%d ", &still.Width, &still.Height); n != 2 || err != nil {
		return nil, fmt.Errorf("%w: --size %q is not like 120x40", engine.ErrUsage, f.size)
	}
	screen, err := tui.Draw(ctx, o, still)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", engine.ErrUsage, err)
	}
	write := map[string]func(io.Writer, export.Screen) error{"svg": export.SVG, "html": export.HTML, "text": export.Text}[f.as]
	return func(w io.Writer) error { return write(w, screen) }, nil
}
