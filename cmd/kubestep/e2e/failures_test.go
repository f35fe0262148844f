package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestExitCodes(t *testing.T) {
	u := newUser(t)
	for _, tc := range []struct {
		name, args string
		code       int
		stdout     string
		stderr     string
	}{
		{"help", "--help", 0, "step debugger for Kubernetes", ""},
		{"help of a command", "trace --help", 0, "Examples:", ""},
		{"version", "version", 0, kubernetes, ""},
		{"version as JSON", "version --json", 0, `"kubernetes":"` + kubernetes + `"`, ""},
		{"completion", "completion bash", 0, "__start_kubestep", ""},
		{"completion", "completion zsh", 0, "#compdef kubestep", ""},
		{"completion", "completion fish", 0, "complete -c kubestep", ""},
		{"doctor", "doctor", 0, "A lab can run on this machine.", ""},
		{"doctor as JSON", "doctor --json", 0, `"ok":true`, ""},
		{"an unknown command", "fly", 2, "", `unknown command "fly"`},
		{"an unknown flag", "up --fast", 2, "", "unknown flag: --fast"},
		{"a wrong value", "up --nodes=many", 2, "", "--nodes"},
		{"no nodes", "up --nodes=0", 2, "", "1 to 200 nodes"},
		{"a port that is none", "up --port=99999", 2, "", "port"},
		{"an argument too many", "up now", 2, "", "now"},
		{"nothing to trace", "trace", 2, "", "comes after --"},
		{"a breakpoint that is no pattern", "trace --nodes=1 --break ! -- get nodes", 2, "", "--break"},
		{"no file to replay", "replay", 2, "", "accepts 1 arg"},
		{"a file that is not there", "replay nothing.ks", 1, "", "nothing.ks"},
		{"no terminal", "", 1, "", "need a terminal"},
		{"kubectl without a lab", "kubectl get pods", 1, "", "kubestep up"},
		{"kubectl that needs no lab", "kubectl version --client", 0, "Client Version: " + kubernetes, ""},
		{"kubectl's own help", "kubectl create --help", 0, "kubectl create", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := u.run(t, "", strings.Fields(tc.args)...)
			if r.code != tc.code {
				t.Errorf("exit code %d, want %d", r.code, tc.code)
			}
			expect(t, r.stdout, tc.stdout)
			expect(t, r.stderr, tc.stderr)
			if tc.stderr == "" && r.stderr != "" {
				t.Errorf("on stderr: %s", r.stderr)
			}
			if tc.code != 0 && strings.Contains(r.stderr, "goroutine") {
				t.Errorf("a stack trace is no message:\n%s", r.stderr)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	u := newUser(t)
	config := filepath.Join(u.home, ".config", "kubestep", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("nodes: 1\n")
	if l := u.up(t); l.Nodes != 1 {
		t.Errorf("the file says one node, the lab has %d", l.Nodes)
	}
	write("nodez: 1\n")
	if r := u.run(t, "", "doctor"); r.code != 2 || !strings.Contains(r.stderr, "nodez") {
		t.Errorf("a misspelt setting gives %+v", r)
	}
	write("")
	u.env = append(u.env, "KUBESTEP_NODES=x")
	if r := u.run(t, "", "up"); r.code != 2 || !strings.Contains(r.stderr, "KUBESTEP_NODES") {
		t.Errorf("a wrong variable gives %+v", r)
	}
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := newUser(t).run(t, "", "up", "--json", "--nodes", "1", "--port", port)
	if r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, port) || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("got %+v, want one line that names the port", r)
	}
}

// nobody makes cmd run as an ordinary user when the test runs as root, for whom nothing is read-only.
func nobody(t *testing.T, u *user, cmd *exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const id = 65534
	err := filepath.WalkDir(u.home, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, id, id)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// The program must be where that user can reach it.
	program := filepath.Join(u.home, "kubestep")
	if err := os.Link(kubestep, program); err != nil {
		raw, err := os.ReadFile(kubestep)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, raw, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(u.home, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Args[0] = program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
}

func TestHomes(t *testing.T) {
	traced := []string{"trace", "--nodes", "1", "--", "get", "nodes", "-o", "name"}
	t.Run("an ordinary user", func(t *testing.T) {
		u := newUser(t)
		cmd := u.command(t, traced...)
		nobody(t, u, cmd)
		r := finish(t, cmd, "")
		if r.code != 0 || !strings.Contains(r.stderr, "node/node-1") {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("a read-only home", func(t *testing.T) {
		u := newUser(t)
		cmd := u.command(t, traced...)
		nobody(t, u, cmd)
		if err := os.Chmod(u.home, 0o555); err != nil {
			t.Fatal(err)
		}
		r := finish(t, cmd, "")
		if r.code != 0 || !strings.Contains(r.stderr, "node/node-1") {
			t.Errorf("got %+v; a lab needs nothing of the home", r)
		}
	})
	t.Run("a missing home", func(t *testing.T) {
		u := newUser(t)
		u.env = u.env[1:]
		cmd := u.command(t, traced...)
		nobody(t, u, cmd)
		r := finish(t, cmd, "")
		if r.code != 0 || !strings.Contains(r.stderr, "node/node-1") {
			t.Errorf("got %+v; a lab needs no home", r)
		}
	})
	t.Run("nowhere to write", func(t *testing.T) {
		u := newUser(t)
		cmd := u.command(t, traced...)
		nobody(t, u, cmd)
		if err := os.Chmod(filepath.Join(u.home, "tmp"), 0o555); err != nil {
			t.Fatal(err)
		}
		r := finish(t, cmd, "")
		if r.code != 1 || !strings.Contains(r.stderr, "TMPDIR") || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("got %+v, want one line that says what to set", r)
		}
	})
}

func TestFullDisk(t *testing.T) {
	u := newUser(t)
	small := filepath.Join(u.home, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "none", small).CombinedOutput(); err != nil {
		t.Skipf("skipped: a full disk needs the right to mount a small one: %v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", small).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	}()
	r := u.run(t, "", "up", "--json", "--nodes", "1", "--data-dir", filepath.Join(small, "data"))
	if r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, "no space left") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("got %+v, want one line that says that the disk is full", r)
	}
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	u := newUser(t)
	l := u.up(t, "--nodes", "1")
	for range 2 {
		if err := l.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	l.ended = true
	<-l.rest
	_ = l.cmd.Wait() // 0 when the first one had done its work before the second came
	if code := l.cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
		t.Errorf("exit code %d", code)
	}
	// What it may have left behind is no obstacle.
	u.up(t, "--nodes", "1")
	left, err := filepath.Glob(filepath.Join(u.home, "tmp", "kubestep-*", "lab-"+strconv.Itoa(l.cmd.Process.Pid)))
	if err != nil || len(left) != 0 {
		t.Errorf("the next lab did not remove %v (%v)", left, err)
	}
}
