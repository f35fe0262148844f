package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// directory returns a private directory with a short path.
func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ks") // t.TempDir's paths can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serve offers l and returns the socket's path; stop ends that and checks that nothing is left.
func serve(t *testing.T, l engine.Lab, dir string) (path string, stop func()) {
	t.Helper()
	path = filepath.Join(dir, Socket)
	s, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server: %v", err)
		}
		ended <- nil
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("the server leaves %v", left)
		}
	}
	t.Cleanup(stop)
	return path, stop
}

// attached returns l as it is seen through a socket.
func attached(t *testing.T, l engine.Lab) *Client {
	t.Helper()
	path, _ := serve(t, l, directory(t))
	return dial(t, path)
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(limited(t), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, engine.ErrNoLab) {
			t.Errorf("the client: %v", err)
		}
	})
	if err := c.wait(limited(t), func() bool { return c.running }); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestModes(t *testing.T) {
	dir := filepath.Join(directory(t), "deep", "er")
	path, _ := serve(t, newFakeLab(trace.Limits{}), dir)
	for name, want := range map[string]os.FileMode{dir: 0o700, path: 0o600, path + ".lock": 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", name, info.Mode().Perm(), want)
		}
	}
}

func TestListenRefuses(t *testing.T) {
	open := filepath.Join(directory(t), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(filepath.Join(open, Socket)); !errors.Is(err, engine.ErrUsage) || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("in a directory that others can enter: %v", err)
	}
	long := filepath.Join(directory(t), strings.Repeat("x", 100), Socket)
	if _, err := Listen(long); !errors.Is(err, engine.ErrUsage) || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("with a path that is too long: %v", err)
	}
	path, _ := serve(t, newFakeLab(trace.Limits{}), directory(t))
	if _, err := Listen(path); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("where a lab listens: %v", err)
	}
	if _, err := Dial(limited(t), path); err != nil {
		t.Errorf("after that, the first lab answers %v", err)
	}
}

// What a killed lab leaves behind is no lab, and does not stop the next one.
func TestKilled(t *testing.T) {
	dir := directory(t)
	path := filepath.Join(dir, Socket)
	kill := func() {
		t.Helper()
		child := exec.Command(os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), childSocket+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatalf("the child does not listen: %v", err)
		}
		if _, err := Listen(path); !errors.Is(err, engine.ErrInUse) {
			t.Errorf("where another process listens: %v", err)
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // says that it was killed
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("a killed process leaves its socket: %v", err)
		}
	}
	kill()
	if _, err := Dial(limited(t), path); !errors.Is(err, engine.ErrNoLab) {
		t.Errorf("Dial = %v", err)
	}
	if found, err := Find(limited(t), dir); err != nil || len(found) != 0 {
		t.Errorf("Find = %v, %v", found, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("Find leaves %v", left)
	}
	kill()
	path, _ = serve(t, newFakeLab(trace.Limits{}), dir)
	if _, err := Dial(limited(t), path); err != nil {
		t.Errorf("a lab after a killed one: %v", err)
	}
}

const childSocket = "KUBESTEP_TEST_SOCKET"

// TestChild is the process that TestKilled kills.
func TestChild(t *testing.T) {
	path := os.Getenv(childSocket)
	if path == "" {
		return // only meant for TestKilled
	}
	s, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening")
	_ = s.Run(t.Context(), newFakeLab(trace.Limits{}))
}

func TestFind(t *testing.T) {
	dir := directory(t)
	if found, err := Find(limited(t), filepath.Join(dir, "none")); err != nil || len(found) != 0 {
		t.Errorf("Find = %v, %v", found, err)
	}
	first, stop := serve(t, newFakeLab(trace.Limits{}), filepath.Join(dir, "lab-1"))
	second, _ := serve(t, newFakeLab(trace.Limits{}), filepath.Join(dir, "lab-2"))
	if err := os.WriteFile(filepath.Join(dir, "other.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := Find(limited(t), dir)
	if err != nil || len(found) != 2 || found[0].Path != second || found[1].Path != first || found[0].Hello.PID != os.Getpid() {
		t.Errorf("Find = %v, %v", found, err)
	}
	stop()
	if found, err := Find(limited(t), dir); err != nil || len(found) != 1 {
		t.Errorf("Find = %v, %v", found, err)
	}
}

func TestDialRefuses(t *testing.T) {
	if _, err := Dial(limited(t), filepath.Join(directory(t), Socket)); !errors.Is(err, engine.ErrNoLab) ||
		!strings.Contains(err.Error(), "kubestep up") {
		t.Errorf("where nothing is: %v", err)
	}
	for _, tt := range []struct {
		name, says string
		hello      any
		class      error
	}{
		{"another version", "version 2", Hello{Protocol: Protocol, Version: 2}, engine.ErrUsage},
		{"another program", "something else", map[string]string{"hi": "there"}, engine.ErrNoLab},
		{"no HTTP body", "not understood", "<html>", engine.ErrNoLab},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(directory(t), Socket)
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_ = json.NewEncoder(w).Encode(tt.hello)
			})}
			go server.Serve(l) //nolint:errcheck // closed below
			defer server.Close()
			if _, err := Dial(limited(t), path); !errors.Is(err, tt.class) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Dial = %v", err)
			}
		})
	}
}

// Everything that waits is told when the lab goes.
func TestLabGoes(t *testing.T) {
	behind := newFakeLab(trace.Limits{})
	path, stop := serve(t, behind, directory(t))
	c := dial(t, path)
	status, state := c.Status(), c.Debugger().State()
	failed := make(chan error)
	go func() {
		_, err := c.Debugger().WaitState(t.Context(), state.Generation)
		failed <- err
	}()
	go func() {
		failed <- c.Debugger().Settle(t.Context(), time.Hour)
	}()
	stop()
	for range 2 {
		if err := <-failed; !errors.Is(err, engine.ErrNoLab) && !errors.Is(err, engine.ErrNotReady) {
			t.Errorf("who waited got %v", err)
		}
	}
	next, err := c.WaitStatus(limited(t), status.Generation)
	if err != nil || !next.Stopped || next.Error == "" {
		t.Errorf("WaitStatus = %+v, %v", next, err)
	}
	if _, err := c.Debugger().Do(limited(t), engine.Command{Verb: engine.Pause}); !errors.Is(err, engine.ErrNoLab) {
		t.Errorf("Do = %v", err)
	}
	if _, err := c.History().At(limited(t), 1); !errors.Is(err, engine.ErrNoLab) {
		t.Errorf("At = %v", err)
	}
}

// A client that comes late to a long-running lab sees what the lab still has, under its numbers.
func TestLateClient(t *testing.T) {
	behind := newFakeLab(trace.Limits{Events: 100})
	for i := range 1000 {
		if err := behind.write(t.Context(), "kubectl", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	c := attached(t, behind)
	if err := c.Debugger().Settle(limited(t), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	first, last := behind.Events().Len()
	if f, l := c.Events().Len(); f != first || l != last {
		t.Errorf("the copy has %d to %d, the lab %d to %d", f, l, first, last)
	}
	for i := range 500 {
		if err := behind.write(t.Context(), "kubectl", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Debugger().Settle(limited(t), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if e, ok := c.Events().Get(1500); !ok || e.Object.Name != "499" || e.Open {
		t.Errorf("the last event is %+v, %t", e, ok)
	}
}

// Two terminals see each other's commands.
func TestTwoClients(t *testing.T) {
	path, _ := serve(t, newFakeLab(trace.Limits{}), directory(t))
	one, two := dial(t, path), dial(t, path)
	before := two.Debugger().State()
	if _, err := one.Debugger().Do(limited(t), engine.Command{Verb: engine.Pause}); err != nil {
		t.Fatal(err)
	}
	after, err := two.Debugger().WaitState(limited(t), before.Generation)
	if err != nil || after.Mode != engine.Paused {
		t.Errorf("the other sees %+v, %v", after, err)
	}
}

func TestServerRefuses(t *testing.T) {
	c := attached(t, newFakeLab(trace.Limits{}))
	for _, tt := range []struct {
		method, path, body string
		code               int
	}{
		{"GET", "/v1/events?cursor=x", "", http.StatusBadRequest},
		{"GET", "/v1/status?generation=-1", "", http.StatusBadRequest},
		{"POST", "/v1/debug", "{", http.StatusBadRequest},
		{"POST", "/v1/debug", `{"pattern":"` + strings.Repeat("x", maxRequest) + `"}`, http.StatusBadRequest},
		{"POST", "/v1/status", "", http.StatusMethodNotAllowed},
		{"GET", "/v2/status", "", http.StatusNotFound},
	} {
		request, err := http.NewRequestWithContext(limited(t), tt.method, "http://lab"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != tt.code {
			t.Errorf("%s %s: %s %s", tt.method, tt.path, response.Status, body)
		}
	}
}
