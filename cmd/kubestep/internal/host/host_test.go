package host_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/host"
)

func env(pairs ...string) host.Env {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestShellPath(t *testing.T) {
	if got, err := host.ShellPath(env()); err != nil || got != "/bin/sh" {
		t.Errorf("without SHELL: %s, %v", got, err)
	}
	_, err := host.ShellPath(env("SHELL", "/no/such/shell"))
	if err == nil || !strings.Contains(err.Error(), "SHELL is /no/such/shell") || !strings.Contains(err.Error(), "set SHELL") {
		t.Errorf("a shell that is not there: %v", err)
	}
	file := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := host.ShellPath(env("SHELL", file)); err == nil {
		t.Error("a file that cannot be run is taken for a shell")
	}
}

func TestShellEnviron(t *testing.T) {
	got := host.ShellEnviron([]string{"A=1", "PATH=/usr/bin:/bin", "KUBECONFIG=/home/u/.kube/config"}, "/lab/kubeconfig", "/lab/bin", "B=2")
	for _, want := range []string{"A=1", "KUBECONFIG=/lab/kubeconfig", "PATH=/usr/bin:/bin:/lab/bin", "B=2"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if n := strings.Count(strings.Join(got, "\n"), "KUBECONFIG="); n != 1 {
		t.Errorf("KUBECONFIG is there %d times", n)
	}
	if got := host.ShellEnviron(nil, "/k", "/lab/bin"); !slices.Contains(got, "PATH=/lab/bin") {
		t.Errorf("without a PATH: %q", got)
	}
}

func TestShim(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // made, then found
		bin, err := host.Shim(dir, "/opt/kubestep")
		if err != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(filepath.Join(bin, "kubectl")); err != nil || to != "/opt/kubestep" {
			t.Errorf("kubectl leads to %s, %v", to, err)
		}
	}
}

// terminal is a file for everything.
func terminal(t *testing.T) (host.Terminal, func() string) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close(); in.Close() })
	return host.Terminal{In: in, Out: out, Err: out}, func() string {
		raw, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a script")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRunShell(t *testing.T) {
	where, said := terminal(t)
	shell := script(t, "echo reaches $KUBECONFIG\nexit 7\n")
	if err := host.RunShell(t.Context(), where, shell, "", "one\ntwo", []string{"KUBECONFIG=/lab/k"}); err != nil {
		t.Errorf("what the last command came to is no error: %v", err)
	}
	if got, want := said(), "kubestep: one\nkubestep: two\nreaches /lab/k\n"; got != want {
		t.Errorf("the terminal says %q, want %q", got, want)
	}
	if err := host.RunShell(t.Context(), where, "/no/such/shell", "", "", nil); err == nil {
		t.Error("a shell that is not there is no error")
	}
}

func TestEditor(t *testing.T) {
	vi := script(t, "")
	plain := strings.ReplaceAll(vi, " ", "")
	if err := os.Rename(vi, plain); err != nil {
		if err := os.MkdirAll(filepath.Dir(plain), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(vi, plain); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		env           host.Env
		command, from string
		says          string
	}{
		"visual first":   {env("VISUAL", plain, "EDITOR", "ed"), plain, "VISUAL", ""},
		"with arguments": {env("EDITOR", plain+" --wait"), plain + " --wait", "EDITOR", ""},
		"not there":      {env("EDITOR", "/no/such/editor -x"), "", "EDITOR", "EDITOR is /no/such/editor -x, which cannot be run"},
	} {
		t.Run(name, func(t *testing.T) {
			command, from, err := host.Editor(tt.env)
			if command != tt.command || from != tt.from || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q from %q, %v", command, from, err)
			}
		})
	}
}

func TestRunEditor(t *testing.T) {
	where, _ := terminal(t)
	file := filepath.Join(t.TempDir(), "a draft.yaml")
	if err := os.WriteFile(file, []byte("replicas: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	edit := script(t, `[ "$1" = --now ] && echo "edited: true" >> "$2"`)
	if err := host.RunEditor(t.Context(), where, "'"+edit+"' --now", file, nil); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != "replicas: 1\nedited: true\n" {
		t.Errorf("the file is %q, %v", raw, err)
	}
	fails := script(t, "exit 3")
	if err := host.RunEditor(t.Context(), where, "'"+fails+"'", file, nil); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("an editor that fails: %v", err)
	}
}

func TestHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "kubestep")
	h := host.OpenHistory(dir)
	if lines, err := h.Lines(); err != nil || lines != nil {
		t.Errorf("nothing yet: %q, %v", lines, err)
	}
	for _, line := range []string{"get pods", "get pods", "apply -f -\n", "get nodes"} {
		if err := h.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	if lines, err := host.OpenHistory(dir).Lines(); err != nil || !slices.Equal(lines, []string{"get pods", "apply -f -", "get nodes"}) {
		t.Errorf("got %q, %v", lines, err)
	}
	info, err := os.Stat(filepath.Join(dir, "history"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if err := host.OpenHistory("").Add("x"); err != nil {
		t.Errorf("without a home: %v", err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	var all strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&all, "get pod-%d\n", i)
	}
	file := filepath.Join(dir, "history")
	if err := os.WriteFile(file, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err := host.OpenHistory(dir).Lines()
	if err != nil || len(lines) != 1000 || lines[0] != "get pod-1500" || lines[999] != "get pod-2499" {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	raw, err := os.ReadFile(file)
	if err != nil || strings.Count(string(raw), "\n") != 1000 {
		t.Errorf("the file has %d lines, %v", strings.Count(string(raw), "\n"), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	say := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	var paths []string
	for _, s := range []string{"one", "two"} { // nothing is overwritten
		path, err := host.Keep(dir, "drafts/web.yaml", say(s))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil || string(raw) != s {
			t.Errorf("%s has %q, %v", path, raw, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		paths = append(paths, filepath.Base(path))
	}
	if !slices.Equal(paths, []string{"web.yaml", "web-2.yaml"}) {
		t.Errorf("the names are %q", paths)
	}
	broken := errors.New("broken")
	if _, err := host.Keep(dir, "exports/x.svg", func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a file that cannot be written: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "exports")); err != nil || len(left) != 0 {
		t.Errorf("what could not be written whole is left: %v, %v", left, err)
	}
	if _, err := host.Keep(dir, "../../etc/x", say("")); err == nil {
		t.Error("a name leads out of the folder")
	}
	if _, err := host.Keep("", "x", say("")); !errors.Is(err, host.ErrNoHome) {
		t.Errorf("without a home: %v", err)
	}
}

func TestCompletion(t *testing.T) {
	in := t.TempDir()
	for _, name := range []string{"web.yaml", "web.txt", "api.json", ".hidden.yaml"} {
		if err := os.WriteFile(filepath.Join(in, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(in, "manifests"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		stdout, begun string
		want          string
		open          bool
	}{
		"words":            {"pods\nnodes\n:4\nCompletion ended\n", "", "pods nodes", false},
		"what they are":    {"create\tCreate a resource\n:4\n", "cr", "create(Create a resource)", false},
		"no space after":   {"deployments/\n:6\n", "dep", "deployments/", true},
		"files of a kind":  {"json\nyaml\nyml\n:8\n", "", "api.json manifests/ web.yaml", false},
		"of a flag":        {"json\nyaml\nyml\n:8\n", "--filename=w", "web.yaml", false},
		"a folder":         {"json\nyaml\nyml\n:8\n", "man", "manifests/", true},
		"any file":         {":0\n", "web", "web.txt web.yaml", false},
		"none of files":    {":4\n", "web", "", false},
		"an error":         {"x\n:1\n", "", "", false},
		"nothing at all":   {"", "zzz", "", false},
		"help for readers": {"_activeHelp_ type a name\npods\n:4\n", "", "pods", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := host.Completion(tt.stdout, in, tt.begun)
			var got []string
			for _, p := range c.Proposals {
				if p.About != "" {
					p.Word += "(" + p.About + ")"
				}
				got = append(got, p.Word)
			}
			if s := strings.Join(got, " "); s != tt.want || c.Open != tt.open {
				t.Errorf("got %q, open %t; want %q, %t", s, c.Open, tt.want, tt.open)
			}
		})
	}
}

func TestRecordings(t *testing.T) {
	dir := t.TempDir()
	if got, err := host.Recordings(dir, ".ks"); err != nil || len(got) != 0 {
		t.Errorf("where there are none: %v, %v", got, err)
	}
	for _, name := range []string{"recordings/lab.ks", "recordings/lab.ks", "recordings/notes.txt", "casts/lab.ks"} {
		if _, err := host.Keep(dir, name, func(io.Writer) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "recordings", "lab.ks"), old, old); err != nil {
		t.Fatal(err)
	}
	got, err := host.Recordings(dir, ".ks")
	if err != nil || len(got) != 2 || filepath.Base(got[0].Path) != "lab-2.ks" || !got[1].Kept.Equal(old) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := host.Recordings("", ".ks"); err != nil || got != nil {
		t.Errorf("without a home: %v, %v", got, err)
	}
}
