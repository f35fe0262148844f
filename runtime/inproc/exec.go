package inproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	criclient "k8s.io/cri-client/pkg"
	utilexec "k8s.io/utils/exec"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/network"
	"github.com/kubestep/kubestep/runtime/program"
)

// maxExecOutput is how much of each stream ExecSync returns, as in containerd.
const maxExecOutput = 16 << 20

// running returns a container that runs.
func (r *Runtime) running(id string) (*container, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	c := r.containers[id]
	if c == nil {
		return nil, notFound("container", id)
	}
	if c.state != runtimeapi.ContainerState_CONTAINER_RUNNING {
		return nil, status.Errorf(codes.FailedPrecondition, "container %q is in %s state: it must be running", id, c.state)
	}
	return c, nil
}

// ExecSync implements the CRI, with the errors of the client that kubelets use otherwise (k8s.io/cri-client): an
// exec.CodeExitError for an exit code other than 0, ErrCommandTimedOut when the timeout, if there is one, ends first.
func (r *Runtime) ExecSync(
	ctx context.Context, id string, cmd []string, timeout time.Duration,
) (stdout, stderr []byte, err error) {
	var out, errOut limitedBuffer
	p, err := r.startExec(ctx, id, cmd, strings.NewReader(""), &out, &errOut, false, false)
	if err != nil {
		return nil, nil, err
	}
	var timedOut <-chan time.Time
	if timeout > 0 {
		timer := r.opts.Clock.NewTimer(timeout)
		defer timer.Stop()
		timedOut = timer.C()
	}
	select {
	case <-p.done:
	case <-timedOut:
		p.finish(program.SIGKILL.ExitCode())
		return nil, nil, fmt.Errorf("%w: %q timed out after %s", criclient.ErrCommandTimedOut, strings.Join(cmd, " "), timeout)
	case <-ctx.Done():
		p.finish(program.SIGKILL.ExitCode())
		return nil, nil, fmt.Errorf("execute %q: %w", strings.Join(cmd, " "), ctx.Err())
	}
	stdout, stderr = out.bytes(), errOut.bytes()
	if p.code != 0 {
		err = utilexec.CodeExitError{
			Err:  fmt.Errorf("command '%s' exited with %d: %s", strings.Join(cmd, " "), p.code, stderr),
			Code: p.code,
		}
	}
	return stdout, stderr, err
}

// startExec starts a command in a running container. What it does is caused by ctx's cause; followed makes the packets of
// its connections be reported.
func (r *Runtime) startExec(
	ctx context.Context, id string, cmd []string, in io.Reader, out, errOut io.Writer, tty, followed bool,
) (*process, error) {
	c, err := r.running(id)
	if err != nil {
		return nil, err
	}
	if len(cmd) == 0 {
		return nil, status.Error(codes.InvalidArgument, "exec: no command specified")
	}
	w := r.world(c, cmd, in, out, errOut, tty)
	prog, ok := w.Find(w, cmd[0])
	if !ok {
		return nil, fmt.Errorf("failed to exec in container: %w", commandNotFound(cmd[0]))
	}
	cause, _ := trace.CauseFrom(ctx)
	w.Processes = &tracedProcesses{processTable: &c.processes, signal: func(s program.Signal) {
		r.signalledFromInside(trace.WithCause(r.life, cause), c, s)
	}}
	life := trace.WithCause(r.life, cause)
	if followed {
		life = network.Follow(life)
	}
	p := c.processes.start(life, &r.programs, prog, w, func(*process) {})
	select {
	case <-c.init.done:
		p.finish(program.SIGKILL.ExitCode()) // it came just too late to be killed with the others
	default:
	}
	return p, nil
}

// signalledFromInside reports a signal that a command in the container sends to the container's first process.
func (r *Runtime) signalledFromInside(ctx context.Context, c *container, s program.Signal) {
	seq := r.record(ctx, "signal", c.sandbox,
		&trace.CRIDetail{Container: c.id, Name: c.config.Metadata.Name, Image: c.image.Name, Signal: s.String()})
	if seq != 0 {
		r.mu.Lock()
		c.cause = seq
		r.mu.Unlock()
	}
}

// tracedProcesses reports what is sent to PID 1.
type tracedProcesses struct {
	*processTable
	signal func(program.Signal)
}

// Signal implements [program.Processes].
func (t *tracedProcesses) Signal(pid int, s program.Signal) error {
	if pid == 1 {
		t.signal(s)
	}
	return t.processTable.Signal(pid, s)
}

// execStream runs a command with a client's streams until it ends or the client goes.
func (r *Runtime) execStream(
	ctx context.Context, id string, cmd []string, in io.Reader, out, errOut io.Writer, tty bool,
) error {
	if in == nil {
		in = strings.NewReader("")
	}
	if out == nil {
		out = io.Discard
	}
	if errOut == nil {
		errOut = io.Discard
	}
	var term *terminal
	if tty {
		term = newTerminal(in, out)
		in, out, errOut = term, term.output(), term.output()
	}
	p, err := r.startExec(ctx, id, cmd, in, out, errOut, tty, true)
	if err != nil {
		return err
	}
	if term != nil {
		go term.pump(p.signal) // ends with the client's stream, which ends with this call
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.finish(program.SIGKILL.ExitCode())
		return ctx.Err()
	}
	if p.code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", p.code), Code: p.code}
	}
	return nil
}

// attachStream connects a client to a container's streams until the container ends or the client goes.
func (r *Runtime) attachStream(ctx context.Context, id string, in io.Reader, out, errOut io.Writer, tty bool) error {
	c, err := r.running(id)
	if err != nil {
		return err
	}
	a := &attachment{stdout: out, stderr: errOut}
	if tty && out != nil {
		term := newTerminal(in, out)
		a.stdout, a.stderr = term.output(), term.output()
		if in != nil {
			in = term
			go term.pump(c.init.signal) // ends with the client's stream, which ends with this call
		}
	}
	defer c.output.attach(a)()
	if in != nil {
		go c.stdin.feed(in) // as above
	}
	select {
	case <-c.init.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forwardPort connects a client to a port of a Pod.
func (r *Runtime) forwardPort(ctx context.Context, sandboxID string, port int32, client io.ReadWriteCloser) error {
	r.mu.Lock()
	s := r.sandboxes[sandboxID]
	ready := s != nil && s.ready
	r.mu.Unlock()
	if s == nil {
		return notFound("sandbox", sandboxID)
	}
	if !ready {
		return status.Errorf(codes.FailedPrecondition, "sandbox container %q is not running", sandboxID)
	}
	conn, err := s.network.Dial(network.Follow(ctx), "tcp", fmt.Sprintf("localhost:%d", port))
	if err != nil {
		return fmt.Errorf("failed to connect to localhost:%d inside namespace of sandbox %q: %w", port, sandboxID, err)
	}
	defer conn.Close()
	done := make(chan error, 2)
	go func() {
		_, err := io.Copy(conn, client)
		done <- err
	}()
	go func() {
		_, err := io.Copy(client, conn)
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	err = errors.Join(err, conn.Close(), client.Close())
	return err
}

// limitedBuffer keeps the first part of what is written to it.
type limitedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer; it accepts everything.
func (l *limitedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p[:min(len(p), maxExecOutput-l.b.Len())])
	return len(p), nil
}

func (l *limitedBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}
