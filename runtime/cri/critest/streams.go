package critest

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	criclient "k8s.io/cri-client/pkg"
	utilexec "k8s.io/utils/exec"
)

func testExecSync(t *testing.T, r Runtime) {
	p := newPod(t, r, "exec")
	id := p.start("main", sleepV1)
	out, errOut, err := r.ExecSync(t.Context(), id, []string{"sh", "-c", "echo out; echo err >&2"}, deadline)
	if err != nil || string(out) != "out\n" || string(errOut) != "err\n" {
		t.Errorf("got %q, %q, %v", out, errOut, err)
	}
	out, _, err = r.ExecSync(t.Context(), id, []string{"sh", "-c", "echo partial; exit 9"}, deadline)
	var exit utilexec.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 9 {
		t.Errorf("error is %v, want an exit with 9", err)
	}
	if string(out) != "partial\n" {
		t.Errorf("output is %q", out)
	}
	if _, _, err = r.ExecSync(t.Context(), id, []string{"nosuchprogram"}, deadline); err == nil ||
		!strings.Contains(err.Error(), "nosuchprogram") {
		t.Errorf("error is %v, want one that names the program", err)
	}
	if st := containerStatus(t, r, id); st.State != runtimeapi.ContainerState_CONTAINER_RUNNING {
		t.Errorf("container is %v after exec", st.State)
	}
}

func testExecSyncTimeout(t *testing.T, r Runtime) {
	p := newPod(t, r, "slow")
	id := p.start("main", sleepV1)
	start := time.Now()
	_, _, err := r.ExecSync(t.Context(), id, []string{"sleep", "infinity"}, time.Second)
	if !errors.Is(err, criclient.ErrCommandTimedOut) {
		t.Errorf("error is %v, want ErrCommandTimedOut", err)
	}
	if took := time.Since(start); took < time.Second || took > deadline {
		t.Errorf("took %s, want 1 s", took)
	}
	out, _, err := r.ExecSync(t.Context(), id, []string{"ps"}, deadline)
	if err != nil || strings.Count(string(out), "sleep") != 1 {
		t.Errorf("processes afterwards: %q, %v; want only the container's own sleep", out, err)
	}
}

func testExecKillsContainer(t *testing.T, r Runtime) {
	p := newPod(t, r, "inside")
	id := p.start("web", webV1)
	p.waitLog(id, "listening")
	if _, _, err := r.ExecSync(t.Context(), id, []string{"kill", "-KILL", "1"}, deadline); err != nil {
		t.Fatal(err)
	}
	if st := containerStatus(t, r, id); st.State != runtimeapi.ContainerState_CONTAINER_RUNNING {
		t.Errorf("PID 1 was killed from inside its container: %v", st)
	}
	if _, _, err := r.ExecSync(t.Context(), id, []string{"kill", "1"}, deadline); err != nil {
		t.Fatal(err)
	}
	if st := waitExited(t, r, id); st.ExitCode != 0 {
		t.Errorf("exit code %d, want 0: web handles SIGTERM", st.ExitCode)
	}
}

// stream connects to a URL of the runtime as the kubelet does.
func stream(t *testing.T, address string, o remotecommand.StreamOptions) error {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" && u.Hostname() != "[::1]" && u.Hostname() != "localhost" {
		t.Fatalf("%s is not on loopback", address)
	}
	e, err := remotecommand.NewSPDYExecutor(&rest.Config{Host: u.Host}, "POST", u)
	if err != nil {
		t.Fatal(err)
	}
	return e.StreamWithContext(t.Context(), o)
}

func testExec(t *testing.T, r Runtime) {
	p := newPod(t, r, "stream")
	id := p.start("main", sleepV1)
	resp, err := r.Exec(t.Context(), &runtimeapi.ExecRequest{
		ContainerId: id, Cmd: []string{"sh", "-c", "cat; echo err >&2; exit 3"}, Stdin: true, Stdout: true, Stderr: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	err = stream(t, resp.Url, remotecommand.StreamOptions{Stdin: strings.NewReader("hello"), Stdout: &out, Stderr: &errOut})
	var exit utilexec.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 3 {
		t.Errorf("error is %v, want an exit with 3", err)
	}
	if out.String() != "hello" || errOut.String() != "err\n" {
		t.Errorf("got %q and %q", &out, &errOut)
	}
	if err := stream(t, resp.Url, remotecommand.StreamOptions{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errOut}); err == nil {
		t.Error("a URL worked twice")
	}
}

func testExecTerminal(t *testing.T, r Runtime) {
	p := newPod(t, r, "tty")
	id := p.start("main", sleepV1)
	resp, err := r.Exec(t.Context(), &runtimeapi.ExecRequest{ContainerId: id, Cmd: []string{"sh"}, Tty: true, Stdin: true, Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	in, typed := io.Pipe()
	defer typed.Close()
	var screen buffer
	done := make(chan error, 1)
	go func() {
		done <- stream(t, resp.Url, remotecommand.StreamOptions{Stdin: in, Stdout: &screen, Tty: true})
	}()
	steps := []struct{ keys, want string }{
		{"", "$ "}, // the prompt
		{"echo $((6*7))\r", "\r\n42\r\n"},
		{"echo wrogn\x7f\x7fng\r", "\r\nwrong\r\n"}, // erased and typed again
		{"sleep infinity\r", "sleep infinity\r\n"},
		{"\x03", "^C\r\n$ "}, // ends the sleep, not the shell
		{"echo still\r", "\r\nstill\r\n"},
	}
	for _, s := range steps {
		if _, err := io.WriteString(typed, s.keys); err != nil {
			t.Fatal(err)
		}
		wait(t, "the screen to show "+s.want, func() bool { return strings.Contains(screen.String(), s.want) })
	}
	if _, err := io.WriteString(typed, "exit 5\r"); err != nil {
		t.Fatal(err)
	}
	var exit utilexec.ExitError
	if err := <-done; !errors.As(err, &exit) || exit.ExitStatus() != 5 {
		t.Errorf("shell ended with %v, want an exit with 5", err)
	}
}

func testAttach(t *testing.T, r Runtime) {
	p := newPod(t, r, "attach")
	id := p.start("main", tools, command("sh", "-c", "echo ready; read line; echo got $line; read rest; echo end"),
		func(c *runtimeapi.ContainerConfig) { c.Stdin, c.StdinOnce = true, true })
	p.waitLog(id, "ready")
	resp, err := r.Attach(t.Context(), &runtimeapi.AttachRequest{ContainerId: id, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	var out buffer
	in, typed := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- stream(t, resp.Url, remotecommand.StreamOptions{Stdin: in, Stdout: &out, Stderr: io.Discard})
	}()
	if _, err := io.WriteString(typed, "hello\n"); err != nil {
		t.Fatal(err)
	}
	wait(t, "the answer", func() bool { return strings.Contains(out.String(), "got hello\n") })
	typed.Close() // the container asked for one client: its input ends with this one's
	st := waitExited(t, r, id)
	if err := <-done; err != nil {
		t.Errorf("attach ended with %v", err)
	}
	if got := p.text(st); got != "ready\ngot hello\nend\n" {
		t.Errorf("log is %q", got)
	}
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func testPodNetwork(t *testing.T, r Runtime) {
	p := newPod(t, r, "net")
	web := p.start("web", webV1)
	p.waitLog(web, "listening")
	side := p.start("side", sleepV1)
	resp, err := r.PodSandboxStatus(t.Context(), p.id, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", resp.Status.Network.Ip} {
		out, errOut, err := r.ExecSync(t.Context(), side, []string{"wget", "-qO-", "http://" + host + ":8080/"}, deadline)
		if err != nil || !strings.Contains(string(out), "web v1") || !strings.Contains(string(out), "host: net") {
			t.Errorf("%s: %q, %s, %v", host, out, errOut, err)
		}
	}
	if _, errOut, err := r.ExecSync(t.Context(), side, []string{"wget", "-qO-", "http://localhost:81/"}, deadline); err == nil ||
		!strings.Contains(strings.ToLower(string(errOut)), "connection refused") {
		t.Errorf("a port without a listener: %s, %v", errOut, err)
	}
	second := p.run("second", webV1)
	if second.ExitCode != 1 || !strings.Contains(p.text(second), "address already in use") {
		t.Errorf("a second web in the Pod: exit code %d, log %q", second.ExitCode, p.text(second))
	}
	if err := r.StopContainer(t.Context(), web, 0); err != nil {
		t.Fatal(err)
	}
	third := p.start("third", webV2)
	p.waitLog(third, "listening") // a killed process has given its port back
}

func testPodAddresses(t *testing.T, r Runtime) {
	cidr := netip.MustParsePrefix("10.244.3.0/24")
	seen := map[string]bool{}
	for _, name := range []string{"a", "b", "c"} {
		p := newPod(t, r, name)
		resp, err := r.PodSandboxStatus(t.Context(), p.id, false)
		if err != nil {
			t.Fatal(err)
		}
		ip := resp.Status.Network.Ip
		addr, err := netip.ParseAddr(ip)
		if err != nil || !cidr.Contains(addr) || seen[ip] || ip == "10.244.3.0" || ip == "10.244.3.1" {
			t.Errorf("address of %s is %q, %v", name, ip, err)
		}
		seen[ip] = true
	}
	host := podConfig(r, "host")
	host.Hostname = ""
	host.Linux.SecurityContext = &runtimeapi.LinuxSandboxSecurityContext{
		NamespaceOptions: &runtimeapi.NamespaceOption{Network: runtimeapi.NamespaceMode_NODE},
	}
	id, err := r.RunPodSandbox(t.Context(), host, "")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.PodSandboxStatus(t.Context(), id, false)
	if err != nil || resp.Status.Network.GetIp() != "" ||
		resp.Status.Linux.Namespaces.Options.Network != runtimeapi.NamespaceMode_NODE {
		t.Errorf("a Pod with the node's network: %v, %v; want no address of its own", resp, err)
	}
}
