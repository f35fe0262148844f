package tap

import (
	"fmt"
	"runtime"
	"strings"

	"k8s.io/component-base/version"
)

// Completion is the client of a kubectl that only looks up how a word could go on. Nobody has asked for what it reads, so
// its requests are background.
const Completion = "completion"

// Completes reports whether a User-Agent is of such a client.
func Completes(agent string) bool { return strings.HasSuffix(agent, "/"+Completion) }

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
