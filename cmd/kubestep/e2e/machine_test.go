package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program writes an executable script of the user's own and returns its path.
func (u *user) program(t *testing.T, name, script string) string {
	t.Helper()
	file := filepath.Join(u.home, name)
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// only gives the user a PATH with a few programs and no kubectl.
func (u *user) only(t *testing.T, programs ...string) {
	t.Helper()
	bin := filepath.Join(u.home, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		path, err := exec.LookPath(p)
		if err != nil {
			t.Skipf("skipped: %s is not installed", p)
		}
		if err := os.Symlink(path, filepath.Join(bin, p)); err != nil {
			t.Fatal(err)
		}
	}
	u.env = slices.DeleteFunc(u.env, func(s string) bool { return strings.HasPrefix(s, "PATH=") })
	u.env = append(u.env, "PATH="+bin)
}

// beside is the same user at another terminal.
func (u *user) beside(t *testing.T) *user {
	t.Helper()
	dir, err := os.MkdirTemp(u.home, "t")
	if err != nil {
		t.Fatal(err)
	}
	return &user{home: dir, env: u.env}
}

// freeLab leads from the first screen to the lab without a lesson.
func (s *terminal) freeLab() {
	s.t.Helper()
	s.await(startWithin, "lab ready", "Welcome")
	s.press("Escape")
	s.await(10*time.Second, "f lab")
	s.press("f")
	s.await(10*time.Second, "[1 Map]")
}

// choose carries out a command of the palette.
func (s *terminal) choose(words string) {
	s.t.Helper()
	s.press(":")
	s.await(10*time.Second, "Commands")
	s.press(words)
	s.await(10*time.Second, ": "+words)
	s.press("Enter")
}

// TestShellAndEditor uses a shell and an editor that are scripts. The machine has no kubectl of its own.
func TestShellAndEditor(t *testing.T) {
	u := newUser(t)
	u.only(t, "sh", "cat", "sed")
	shell := u.program(t, "shell", "echo \"reaches $KUBECONFIG\"\nkubectl get nodes -o name\necho enter goes back\nread x\n")
	editor := u.program(t, "editor", `read mode < ~/mode
case $mode in
more) sed -i 's/replicas: 1$/replicas: 2/' "$1" ;;
nonsense) sed -i 's/replicas: 2$/replicas: many/' "$1" ;;
repair) sed -n '/refused/,/many/p' "$1" > ~/told; sed -i 's/replicas: many$/replicas: 3/' "$1" ;;
fail) exit 3 ;;
esac
`)
	mode := func(m string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(u.home, "mode"), []byte(m+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u.env = append(u.env, "SHELL="+shell, "EDITOR="+editor)
	s := inTmux(t, u, 120, 40, "--nodes", "1", "--lang", "en")
	s.freeLab()

	s.press("!")
	s.await(time.Minute, "This is your own shell", "reaches "+u.home, "node/node-1", "enter goes back")
	s.press("Enter")
	s.await(10*time.Second, "Back in the lab.", "[1 Map]")
	if err := os.Remove(shell); err != nil {
		t.Fatal(err)
	}
	s.press("!")
	s.await(10*time.Second, "Your shell could not be used: SHELL is "+shell, "[1 Map]")

	s.press("$")
	s.press("create deployment web --image=kubestep.dev/web:v1", "Enter")
	s.await(time.Minute, "deployment.apps/web created")
	s.press("5")
	s.await(10*time.Second, "Deployment  web")
	s.press("g")
	replicas := func() string {
		t.Helper()
		return u.run(t, "", "kubectl", "get", "deployment", "web", "-o", "jsonpath={.spec.replicas}").stdout
	}

	mode("same")
	s.press("e")
	s.await(time.Minute, "Nothing was changed.")

	mode("more")
	s.press("e")
	s.await(time.Minute, "Deployment default/web is stored as you changed it.")
	if got := replicas(); got != "2" {
		t.Errorf("the cluster has %q replicas, want 2", got)
	}

	draft := filepath.Join(u.home, ".local", "share", "kubestep", "drafts", "deployment-web.yaml")
	mode("nonsense")
	s.press("e")
	s.await(time.Minute, "Not stored: Deployment default/web.")
	if raw, err := os.ReadFile(draft); err != nil || !strings.Contains(string(raw), "replicas: many") {
		t.Errorf("the text is not kept: %v\n%s", err, raw)
	}
	mode("repair")
	s.press("e") // goes on with the text, and says why it was refused
	s.await(time.Minute, "is stored as you changed it.")
	if got := replicas(); got != "3" {
		t.Errorf("the cluster has %q replicas, want 3", got)
	}
	if told, err := os.ReadFile(filepath.Join(u.home, "told")); err != nil || !strings.Contains(string(told), "cannot unmarshal string") {
		t.Errorf("the editor was not told why: %v\n%s", err, told)
	}
	if _, err := os.Stat(draft); err == nil {
		t.Error("a text that was accepted is kept")
	}

	mode("fail")
	s.press("e")
	s.await(time.Minute, "Your editor failed:", "exit status 3")
	if _, err := os.Stat(draft); err != nil {
		t.Errorf("the text is lost: %v", err)
	}

	// While the lab is paused, what is stored waits like any other request.
	s.press("p")
	s.await(10*time.Second, "paused")
	if err := os.Remove(draft); err != nil {
		t.Fatal(err)
	}
	s.press("e") // the text is gone: it begins anew
	s.await(10*time.Second, "cannot be edited")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\nsed -i 's/replicas: 3$/replicas: 1/' \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.press("e")
	s.await(time.Minute, "a paused lab holds the request")
	s.await(time.Minute, "kubectl  update", "waiting")
	s.press("c")
	s.await(time.Minute, "is stored as you changed it.")

	s.press("q")
	s.await(10*time.Second, "f lab")
	s.press("C-c")
	s.await(30*time.Second, "exit code 0")
}

// TestKeptFiles saves what can be saved from the screen, and finds what was typed again in the next run.
func TestKeptFiles(t *testing.T) {
	u := newUser(t)
	s := inTmux(t, u, 120, 40, "--nodes", "1", "--lang", "en")
	s.freeLab()
	s.press("$")
	s.press("create deploy", "Tab")
	s.await(time.Minute, "$ kubectl create deployment")
	s.press("web --image=kubestep.dev/web:v1", "Enter")
	s.await(time.Minute, "deployment.apps/web created")
	s.press("R")
	s.await(time.Minute, "Saved as", ".ks")
	data := filepath.Join(u.home, ".local", "share", "kubestep")
	one := func(pattern string) string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		if info, err := os.Stat(found[0]); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v, %v", found[0], info.Mode(), err)
		}
		raw, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	one("recordings/lab-*.ks")
	recording, err := filepath.Glob(filepath.Join(data, "recordings", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if header, store := readRecording(t, recording[0]); header.Kubernetes != kubernetes || len(store.Since(0).Events) < 100 {
		t.Errorf("the recording is of %+v with %d events", header, len(store.Since(0).Events))
	}
	for words, kept := range map[string][2]string{
		"as Markdown": {"exports/trace-*.md", "kubectl  create deployment/default/web"},
		"as SVG":      {"exports/map-*.svg", "kube-scheduler"},
		"as HTML":     {"exports/map-*.html", "kube-scheduler"},
	} {
		s.choose(words)
		s.await(time.Minute, "Saved as", filepath.Ext(kept[0]))
		expect(t, one(kept[0]), kept[1])
	}
	s.press("q")
	s.await(10*time.Second, "f lab")
	s.press("C-c")
	s.await(30*time.Second, "exit code 0")

	history := filepath.Join(u.home, ".local", "state", "kubestep", "history")
	if raw, err := os.ReadFile(history); err != nil || !strings.Contains(string(raw), "create deployment") {
		t.Errorf("what was typed is not kept: %v %q", err, raw)
	}
	again := inTmux(t, u.beside(t), 80, 24, "--nodes", "1", "--lang", "en")
	again.freeLab()
	again.press("$", "Up")
	again.await(10*time.Second, "create deployment")
}

// TestRecordAndExport records a lab from the command line and makes documents of it; then the recording is damaged.
func TestRecordAndExport(t *testing.T) {
	u := newUser(t)
	l := u.up(t, "--nodes", "1")
	file := filepath.Join(u.home, "run.ks")
	record := u.command(t, "record", "--json", file)
	told := newLines()
	var out strings.Builder
	record.Stderr, record.Stdout = told, &out
	if err := record.Start(); err != nil {
		t.Fatal(err)
	}
	told.await(t, "Recording to "+file, time.Minute)
	l.kubectl(t, "create", "deployment", "web", "--image=kubestep.dev/web:v1")
	l.kubectl(t, "wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
	if err := record.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := record.Wait(); err != nil {
		t.Fatalf("record: %v: %s", err, told.String())
	}
	var report struct {
		File   string
		Events int
	}
	if err := json.Unmarshal([]byte(out.String()), &report); err != nil || report.File != file || report.Events < 100 {
		t.Errorf("record printed %q", out.String())
	}
	if r := u.run(t, "", "record", file); r.code != 2 || !strings.Contains(r.stderr, "is there already") {
		t.Errorf("a file that is there: %+v", r)
	}
	l.stop(t)

	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"# Trace of a lab", "kubectl  create deployment/default/web", "StartContainer", "[sync.go:"}},
		{[]string{"--lang", "zh"}, []string{"# 实验环境的轨迹"}},
		{[]string{"--as", "svg", "--view", "scheduler", "--size", "200x60"}, []string{"<svg ", "NodeResourcesFit"}},
		{[]string{"--as", "html", "--view", "etcd", "--theme", "light"}, []string{"<!doctype html>", "background: #ffffff"}},
		{[]string{"--as", "text", "--view", "objects", "--size", "80x24"}, []string{"Deployment  web", "[5 Objects]"}},
	} {
		r := u.run(t, "", append([]string{"export", file}, tt.args...)...)
		if r.code != 0 {
			t.Errorf("%v: %+v", tt.args, r)
		}
		expect(t, r.stdout, tt.want...)
	}
	for says, args := range map[string][]string{
		"is none of markdown, svg": {"--as", "pdf"}, "there is no view": {"--as", "svg", "--view", "maps"},
		"not like 120x40": {"--as", "svg", "--size", "big"}, "there is no theme": {"--as", "svg", "--theme", "pink"},
	} {
		if r := u.run(t, "", append([]string{"export", file}, args...)...); r.code != 2 || !strings.Contains(r.stderr, says) {
			t.Errorf("%v: want %q and exit code 2, got %+v", args, says, r)
		}
	}

	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(u.home, "cut.ks")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	s := inTmux(t, u, 120, 40, "replay", cut, "--lang", "en")
	s.await(10*time.Second, "could be read only in part: it ends in the middle", "replay")
	s.press("q")
	s.await(10*time.Second, "exit code 0")
	if r := u.run(t, "", "export", cut, "--all"); r.code != 0 || !strings.Contains(r.stderr, "only in part: it ends in the middle") {
		t.Errorf("a recording that was cut off: %d %s", r.code, r.stderr)
	}
	other := filepath.Join(u.home, "other.ks")
	if err := os.WriteFile(other, []byte(`{"version":2,"width":80,"height":24}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := u.run(t, "", "replay", other); r.code != 1 || !strings.Contains(r.stderr, "line 1 is not the header") {
		t.Errorf("another program's file: %+v", r)
	}
	if r := u.run(t, "", "replay", filepath.Join(u.home, "none.ks")); r.code != 1 || !strings.Contains(r.stderr, "no such file") {
		t.Errorf("a file that is not there: %+v", r)
	}

	asciicast(t, u, file)
}

// asciicast records a replay's terminal and plays that in another one: both show the same.
func asciicast(t *testing.T, u *user, recording string) {
	t.Helper()
	file := filepath.Join(u.home, "run.cast")
	s := inTmux(t, u.beside(t), 100, 30, "replay", recording, "--lang", "zh", "--asciicast", file)
	s.await(10*time.Second, "回放")
	s.press("2")
	s.await(10*time.Second, "[2 轨迹]")
	s.press("Up", "Up")
	s.press("?")
	s.await(10*time.Second, "按键")
	s.press("Escape")
	s.look(10*time.Second, func(view string) bool { return !strings.Contains(view, "按键") })
	s.press("3")
	s.await(10*time.Second, "[3 调度]")
	want := s.view()
	s.press("q")
	s.await(10*time.Second, "exit code 0")

	raw, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	lines := bufio.NewScanner(raw)
	lines.Buffer(nil, 1<<20)
	var data strings.Builder
	var header struct{ Version, Width, Height int }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &header) != nil || header.Version != 2 || header.Width != 100 || header.Height != 30 {
		t.Fatalf("the header is %s", lines.Text())
	}
	for lines.Scan() {
		var event []any
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil || len(event) != 3 {
			t.Fatalf("no event: %s", lines.Text())
		}
		if said, _ := event[2].(string); event[1] == "o" {
			before, _, end := strings.Cut(said, "\x1b[?1049l") // the screens give the terminal back
			data.WriteString(before)
			if end {
				break
			}
		}
	}
	played := filepath.Join(u.home, "played")
	if err := os.WriteFile(played, []byte(data.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	player := inTmux(t, u.beside(t), 100, 30, "version")
	player.await(10*time.Second, "exit code 0")
	player.tmux(nil, "respawn-pane", "-k", "stty -echo; cat '"+played+"'; exec cat")
	if !player.look(10*time.Second, func(view string) bool { return strings.TrimRight(view, "\n") == strings.TrimRight(want, "\n") }) {
		t.Errorf("the asciicast shows\n%s\nthe terminal showed\n%s", player.view(), want)
	}
}
