package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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
	s.script = fmt.Sprintf("sh -c 'echo $$ > %s; exec \"$0\" \"$@\"' '%s' %s; echo exit code $?; exec cat", s.pidFile(), kubestep, strings.Join(quoted, " "))
	s.tmux(u.env, "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "sh", "-c", s.script)
	t.Cleanup(func() { s.tmux(nil, "kill-server") })
	return s
}

func (s *terminal) pidFile() string { return s.socket + ".pid" }

// process returns the program in the terminal.
func (s *terminal) process() *os.Process {
	s.t.Helper()
	raw, err := os.ReadFile(s.pidFile())
	if err != nil {
		s.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// resize gives the terminal another size.
func (s *terminal) resize(width, height int) {
	s.t.Helper()
	s.tmux(nil, "resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height))
}

// ended waits until the program has ended with a code, and checks that it has left the terminal as it was: on its own
// screen, without mouse, with its cursor, wrapping lines, and in lines again.
func (s *terminal) ended(code int, within time.Duration) {
	s.t.Helper()
	s.await(within, fmt.Sprintf("exit code %d", code))
	const modes = "alternate_on=#{alternate_on} mouse=#{mouse_any_flag} cursor=#{cursor_flag} wrap=#{wrap_flag}"
	if got, want := strings.TrimSpace(s.tmux(nil, "display-message", "-p", modes)), "alternate_on=0 mouse=0 cursor=1 wrap=1"; got != want {
		s.t.Errorf("the terminal was left with %s, want %s", got, want)
	}
	s.press("echoed") // cat has not got the line yet: only a terminal in lines shows it
	s.await(5*time.Second, "echoed")
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
			s.await(10*time.Second, "kubestep", "Welcome", "q quit")
			s.press("q")
			s.ended(0, 30*time.Second)
		})
	}
}

// lab goes from the first screen to the lab, as soon as that is ready.
func (s *terminal) lab() {
	s.t.Helper()
	s.await(startWithin, "lab ready")
	s.press("Escape") // the welcome
	s.await(5*time.Second, "f lab")
	s.press("f")
	s.await(5*time.Second, "[1 Map]")
}

// kubectl types a command at the prompt.
func (s *terminal) kubectl(command string) {
	s.t.Helper()
	s.press("$")
	s.await(5*time.Second, "$ kubectl")
	s.tmux(nil, "send-keys", "-l", command)
	s.press("Enter")
}

// TestScreens stops a scheduler's binding by what the key bar says, looks at its scores, goes back in time, changes the
// size in the middle of that, and leaves.
func TestScreens(t *testing.T) {
	u := newUser(t)
	s := inTmux(t, u, 80, 24, "--nodes", "2", "--seed", "7", "--lang", "en")
	s.lab()
	s.await(5*time.Second, "p pause")
	s.press("p")
	s.await(10*time.Second, "■ paused")
	s.kubectl("create deployment web --image=kubestep.dev/web:v1")
	s.await(time.Minute, "next: kubectl  create  deployments/web")

	sawPrefix := false
	const steps = 40
	for range steps {
		s.await(time.Minute, "n step")
		before := s.view()
		if strings.Contains(before, "next: kube-scheduler  create  pods/web-") {
			break
		}
		sawPrefix = sawPrefix || strings.Contains(before, "create  pods/web-") && strings.Contains(before, "-?")
		s.press("n")
		s.awaitChange(before, 5*time.Second)
	}
	s.await(10*time.Second, "next: kube-scheduler  create  pods/web-", "binding  → node-")
	if !sawPrefix {
		t.Error("the Pod that was about to be created had no name, not even the beginning of one")
	}

	s.press("3")
	s.await(5*time.Second, "[3 Scheduler]", "plugin", "weight", "raw/normalised/weighted", "total")

	s.press("Left")
	s.await(5*time.Second, "THEN #", "now is #", "End returns to now")
	s.resize(59, 19)
	s.await(5*time.Second, "59", "60")
	s.resize(120, 40)
	s.await(5*time.Second, "THEN #", "[3 Scheduler]", "Waiting at the gate")
	s.resize(80, 24)
	s.await(5*time.Second, "THEN #", "q lessons")
	s.press("End")
	if !s.look(5*time.Second, func(view string) bool { return strings.Contains(view, "n step") && !strings.Contains(view, "THEN #") }) {
		t.Errorf("End did not return to now:\n%s", s.view())
	}
	s.press("c")
	s.await(time.Minute, "▸ running")
	s.press("6")
	s.await(time.Minute, "1/1 ready", "complete")
	s.press("q")
	s.await(5*time.Second, "q quit")
	s.press("q")
	s.ended(0, 30*time.Second)
}

// TestSignals ends the screens from outside, in the middle of everything.
func TestSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			u := newUser(t)
			s := inTmux(t, u, 80, 24, "--nodes", "1", "--lang", "en")
			s.lab()
			s.press("p")
			s.await(10*time.Second, "■ paused")
			if err := s.process().Signal(signal); err != nil {
				t.Fatal(err)
			}
			s.ended(0, 30*time.Second)
		})
	}
}

// TestLabThatFails opens the screens on a data directory that another lab has.
func TestLabThatFails(t *testing.T) {
	u := newUser(t)
	dir := filepath.Join(u.home, "cluster")
	u.up(t, "--nodes", "1", "--data-dir", dir)
	s := inTmux(t, u, 80, 24, "--nodes", "1", "--data-dir", dir, "--lang", "en")
	s.await(30*time.Second, "in use by another lab")
	s.press("q")
	s.ended(1, 30*time.Second)
}

func TestReplay(t *testing.T) {
	u := newUser(t)
	file := filepath.Join(u.home, "run.ks")
	if r := u.run(t, "", "trace", "--nodes", "1", "--out", file, "--", "create", "deployment", "web", "--image=kubestep.dev/web:v1"); r.code != 0 {
		t.Fatalf("got %+v", r)
	}
	s := inTmux(t, u, 120, 40, "replay", file, "--lang", "en")
	s.await(10*time.Second, "[1 Map]", "replay")
	s.press("2")
	s.await(5*time.Second, "by cause", "StartContainer", "pods/web-", "deployments/web/status")
	s.press("q")
	s.ended(0, 10*time.Second)
}
