package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

func readRecording(t *testing.T, file string) (trace.Header, *trace.Store) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	header, store, err := trace.ReadRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	return header, store
}

// terminal is kubestep in a terminal of its own.
type terminal struct {
	t      *testing.T
	socket string
	script string // what runs in it
}

// inTmux opens kubestep in a terminal of the given size.
func inTmux(t *testing.T, u *user, width, height int, args ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("skipped: the screens are tested in tmux, which is not installed")
	}
	s := &terminal{t: t, socket: filepath.Join(u.home, "tmux")}
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + a + "'"
	}
	// The exit code stays on the screen; the session ends with the test.
	s.script = fmt.Sprintf("'%s' %s; echo exit code $?; exec cat", kubestep, strings.Join(quoted, " "))
	s.tmux(u.env, "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "sh", "-c", s.script)
	t.Cleanup(func() { s.tmux(nil, "kill-server") })
	return s
}

func (s *terminal) tmux(env []string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-f", "/dev/null", "-S", s.socket}, args...)...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (s *terminal) view() string { return s.tmux(nil, "capture-pane", "-p") }

func (s *terminal) press(keys ...string) { s.tmux(nil, append([]string{"send-keys"}, keys...)...) }

// look calls seen with what the terminal shows until seen is content, and reports whether it was within the time.
func (s *terminal) look(within time.Duration, seen func(view string) bool) bool {
	s.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(within)
	for !seen(s.view()) {
		select {
		case <-again.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// await waits until the terminal shows all the words.
func (s *terminal) await(within time.Duration, words ...string) {
	s.t.Helper()
	var last, missing string
	if !s.look(within, func(view string) bool {
		last, missing = view, ""
		for _, w := range words {
			if !strings.Contains(view, w) {
				missing = w
			}
		}
		return missing == ""
	}) {
		s.t.Fatalf("no %q within %s on:\n%s", missing, within, last)
	}
}

// awaitChange waits until the terminal shows something else, for no longer than within.
func (s *terminal) awaitChange(before string, within time.Duration) {
	s.t.Helper()
	s.look(within, func(view string) bool { return view != before })
}

func TestFirstScreen(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			u := newUser(t)
			s := inTmux(t, u, size[0], size[1], "--nodes", "1", "--lang", "en")
			s.await(10*time.Second, "kubestep")
			s.press("q")
			s.await(30*time.Second, "exit code 0")
		})
	}
}

func TestReplay(t *testing.T) {
	u := newUser(t)
	file := filepath.Join(u.home, "run.ks")
	if r := u.run(t, "", "trace", "--nodes", "1", "--out", file, "--", "create", "deployment", "web", "--image=kubestep.dev/web:v1"); r.code != 0 {
		t.Fatalf("got %+v", r)
	}
	s := inTmux(t, u, 120, 40, "replay", file, "--lang", "en")
	s.await(10*time.Second, "kubestep")
	s.press("q")
	s.await(10*time.Second, "exit code 0")
}
