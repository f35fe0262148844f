package tap

import (
	"fmt"
	"runtime"

	"k8s.io/component-base/version"
)

// UserAgent returns what upstream's program sends as User-Agent for one of its clients:
// "kube-scheduler/v1.36.3 (linux/amd64) kubernetes/1234567/scheduler". client-go would name this process instead, and the
// API server takes the first word as the field manager of what the client writes.
func UserAgent(program, client string) string {
	v := version.Get()
	commit := v.GitCommit
	switch {
	case commit == "":
		commit = "unknown"
	case len(commit) > 7:
		commit = commit[:7]
	}
	agent := fmt.Sprintf("%s/%s (%s/%s) kubernetes/%s", program, v.GitVersion, runtime.GOOS, runtime.GOARCH, commit)
	if client != "" {
		agent += "/" + client
	}
	return agent
}
