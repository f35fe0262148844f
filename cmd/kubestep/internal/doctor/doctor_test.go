package doctor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/settings"
)

func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// world is a short private directory with nothing in it, and an output that is no terminal.
func world(t *testing.T) World {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "doctor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return World{
		Env:    env(map[string]string{"TERM": "xterm-256color", "LANG": "C.UTF-8"}),
		Dirs:   settings.Dirs{Run: filepath.Join(dir, "run"), State: filepath.Join(dir, "state")},
		Stdout: out,
	}
}

func find(t *testing.T, r Report, name string) Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %q in %+v", name, r.Checks)
	return Check{}
}

func TestRun(t *testing.T) {
	t.Run("a usable machine", func(t *testing.T) {
		w := world(t)
		r := Run(w)
		if !r.OK {
			t.Errorf("this machine runs the tests but not a lab: %+v", r.Checks)
		}
		if left, _ := filepath.Glob(filepath.Join(w.Dirs.Run, "*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		var out bytes.Buffer
		if err := r.Write(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "A lab can run on this machine.") {
			t.Errorf("no verdict in:\n%s", out.String())
		}
	})
	t.Run("a directory for sockets that is too deep", func(t *testing.T) {
		w := world(t)
		w.Dirs.Run = filepath.Join(w.Dirs.Run, strings.Repeat("deep", 20))
		r := Run(w)
		if c := find(t, r, "unix sockets"); r.OK || c.Result != Fail || c.Advice == "" {
			t.Errorf("got %+v, ok %t, want a failure with advice", c, r.OK)
		}
	})
	t.Run("a run directory that others can look into", func(t *testing.T) {
		w := world(t)
		if err := os.Mkdir(w.Dirs.Run, 0o755); err != nil {
			t.Fatal(err)
		}
		r := Run(w)
		if c := find(t, r, "lab files"); r.OK || !strings.Contains(c.Detail, "chmod 700") {
			t.Errorf("got %+v, ok %t, want a failure that says what to run", c, r.OK)
		}
	})
	t.Run("no home", func(t *testing.T) {
		w := world(t)
		w.Dirs.State = ""
		r := Run(w)
		if c := find(t, r, "home"); !r.OK || c.Result != Warn {
			t.Errorf("got %+v, ok %t, want a warning that stops nothing", c, r.OK)
		}
	})
}

func TestTerminal(t *testing.T) {
	for _, tc := range []struct {
		name, check string
		env         map[string]string
		want        Result
		detail      string
	}{
		{"dumb", "colours", map[string]string{"TERM": "dumb"}, Warn, `"dumb"`},
		{"256 colours", "colours", map[string]string{"TERM": "screen-256color"}, OK, "256"},
		{"true colour", "colours", map[string]string{"TERM": "xterm", "COLORTERM": "truecolor"}, OK, "16 million"},
		{"switched off", "colours", map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, OK, "NO_COLOR"},
		{"Chinese", "characters", map[string]string{"LANG": "zh_CN.UTF-8"}, OK, "zh_CN"},
		{"no locale", "characters", nil, Warn, `""`},
		{"LC_ALL comes first", "characters", map[string]string{"LC_ALL": "C", "LANG": "C.UTF-8"}, Warn, `"C"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := world(t)
			w.Env = env(tc.env)
			c := find(t, Report{Checks: terminal(w)}, tc.check)
			if c.Result != tc.want || !strings.Contains(c.Detail, tc.detail) {
				t.Errorf("got %+v, want %s with %s", c, tc.want, tc.detail)
			}
		})
	}
}
