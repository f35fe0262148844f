package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/engine"
)

func (a *app) faultCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Break the running lab's network and nodes on purpose, and mend them",
		Long: `Break the running lab's network and nodes on purpose, and mend them.

Where is a node, as node-1, or a Pod's own link, as pod/default/web. Something that is broken stays so until it is
healed; a fault of a Pod holds for what replaces it under the same name as well. Each change is an event, net.fault, and
each packet that a fault loses is a hop that says why. What happens to links follows the network's own clock, which stands
still while a packet is held.`,
		Example: `  kubestep fault drop node-1 0.3
  kubestep fault cut node-2
  kubestep fault mtu pod/default/web 1500
  kubestep fault no-route node-1 node-2
  kubestep fault list
  kubestep fault heal node-1
  kubestep fault heal`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil // help
			}
			_, err := engine.ParseFault(args) // there is no such kind
			return faultUsage(cmd, err)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, k := range engine.FaultKinds() {
		cmd.AddCommand(a.faultKindCommand(k))
	}
	cmd.AddCommand(a.faultHealCommand(), a.faultListCommand())
	return cmd
}

func (a *app) faultKindCommand(k engine.FaultKind) *cobra.Command {
	example := map[string]string{
		engine.FaultDrop:    "  kubestep fault drop node-1 0.3\n  kubestep fault drop pod/default/web ..x",
		engine.FaultDelay:   "  kubestep fault delay pod/default/web 200ms",
		engine.FaultReorder: "  kubestep fault reorder node-1 0.3 20ms",
		engine.FaultMTU:     "  kubestep fault mtu node-1 1400\n  kubestep fault mtu pod/default/web 1500",
		engine.FaultRoute:   "  kubestep fault no-route node-1 node-2",
	}[k.Name]
	if example == "" {
		example = "  kubestep fault " + k.Name + " node-1"
	}
	return a.faultChange(&cobra.Command{
		Use: k.Usage(), Short: strings.ToUpper(k.Short[:1]) + k.Short[1:], Example: example,
		ValidArgsFunction: a.completeFault(func(s engine.FaultState, given []string) []string {
			switch {
			case len(given) == 0 && k.Pods:
				return append(slices.Clone(s.Nodes), podTargets(s.Pods)...)
			case len(given) == 0:
				return s.Nodes
			case len(given) == 1 && k.Name == engine.FaultRoute:
				return slices.DeleteFunc(slices.Clone(s.Nodes), func(n string) bool { return n == given[0] })
			}
			return nil
		}),
	})
}

func podTargets(pods []string) []string {
	var all []string
	for _, p := range pods {
		all = append(all, "pod/"+p)
	}
	return all
}

func (a *app) faultHealCommand() *cobra.Command {
	return a.faultChange(&cobra.Command{
		Use: "heal [KIND] [NODE|pod/NAMESPACE/NAME]", Short: "Mend what is broken: everything, or what fits",
		Example: "  kubestep fault heal\n  kubestep fault heal node-1\n  kubestep fault heal drop pod/default/web",
		ValidArgsFunction: a.completeFault(func(s engine.FaultState, given []string) []string {
			var fit []string
			for _, f := range s.Faults {
				switch {
				case len(given) == 0:
					fit = append(fit, f.Kind, f.Target)
				case len(given) == 1 && f.Kind == given[0]:
					fit = append(fit, f.Target)
				}
			}
			slices.Sort(fit)
			return slices.Compact(fit)
		}),
	})
}

// faultChange makes cmd give its name and arguments to the running lab.
func (a *app) faultChange(cmd *cobra.Command) *cobra.Command {
	var asJSON bool
	words := func(args []string) []string { return append([]string{cmd.Name()}, args...) }
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		_, err := engine.ParseFault(words(args))
		return faultUsage(cmd, err)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := engine.ParseFault(words(args))
		if err != nil {
			return err
		}
		return a.withFaults(cmd.Context(), func(faults engine.Faults) error {
			state, err := faults.Do(cmd.Context(), c)
			if err != nil {
				return err
			}
			return tellFaults(cmd.OutOrStdout(), state, asJSON)
		})
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what is broken now as one JSON object")
	return cmd
}

func (a *app) faultListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "Print what is broken, as the commands that have done it", Args: args(cobra.NoArgs),
		Example: "  kubestep fault list\n  kubestep fault list --json | jq -r '.pods[]'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withFaults(cmd.Context(), func(faults engine.Faults) error {
				state, err := faults.State(cmd.Context())
				if err != nil {
					return err
				}
				return tellFaults(cmd.OutOrStdout(), state, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: what is broken, and which nodes and Pods there are")
	return cmd
}

// faultUsage says where to read how a fault is written.
func faultUsage(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())
}

// withFaults calls do with what breaks the running lab.
func (a *app) withFaults(ctx context.Context, do func(faults engine.Faults) error) error {
	lab, err := a.dial(ctx) // the lab's events are not needed
	if err != nil {
		return err
	}
	return do(lab.Faults())
}

func tellFaults(out io.Writer, s engine.FaultState, asJSON bool) error {
	if asJSON {
		return writeJSON(out, s)
	}
	text := "nothing is broken\n"
	if len(s.Faults) > 0 {
		text = ""
	}
	for _, f := range s.Faults {
		text += f.String() + "\n"
	}
	_, err := io.WriteString(out, text)
	return err
}

// completeFault completes arguments from what the running lab says; without a lab there is nothing to offer.
func (a *app) completeFault(offer func(s engine.FaultState, given []string) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var fit []cobra.Completion
		// An error has nowhere to go while somebody types.
		_ = a.withFaults(cmd.Context(), func(faults engine.Faults) error {
			s, err := faults.State(cmd.Context())
			for _, word := range offer(s, given) {
				if strings.HasPrefix(word, begun) {
					fit = append(fit, word)
				}
			}
			return err
		})
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}
