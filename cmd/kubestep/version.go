package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versions says what this program is made of.
type versions struct {
	Kubestep   string `json:"kubestep"`
	Kubernetes string `json:"kubernetes"`
	Etcd       string `json:"etcd"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

func readVersions() versions {
	v := versions{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Kubestep = info.Main.Version
	for _, m := range info.Deps {
		switch m.Path {
		case "k8s.io/kubernetes":
			v.Kubernetes = m.Version
		case "go.etcd.io/etcd/server/v3":
			v.Etcd = m.Version
		}
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which Kubernetes this is",
		Example: `  kubestep version
  kubestep version --json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := readVersions()
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "kubestep %s with Kubernetes %s and etcd %s, %s, %s\n", v.Kubestep, v.Kubernetes,
				v.Etcd, v.Go, v.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
