// Package critest is the conformance suite of the CRI as the lab needs it: every runtime that a node of the lab can have
// must pass it. It uses the lab's own images (runtime/program), which every runtime has.
//
// Only tests may import it.
package critest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Runtime is what the suite tests.
type Runtime struct {
	internalapi.RuntimeService
	Images internalapi.ImageManagerService
	// HostDir is an empty directory below which the suite makes log directories and what it mounts.
	HostDir string
}

// The images that the suite uses.
const (
	webV1    = "kubestep.dev/web:v1"
	webV2    = "kubestep.dev/web:v2"
	sleepV1  = "kubestep.dev/sleep:v1"
	crashV1  = "kubestep.dev/crash:v1"
	stubborn = "kubestep.dev/stubborn:v1"
	tools    = "kubestep.dev/tools:v1"
)

// deadline bounds every wait of the suite; nothing in it should take long.
const deadline = 20 * time.Second

// Run runs the suite. newRuntime is called for each part and returns a runtime without sandboxes, which ends with the
// test. The suite tells it the node's Pod CIDR first, as a kubelet does: without one a runtime may refuse sandboxes.
func Run(t *testing.T, newRuntime func(t *testing.T) Runtime) {
	for name, test := range map[string]func(t *testing.T, r Runtime){
		"Version":              testVersion,
		"Lifecycle":            testLifecycle,
		"Order":                testOrder,
		"Idempotence":          testIdempotence,
		"NotFound":             testNotFound,
		"Filters":              testFilters,
		"Names":                testNames,
		"Attempts":             testAttempts,
		"ExitCodes":            testExitCodes,
		"CommandNotFound":      testCommandNotFound,
		"CommandAndArgs":       testCommandAndArgs,
		"Environment":          testEnvironment,
		"Logs":                 testLogs,
		"LogsPartialLines":     testLogsPartialLines,
		"ReopenLog":            testReopenLog,
		"StopWithGrace":        testStopWithGrace,
		"StopKillsAfterGrace":  testStopKillsAfterGrace,
		"StopAtOnce":           testStopAtOnce,
		"StopSandboxKills":     testStopSandboxKills,
		"RemoveRunning":        testRemoveRunning,
		"ExecSync":             testExecSync,
		"ExecSyncTimeout":      testExecSyncTimeout,
		"ExecKillsContainer":   testExecKillsContainer,
		"Exec":                 testExec,
		"ExecTerminal":         testExecTerminal,
		"Attach":               testAttach,
		"Images":               testImages,
		"UnknownImage":         testUnknownImage,
		"Mounts":               testMounts,
		"MountsDoNotLeak":      testMountsDoNotLeak,
		"RootFileSystem":       testRootFileSystem,
		"Resolver":             testResolver,
		"PodNetwork":           testPodNetwork,
		"PodAddresses":         testPodAddresses,
		"Stats":                testStats,
		"Resources":            testResources,
		"Events":               testEvents,
		"Concurrency":          testConcurrency,
		"ConcurrentStopRemove": testConcurrentStopRemove,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuntime(t)
			SetPodCIDR(t, r)
			test(t, r)
		})
	}
}

// SetPodCIDR tells a runtime which addresses its Pods have: 10.244.3.0/24.
func SetPodCIDR(t testing.TB, r internalapi.RuntimeService) {
	t.Helper()
	if err := r.UpdateRuntimeConfig(t.Context(), &runtimeapi.RuntimeConfig{
		NetworkConfig: &runtimeapi.NetworkConfig{PodCidr: "10.244.3.0/24"},
	}); err != nil {
		t.Fatal(err)
	}
}

// pod makes sandboxes' configurations and what belongs to them.
type pod struct {
	t      *testing.T
	r      Runtime
	config *runtimeapi.PodSandboxConfig
	id     string // of the sandbox
}

// newPod runs a sandbox.
func newPod(t *testing.T, r Runtime, name string) *pod {
	t.Helper()
	p := &pod{t: t, r: r, config: podConfig(r, name)}
	id, err := r.RunPodSandbox(t.Context(), p.config, "")
	if err != nil {
		t.Fatalf("RunPodSandbox: %v", err)
	}
	p.id = id
	return p
}

func podConfig(r Runtime, name string) *runtimeapi.PodSandboxConfig {
	return &runtimeapi.PodSandboxConfig{
		Metadata:     &runtimeapi.PodSandboxMetadata{Name: name, Namespace: "default", Uid: "uid-" + name},
		Hostname:     name,
		LogDirectory: filepath.Join(r.HostDir, "logs", name),
		Labels: map[string]string{
			"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.uid": "uid-" + name,
		},
		Annotations: map[string]string{"note": "kept as it is"},
		DnsConfig: &runtimeapi.DNSConfig{
			Servers: []string{"10.96.0.10"}, Searches: []string{"default.svc.cluster.local", "svc.cluster.local"},
			Options: []string{"ndots:5"},
		},
		Linux: &runtimeapi.LinuxPodSandboxConfig{},
	}
}

// option changes a container's configuration.
type option func(c *runtimeapi.ContainerConfig)

func command(args ...string) option {
	return func(c *runtimeapi.ContainerConfig) { c.Command = args }
}

func args(args ...string) option {
	return func(c *runtimeapi.ContainerConfig) { c.Args = args }
}

func mount(host, container string, readOnly bool) option {
	return func(c *runtimeapi.ContainerConfig) {
		c.Mounts = append(c.Mounts, &runtimeapi.Mount{HostPath: host, ContainerPath: container, Readonly: readOnly})
	}
}

func attempt(n uint32) option {
	return func(c *runtimeapi.ContainerConfig) {
		c.Metadata.Attempt = n
		c.LogPath = c.Metadata.Name + "/" + string(rune('0'+n)) + ".log"
	}
}

// create pulls the image and creates a container.
func (p *pod) create(name, image string, options ...option) string {
	p.t.Helper()
	id, err := p.tryCreate(p.t.Context(), name, image, options...)
	if err != nil {
		p.t.Fatalf("create container %s: %v", name, err)
	}
	return id
}

func (p *pod) tryCreate(ctx context.Context, name, image string, options ...option) (string, error) {
	ref, err := p.r.Images.PullImage(ctx, &runtimeapi.ImageSpec{Image: image}, nil, p.config)
	if err != nil {
		return "", err
	}
	c := &runtimeapi.ContainerConfig{
		Metadata:    &runtimeapi.ContainerMetadata{Name: name},
		Image:       &runtimeapi.ImageSpec{Image: ref, UserSpecifiedImage: image},
		LogPath:     name + "/0.log",
		Labels:      map[string]string{"io.kubernetes.container.name": name},
		Annotations: map[string]string{"note": "kept as it is"},
		Linux:       &runtimeapi.LinuxContainerConfig{},
	}
	for _, o := range options {
		o(c)
	}
	// The kubelet makes the directory of the log.
	if err := os.MkdirAll(filepath.Join(p.config.LogDirectory, filepath.Dir(c.LogPath)), 0o755); err != nil {
		return "", err
	}
	return p.r.CreateContainer(ctx, p.id, c, p.config)
}

// start creates and starts a container.
func (p *pod) start(name, image string, options ...option) string {
	p.t.Helper()
	id := p.create(name, image, options...)
	if err := p.r.StartContainer(p.t.Context(), id); err != nil {
		p.t.Fatalf("StartContainer: %v", err)
	}
	return id
}

// run creates and starts a container and waits for its end.
func (p *pod) run(name, image string, options ...option) *runtimeapi.ContainerStatus {
	p.t.Helper()
	return waitExited(p.t, p.r, p.start(name, image, options...))
}

// shell runs a command line in a new container and waits for its end.
func (p *pod) shell(name, line string, options ...option) *runtimeapi.ContainerStatus {
	p.t.Helper()
	return p.run(name, tools, append([]option{command("sh", "-c", line)}, options...)...)
}

// logs returns a container's log file.
func (p *pod) logs(st *runtimeapi.ContainerStatus) string {
	p.t.Helper()
	raw, err := os.ReadFile(st.LogPath)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(raw)
}

// text returns what a container has written, without what the log adds.
func (p *pod) text(st *runtimeapi.ContainerStatus) string {
	p.t.Helper()
	var b strings.Builder
	for line := range strings.Lines(p.logs(st)) {
		fields := strings.SplitN(line, " ", 4)
		if len(fields) != 4 {
			p.t.Fatalf("log line %q has not four fields", line)
		}
		if fields[2] == "P" {
			fields[3] = strings.TrimSuffix(fields[3], "\n")
		}
		b.WriteString(fields[3])
	}
	return b.String()
}

func containerStatus(t *testing.T, r Runtime, id string) *runtimeapi.ContainerStatus {
	t.Helper()
	resp, err := r.ContainerStatus(t.Context(), id, false)
	if err != nil {
		t.Fatalf("ContainerStatus: %v", err)
	}
	return resp.Status
}

func waitExited(t *testing.T, r Runtime, id string) *runtimeapi.ContainerStatus {
	t.Helper()
	var st *runtimeapi.ContainerStatus
	wait(t, "container to exit", func() bool {
		st = containerStatus(t, r, id)
		return st.State == runtimeapi.ContainerState_CONTAINER_EXITED
	})
	return st
}

// waitLog waits until a container has written text.
func (p *pod) waitLog(id, text string) {
	p.t.Helper()
	st := containerStatus(p.t, p.r, id)
	wait(p.t, "log to have "+text, func() bool { return strings.Contains(p.logs(st), text) })
}

// wait waits for a condition that nothing announces.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	if done() {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if done() {
				return
			}
		case <-ctx.Done():
			t.Fatalf("waited %s for %s", deadline, what)
		}
	}
}
