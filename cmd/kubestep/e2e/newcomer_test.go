package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// words are what a newcomer reads, in each language.
var words = map[string]struct{ welcome, begin, lessons, step, goOn, stage, matrix, waits string }{
	"en": {"Welcome", "enter begin", "t quiz", "step %d/", "Go on with", "l Scheduler", "TaintToleration", "It waits at step"},
	"zh": {"欢迎", "enter 开始", "t 测验", "第 %d/", "继续：", "l 调度", "TaintToleration", "正停在第"},
}

// answers is how the key bar offers the answers to a question.
var answers = regexp.MustCompile(`^ ?1-[2-9] `)

// bar returns the key bar, which is the last line with anything on it.
func bar(view string) string {
	lines := strings.Split(strings.TrimRight(view, "\n "), "\n")
	return lines[len(lines)-1]
}

// follow does what the key bar offers first, until the screen shows done: enter, or the first answer to a question.
func (s *terminal) follow(within time.Duration, done string) {
	s.t.Helper()
	last := ""
	if s.look(within, func(view string) bool {
		if strings.Contains(view, done) {
			return true
		}
		if view == last {
			return false // what was pressed has not done anything yet
		}
		switch offered := bar(view); {
		case answers.MatchString(offered):
			s.press("1")
		case strings.HasPrefix(strings.TrimSpace(offered), "enter "):
			s.press("Enter")
		default:
			return false
		}
		last = view
		return false
	}) {
		return
	}
	s.t.Fatalf("no %q within %s on:\n%s", done, within, s.view())
}

// TestNewcomer goes from the first screen to a stopped binding with its scores open, by nothing but what the screen says;
// is killed there, and goes on where that was.
func TestNewcomer(t *testing.T) {
	for _, run := range []struct {
		w, h int
		lang string
	}{{80, 24, "en"}, {120, 40, "zh"}} {
		t.Run(fmt.Sprintf("%dx%d-%s", run.w, run.h, run.lang), func(t *testing.T) {
			u, says := newUser(t), words[run.lang]
			s := inTmux(t, u, run.w, run.h, "--lang", run.lang)
			s.await(startWithin, says.welcome, says.begin, "v1.36.3")
			s.press("Escape")
			s.await(10*time.Second, says.lessons)
			s.press("/")
			s.press("-l", "first-pod") // as text
			s.press("Enter")
			s.await(10*time.Second, fmt.Sprintf(says.step, 1))
			s.follow(2*time.Minute, "■ kube-scheduler create pods/")
			s.follow(time.Minute, fmt.Sprintf(says.step, 5))
			if run.w < 100 {
				s.await(10*time.Second, says.stage)
				s.press("l")
			}
			s.await(10*time.Second, says.matrix)

			s.press("q")
			s.await(10*time.Second, says.goOn, says.waits)
			s.kill()
			s.tmux(nil, "respawn-pane", "-k", "sh", "-c", s.script)
			s.await(startWithin, says.goOn, fmt.Sprintf(says.step, 5), "v1.36.3")
			s.press("Enter")
			s.await(time.Minute, "■ kube-scheduler create pods/", fmt.Sprintf(says.step, 5))
			s.press("C-c")
			s.await(30*time.Second, "exit code 0")
		})
	}
}

// kill kills the program, as a machine does that loses its power.
func (s *terminal) kill() {
	s.t.Helper()
	shell := strings.TrimSpace(s.tmux(nil, "list-panes", "-F", "#{pane_pid}"))
	children, err := os.ReadFile(fmt.Sprintf("/proc/%s/task/%s/children", shell, shell))
	if err != nil {
		s.t.Skipf("skipped: finding the program in the terminal needs /proc: %v", err)
	}
	pid, err := strconv.Atoi(strings.Fields(string(children) + " none")[0])
	if err != nil {
		s.t.Fatalf("the program does not run: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
}

// TestRunOpensALesson opens a lesson by its ID, and says what is wrong with other words.
func TestRunOpensALesson(t *testing.T) {
	u := newUser(t)
	if r := u.run(t, "", "run", "no-such-lesson"); r.code != 2 || !strings.Contains(r.stderr, "there are: ") {
		t.Errorf("got %+v", r)
	}
	if r := u.run(t, "", "run", "first-pod", "--nodes", "1"); r.code != 2 || !strings.Contains(r.stderr, "needs 3 nodes") {
		t.Errorf("got %+v", r)
	}
	if r := u.run(t, "", "run", "first-pod", "--json"); r.code != 2 || !strings.Contains(r.stderr, "--auto") {
		t.Errorf("got %+v", r)
	}
	s := inTmux(t, u, 120, 40, "run", "first-pod", "--lang", "en")
	s.await(startWithin, "step 1/", "kubectl get nodes")
	s.press("q")
	s.await(10*time.Second, "Go on with")
	s.press("q")
	s.await(30*time.Second, "exit code 0")
}
