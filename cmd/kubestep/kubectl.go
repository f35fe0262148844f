package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/kubectl"
	"github.com/kubestep/kubestep/engine/kubeglobal"
)

func (a *app) kubectlCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl [flags of kubectl] COMMAND",
		Short: "Run the kubectl that is in this program against the running lab",
		Long: `Run the kubectl that is in this program against the running lab.

It is upstream's kubectl. The kubeconfig is the running lab's, whatever KUBECONFIG says, so that a command meant for the
lab never reaches another cluster; --kubeconfig names another one.`,
		Example: `  kubestep kubectl get nodes
  kubestep kubectl create deployment web --image=kubestep.dev/web:v1 --replicas=3`,
		DisableFlagParsing: true,
		SilenceUsage:       true,
		RunE: func(cmd *cobra.Command, args []string) error {
			kubeconfig, err := a.kubeconfigFor(cmd.Context(), args)
			if err != nil {
				return err
			}
			if err := kubeglobal.SetVersion(); err != nil {
				return err
			}
			kubectl.Main(kubectl.Options{
				Args: args, Kubeconfig: kubeconfig, Run: os.Getenv(kubectl.RunEnv), Streams: kubectl.StandardStreams(),
			})
			return nil
		},
	}
}

// kubeconfigFor returns the kubeconfig for a run of kubectl: the one that [kubectl.Command] passed, or the running
// lab's when that is ready. It is empty when the arguments name one or need none.
func (a *app) kubeconfigFor(ctx context.Context, args []string) (string, error) {
	if passed := os.Getenv(kubectl.KubeconfigEnv); passed != "" {
		return passed, nil
	}
	if slices.ContainsFunc(args, func(arg string) bool { return arg == "--kubeconfig" || strings.HasPrefix(arg, "--kubeconfig=") }) {
		return "", nil
	}
	lab, err := a.connect(ctx)
	switch {
	case err == nil:
		status, err := ready(ctx, lab, nil)
		return status.Kubeconfig, errors.Join(err, lab.Close())
	case errors.Is(err, engine.ErrNoLab) && offline(args):
		return os.DevNull, nil
	}
	return "", err
}

// offline reports whether kubectl asks no cluster.
func offline(args []string) bool {
	for _, arg := range args {
		switch {
		case arg == "-h" || arg == "--help" || arg == "--client" || arg == "--client=true":
			return true
		case arg == "--":
			return false
		}
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		switch arg {
		case "help", "completion", "options", "plugin", "kustomize", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
			return true
		}
		return false
	}
	return true // nothing but flags: it prints its help
}
