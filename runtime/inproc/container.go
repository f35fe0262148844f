package inproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/program"
)

// container is one container: created, then running, then exited; never back.
type container struct {
	id        string
	sandbox   *sandbox
	config    *runtimeapi.ContainerConfig // not changed after it was made
	image     *program.Image
	created   time.Time
	dir       string // on the host: its root file system and nothing else
	mounts    []program.Mount
	logPath   string
	processes processTable
	output    *output
	stdin     *stdin

	// Under Runtime.mu.
	state             runtimeapi.ContainerState
	init              *process
	resources         *runtimeapi.ContainerResources
	started, finished time.Time
	exitCode          int32
	reason, message   string
	cause             uint64 // the event that made it start or that will make it end
}

// Reasons of an exited container, as containerd gives them.
const (
	reasonCompleted  = "Completed"
	reasonError      = "Error"
	reasonStartError = "StartError"
	// startErrorCode is the exit code of a container whose program could not be started.
	startErrorCode = 128
)

// CreateContainer implements the CRI.
func (r *Runtime) CreateContainer(
	_ context.Context, sandboxID string, config *runtimeapi.ContainerConfig, _ *runtimeapi.PodSandboxConfig,
) (string, error) {
	if config.GetMetadata() == nil {
		return "", status.Error(codes.InvalidArgument, "container config must include metadata")
	}
	c, err := r.reserveContainer(sandboxID, config)
	if err != nil {
		return "", err
	}
	if err := r.prepareContainer(c); err != nil {
		r.mu.Lock()
		delete(r.containers, c.id)
		r.mu.Unlock()
		return "", errors.Join(fmt.Errorf("failed to create container %q: %w", config.Metadata.Name, err),
			os.RemoveAll(c.dir))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emit(c.sandbox, c, runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT)
	return c.id, nil
}

// reserveContainer gives a container an ID and takes its name, which only one container of the sandbox may have.
func (r *Runtime) reserveContainer(sandboxID string, config *runtimeapi.ContainerConfig) (*container, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	s := r.sandboxes[sandboxID]
	if s == nil {
		return nil, notFound("sandbox", sandboxID)
	}
	if !s.ready {
		return nil, status.Errorf(codes.FailedPrecondition, "sandbox %q is not running", sandboxID)
	}
	img := r.pulled(config.GetImage().GetImage())
	if img == nil {
		return nil, status.Errorf(codes.NotFound, "failed to get image %q: not found: pull it first", config.GetImage().GetImage())
	}
	m := config.Metadata
	for _, other := range r.containersOf(sandboxID) {
		if o := other.config.Metadata; o.Name == m.Name && o.Attempt == m.Attempt {
			return nil, status.Errorf(codes.AlreadyExists, "failed to reserve container name \"%s_%d\": it is reserved for %q",
				m.Name, m.Attempt, other.id)
		}
	}
	id, err := r.newID()
	if err != nil {
		return nil, err
	}
	c := &container{
		id: id, sandbox: s, config: config, image: img.Image, created: r.opts.Clock.Now(),
		dir: filepath.Join(r.opts.Dir, "containers", id), state: runtimeapi.ContainerState_CONTAINER_CREATED,
		resources: &runtimeapi.ContainerResources{Linux: config.GetLinux().GetResources()},
	}
	if dir := s.config.GetLogDirectory(); dir != "" && config.GetLogPath() != "" {
		c.logPath = filepath.Join(dir, config.LogPath)
	}
	r.containers[id] = c
	return c, nil
}

func (r *Runtime) prepareContainer(c *container) error {
	var err error
	if c.mounts, err = r.prepareFiles(c); err != nil {
		return err
	}
	c.output = newOutput(c.logPath, r.opts.Clock)
	c.stdin = newStdin(c.config.GetStdin(), c.config.GetStdinOnce())
	return nil
}

// StartContainer implements the CRI.
func (r *Runtime) StartContainer(ctx context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errStopped
	}
	c := r.containers[id]
	if c == nil {
		return notFound("container", id)
	}
	if c.state != runtimeapi.ContainerState_CONTAINER_CREATED {
		return status.Errorf(codes.FailedPrecondition, "container %q is in %s state: only a created container can be started",
			id, c.state)
	}
	if !c.sandbox.ready {
		return status.Errorf(codes.FailedPrecondition, "sandbox container %q is not running", c.sandbox.id)
	}
	c.cause, _ = trace.CauseFrom(ctx)
	w := r.world(c, c.image.Command(c.config.Command, c.config.Args), c.stdin, c.output.stdout, c.output.stderr, c.config.Tty)
	err := c.output.open()
	prog, found := program.Program(nil), false
	if err == nil && len(w.Args) > 0 {
		if prog, found = w.Find(w, w.Args[0]); !found {
			err = commandNotFound(w.Args[0])
		}
	} else if err == nil {
		err = errors.New("no command specified: the image has none, and neither has the container")
	}
	now := r.opts.Clock.Now()
	if err != nil {
		c.state, c.reason, c.message = runtimeapi.ContainerState_CONTAINER_EXITED, reasonStartError, err.Error()
		c.exitCode, c.finished = startErrorCode, now
		r.emit(c.sandbox, c, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
		return fmt.Errorf("failed to start container %q: %w", id, err)
	}
	c.state, c.started = runtimeapi.ContainerState_CONTAINER_RUNNING, now
	c.init = c.processes.start(r.life, &r.programs, prog, w, func(p *process) { r.exited(c, p.code) })
	r.emit(c.sandbox, c, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT)
	return nil
}

func commandNotFound(name string) error {
	return fmt.Errorf("unable to start container process: exec: %q: executable file not found in $PATH", name)
}

// world makes a process's world in a container.
func (r *Runtime) world(c *container, args []string, in io.Reader, out, errOut io.Writer, tty bool) *program.World {
	env := slices.Clone(c.image.Config.Env)
	env = append(env, "HOSTNAME="+r.hostname(c.sandbox))
	for _, e := range c.config.Envs {
		env = append(env, e.Key+"="+string(e.Value))
	}
	dir := c.config.WorkingDir
	if dir == "" {
		dir = c.image.Config.WorkingDir
	}
	if dir == "" {
		dir = "/"
	}
	return &program.World{
		Args: args, Env: dedupe(env), Dir: dir, Hostname: r.hostname(c.sandbox), Terminal: tty,
		Stdin: in, Stdout: out, Stderr: errOut, Files: program.NewView(c.mounts, out, errOut),
		Network: c.sandbox.network, Processes: &c.processes, Clock: r.opts.ProgramClock, Find: c.image.Find,
		DNS: r.opts.DNS.Observer(programActor(c.sandbox), podOf(c.sandbox.config)), Count: r.count(c.sandbox),
	}
}

// count reports what a program's requests came to; nil without a tap.
func (r *Runtime) count(s *sandbox) func(program.Requests) {
	if r.opts.Tap == nil {
		return nil
	}
	return func(sum program.Requests) {
		r.opts.Tap.Record(r.life, trace.Event{Kind: trace.ProgramRequests, Actor: programActor(s), Verb: "count",
			Object: podOf(s.config), Background: true, Detail: &trace.RequestsDetail{
				URL: sum.URL, OK: sum.OK, Failed: sum.Failed, Answers: sum.Answers, LastError: sum.LastError,
			}})
	}
}

// programActor names a Pod's programs in the trace.
func programActor(s *sandbox) string {
	m := s.config.GetMetadata()
	return "pod " + m.GetNamespace() + "/" + m.GetName()
}

// hostname returns what a Pod's programs see: the node's name for Pods in its network.
func (r *Runtime) hostname(s *sandbox) string {
	if h := s.hostname(); h != "" {
		return h
	}
	return r.opts.Node
}

// dedupe keeps the last value of each variable, where it was set last.
func dedupe(env []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, e := range slices.Backward(env) {
		name := e
		for i := range e {
			if e[i] == '=' {
				name = e[:i]
				break
			}
		}
		if !seen[name] {
			seen[name] = true
			kept = append(kept, e)
		}
	}
	slices.Reverse(kept)
	return kept
}

// exited takes in that a container's first process has ended.
func (r *Runtime) exited(c *container, code int) {
	c.processes.killAll()
	c.stdin.close()
	if err := c.output.close(); err != nil {
		r.opts.Log.Warn("close container log", "container", c.id, "err", err)
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return // the power is off: nobody notices
	}
	cause := c.cause
	r.mu.Unlock()
	// The event comes before the state, so that what is done about the state comes after it.
	exit := int32(code)
	r.record(trace.WithCause(r.life, cause), "exit", c.sandbox,
		&trace.CRIDetail{Container: c.id, Name: c.config.Metadata.Name, Image: c.image.Name, ExitCode: &exit})
	r.mu.Lock()
	defer r.mu.Unlock()
	c.state, c.exitCode, c.finished = runtimeapi.ContainerState_CONTAINER_EXITED, exit, r.opts.Clock.Now()
	c.reason = reasonError
	if code == 0 {
		c.reason = reasonCompleted
	}
	r.emit(c.sandbox, c, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
}

// StopContainer implements the CRI: the stop signal, timeout seconds of grace, then SIGKILL. A timeout of 0 kills at
// once.
func (r *Runtime) StopContainer(ctx context.Context, id string, timeout int64) error {
	r.mu.Lock()
	c, closed := r.containers[id], r.closed
	r.mu.Unlock()
	if closed {
		return errStopped
	}
	if c == nil {
		return nil // what is gone is stopped: the CRI wants this call to be idempotent
	}
	return r.stopContainer(ctx, c, time.Duration(timeout)*time.Second)
}

func (r *Runtime) stopContainer(ctx context.Context, c *container, grace time.Duration) error {
	r.mu.Lock()
	p := c.init
	running := c.state == runtimeapi.ContainerState_CONTAINER_RUNNING
	r.mu.Unlock()
	if !running {
		return nil
	}
	if grace > 0 {
		r.signalContainer(ctx, c, stopSignal(c))
		timer := r.opts.Clock.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.done:
			return nil
		case <-timer.C():
		case <-ctx.Done():
			return fmt.Errorf("wait for container %q to stop: %w", c.id, ctx.Err())
		case <-r.life.Done():
			return errStopped
		}
	}
	r.signalContainer(ctx, c, program.SIGKILL)
	<-p.done // a kill needs nobody's help
	return nil
}

// signalContainer sends a signal to a container's first process and reports it.
func (r *Runtime) signalContainer(ctx context.Context, c *container, s program.Signal) {
	seq := r.record(ctx, "signal", c.sandbox,
		&trace.CRIDetail{Container: c.id, Name: c.config.Metadata.Name, Image: c.image.Name, Signal: s.String()})
	r.mu.Lock()
	if seq != 0 {
		c.cause = seq
	}
	p := c.init
	r.mu.Unlock()
	p.signal(s)
}

// stopSignal returns what the Pod asks for, or the image, or SIGTERM.
func stopSignal(c *container) program.Signal {
	if want := c.config.GetStopSignal(); want != runtimeapi.Signal_RUNTIME_DEFAULT {
		if s, ok := program.ParseSignal(want.String()); ok {
			return s
		}
	}
	if s, ok := program.ParseSignal(c.image.Config.StopSignal); ok {
		return s
	}
	return program.SIGTERM
}

// RemoveContainer implements the CRI: a running container is killed first.
func (r *Runtime) RemoveContainer(ctx context.Context, id string) error {
	r.mu.Lock()
	c, closed := r.containers[id], r.closed
	r.mu.Unlock()
	if closed {
		return errStopped
	}
	if c == nil {
		return nil // what is gone is removed: the CRI wants this call to be idempotent
	}
	if err := r.stopContainer(ctx, c, 0); err != nil {
		return fmt.Errorf("failed to forcibly stop container %q: %w", id, err)
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("failed to remove container's files: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.containers[id] == nil {
		return nil
	}
	delete(r.containers, id)
	r.emit(c.sandbox, c, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	return nil
}

// ContainerStatus implements the CRI.
func (r *Runtime) ContainerStatus(_ context.Context, id string, verbose bool) (*runtimeapi.ContainerStatusResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	c := r.containers[id]
	if c == nil {
		return nil, notFound("container", id)
	}
	resp := &runtimeapi.ContainerStatusResponse{Status: c.status()}
	if verbose {
		resp.Info = map[string]string{"runtime": RuntimeName, "directory": c.dir, "sandboxID": c.sandbox.id}
	}
	return resp, nil
}

// status is what the CRI wants to know. The caller holds Runtime.mu.
func (c *container) status() *runtimeapi.ContainerStatus {
	return &runtimeapi.ContainerStatus{
		Id: c.id, Metadata: c.config.Metadata, State: c.state,
		CreatedAt: c.created.UnixNano(), StartedAt: nano(c.started), FinishedAt: nano(c.finished),
		ExitCode: c.exitCode, Reason: c.reason, Message: c.message,
		Image: &runtimeapi.ImageSpec{Image: c.image.Name, UserSpecifiedImage: c.config.GetImage().GetUserSpecifiedImage()},
		// containerd gives the repository digest here, which becomes the Pod's status.imageID.
		ImageRef: c.image.Repository() + "@" + c.image.Digest.String(), ImageId: c.image.ID.String(),
		Labels: maps.Clone(c.config.Labels), Annotations: maps.Clone(c.config.Annotations),
		Mounts: c.config.Mounts, LogPath: c.logPath, Resources: c.resources, StopSignal: c.config.GetStopSignal(),
	}
}

// nano returns t in ns since 1970; 0, which the CRI reads as "not yet", for the zero time.
func nano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// ListContainers implements the CRI.
func (r *Runtime) ListContainers(_ context.Context, f *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	var list []*runtimeapi.Container
	for _, c := range r.containers {
		if f.GetId() != "" && f.GetId() != c.id || f.GetState() != nil && f.State.State != c.state ||
			f.GetPodSandboxId() != "" && f.GetPodSandboxId() != c.sandbox.id || !selects(f.GetLabelSelector(), c.config.Labels) {
			continue
		}
		list = append(list, &runtimeapi.Container{
			Id: c.id, PodSandboxId: c.sandbox.id, Metadata: c.config.Metadata, Image: c.config.Image,
			ImageRef: c.image.ID.String(), ImageId: c.image.ID.String(), State: c.state, CreatedAt: c.created.UnixNano(),
			Labels: maps.Clone(c.config.Labels), Annotations: maps.Clone(c.config.Annotations),
		})
	}
	slices.SortFunc(list, func(a, b *runtimeapi.Container) int { return int(a.CreatedAt - b.CreatedAt) })
	return list, nil
}

// UpdateContainerResources implements the CRI: the figures are kept and reported, but nothing enforces them, because
// programs share this process.
func (r *Runtime) UpdateContainerResources(_ context.Context, id string, res *runtimeapi.ContainerResources) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.containers[id]
	if c == nil {
		return notFound("container", id)
	}
	c.resources = res
	return nil
}

// ReopenContainerLog implements the CRI: the kubelet has moved the file away.
func (r *Runtime) ReopenContainerLog(_ context.Context, id string) error {
	r.mu.Lock()
	c := r.containers[id]
	running := c != nil && c.state == runtimeapi.ContainerState_CONTAINER_RUNNING
	r.mu.Unlock()
	if c == nil {
		return notFound("container", id)
	}
	if !running {
		return status.Errorf(codes.FailedPrecondition, "container %q is not running", id)
	}
	return c.output.open()
}

// CheckpointContainer implements the CRI: a goroutine cannot be written to a file.
func (r *Runtime) CheckpointContainer(context.Context, *runtimeapi.CheckpointContainerRequest) error {
	return status.Error(codes.Unimplemented, "this runtime cannot checkpoint containers")
}
