package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The programs under test.
var (
	kubestep string
	// kubectl is upstream's own, compiled from the module that the lab is made of.
	kubectl string
)

const kubernetes = "v1.36.3"

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(dialOut) != "" {
		tryToLeave()
		os.Exit(0)
	}
	if testing.Short() {
		fmt.Println("skipped: -short leaves out the tests that run whole labs; make e2e runs them")
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kubestep-e2e-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	if kubestep = os.Getenv("KUBESTEP_BINARY"); kubestep == "" {
		kubestep = filepath.Join(dir, "kubestep")
		if err := build(kubestep, "-s -w", "github.com/kubestep/kubestep/cmd/kubestep"); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	kubectl = filepath.Join(dir, "kubectl")
	version := "-s -w -X k8s.io/component-base/version.gitVersion=" + kubernetes
	if err := build(kubectl, version, "k8s.io/kubernetes/cmd/kubectl"); err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

func build(out, ldflags, pkg string) error {
	cmd := exec.Command("go", "build", "-ldflags", ldflags, "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, output)
	}
	return nil
}

// user is somebody with a home and directories of their own, so that tests do not meet each other's labs.
type user struct {
	home string
	env  []string
}

func newUser(t *testing.T) *user {
	t.Helper()
	// Not t.TempDir: sockets need a short path.
	home, err := os.MkdirTemp("/tmp", "ks")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	tmp := filepath.Join(home, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	return &user{home: home, env: []string{
		"HOME=" + home, "TMPDIR=" + tmp, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=xterm-256color",
	}}
}

// command returns a run of kubestep by this user. It is interrupted, then killed, when the test ends first.
func (u *user) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), kubestep, args...)
	cmd.Env, cmd.Dir = u.env, u.home
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int
}

// run runs kubestep to its end.
func (u *user) run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := u.command(t, args...)
	return finish(t, cmd, stdin)
}

func finish(t *testing.T, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// ready is the line that `kubestep up --json` prints.
type ready struct {
	Ready      bool             `json:"ready"`
	Kubeconfig string           `json:"kubeconfig"`
	Version    string           `json:"version"`
	Nodes      int              `json:"nodes"`
	TimingsMs  map[string]int64 `json:"timingsMs"`
}

// lab is a `kubestep up --json` that is ready.
type lab struct {
	ready
	user   *user
	cmd    *exec.Cmd
	stderr *bytes.Buffer
	rest   chan string // what came on stdout after the ready line, when it has ended
	ended  bool
}

// startWithin bounds a lab's start on a slow, busy machine.
const startWithin = 2 * time.Minute

// up starts a lab. It is stopped, in order, at the end of the test.
func (u *user) up(t *testing.T, args ...string) *lab {
	t.Helper()
	l := &lab{user: u, stderr: &bytes.Buffer{}, rest: make(chan string, 1)}
	// Without the test's context, which ends before its clean-up: that would interrupt the lab twice.
	l.cmd = exec.Command(kubestep, append([]string{"up", "--json"}, args...)...)
	l.cmd.Env, l.cmd.Dir = u.env, u.home
	l.cmd.Stderr = l.stderr
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.stop(t) })
	first := make(chan string, 1)
	go func() {
		r := bufio.NewReader(stdout)
		line, _ := r.ReadString('\n')
		first <- line
		rest, _ := io.ReadAll(r)
		l.rest <- string(rest)
	}()
	select {
	case line := <-first:
		if err := json.Unmarshal([]byte(line), &l.ready); err != nil || !l.Ready {
			_ = l.cmd.Wait()
			l.ended = true
			t.Fatalf("up printed %q and on stderr %q", line, l.stderr.String())
		}
	case <-time.After(startWithin):
		t.Fatalf("no lab after %s; on stderr: %s", startWithin, l.stderr.String())
	}
	return l
}

// stop interrupts the lab and expects it to end well and in silence.
func (l *lab) stop(t *testing.T) {
	t.Helper()
	if l.ended {
		return
	}
	l.ended = true
	if err := l.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Errorf("interrupt the lab: %v", err)
	}
	rest := <-l.rest
	if err := l.cmd.Wait(); err != nil {
		t.Errorf("the lab ended with: %v", err)
	}
	if rest != "" || l.stderr.Len() != 0 {
		t.Errorf("besides the ready line the lab printed %q, and on stderr %q", rest, l.stderr.String())
	}
}

// kill ends the lab as a power cut does.
func (l *lab) kill(t *testing.T) {
	t.Helper()
	l.ended = true
	if err := l.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-l.rest
	_ = l.cmd.Wait()
}

// kubectl runs upstream's kubectl against the lab and expects it to succeed.
func (l *lab) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return l.kubectlIn(t, "", args...)
}

// kubectlIn runs upstream's kubectl with the given input.
func (l *lab) kubectlIn(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := finish(t, l.kubectlCommand(t.Context(), args...), stdin)
	if r.code != 0 {
		t.Fatalf("kubectl %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

func (l *lab) kubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, kubectl, args...)
	cmd.Env = append(l.user.env, "KUBECONFIG="+l.Kubeconfig)
	return cmd
}

// lines collects what a running command prints.
type lines struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newLines() *lines { return &lines{changed: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await blocks until the text holds want.
func (l *lines) await(t *testing.T, want string, within time.Duration) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for !strings.Contains(l.String(), want) {
		select {
		case <-l.changed:
		case <-deadline.C:
			t.Fatalf("no %q within %s in:\n%s", want, within, l.String())
		}
	}
}

func expect(t *testing.T, in string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(in, w) {
			t.Errorf("no %q in:\n%s", w, in)
		}
	}
}
