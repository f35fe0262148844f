package kubectl

import (
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/plugin"
	"k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubestep/kubestep/engine/tap"
)

// Options are what a process gives to [Main].
type Options struct {
	Args       []string // without the program's name
	Kubeconfig string   // used unless the arguments name another
	Run        string   // see [Call]
	Streams    genericiooptions.IOStreams
}

// Main runs kubectl as upstream's cmd/kubectl/kubectl.go does. When the command fails, kubectl prints why and ends the
// process with a code that is not 0; Main returns only when all went well. A process calls it once and does nothing
// else.
func Main(o Options) {
	args := append([]string{"kubectl"}, o.Args...)
	os.Args = args // some of upstream's messages name the program by it
	// The verbosity must be set before the command is built: see upstream.
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(args))

	flags := genericclioptions.NewConfigFlags(true).
		WithDeprecatedPasswordFlag().
		WithDiscoveryBurst(300).WithDiscoveryQPS(50).
		WithWarningPrinter(o.Streams).
		WithWrapConfigFn(func(c *rest.Config) *rest.Config { return tapped(c, o.Run, client(o.Args)) })
	*flags.KubeConfig = o.Kubeconfig

	command := cmd.NewDefaultKubectlCommandWithArgs(cmd.KubectlOptions{
		PluginHandler: cmd.NewDefaultPluginHandler(plugin.ValidPluginFilenamePrefixes),
		Arguments:     args,
		ConfigFlags:   flags,
		IOStreams:     o.Streams,
	})
	command.SetArgs(o.Args)
	command.SetIn(o.Streams.In)
	command.SetOut(o.Streams.Out)
	command.SetErr(o.Streams.ErrOut)
	util.CheckErr(cli.RunNoErrOutput(command))
}

// client names the client of a run: one that only completes a word is told apart.
func client(args []string) string {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		return tap.Completion
	}
	return ""
}

// tapped makes the requests of c say who makes them and from where.
func tapped(c *rest.Config, run, client string) *rest.Config {
	if c.UserAgent == "" {
		c.UserAgent = tap.UserAgent("kubectl", client)
	}
	c.Wrap(newTransport(run))
	return c
}

// StandardStreams are the process's own.
func StandardStreams() genericiooptions.IOStreams {
	return genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
}
