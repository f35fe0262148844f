package progress

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

type entry struct{ Step string }

func TestPutAndGet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "progress.json")
	s := Open(path)
	if ok, err := s.Get(Lessons, "a", &entry{}); ok || err != nil {
		t.Errorf("a file that is not there gives %t, %v", ok, err)
	}
	if err := s.Put(Lessons, map[string]any{"a": entry{"one"}, "b": entry{"two"}}); err != nil {
		t.Fatal(err)
	}
	if err := Open(path).Put(Quiz, map[string]any{"a": entry{"three"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(Lessons, map[string]any{"b": nil}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		section Section
		key     string
		want    string
	}{{Lessons, "a", "one"}, {Lessons, "b", ""}, {Quiz, "a", "three"}} {
		var e entry
		if ok, err := Open(path).Get(tt.section, tt.key, &e); err != nil || e.Step != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %s = %+v, %t, %v", tt.section, tt.key, e, ok, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".progress-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDamagedAndNewer(t *testing.T) {
	for content, want := range map[string]string{`{"version":1,`: "move the file away", `{"version":2}`: "newer"} {
		path := filepath.Join(t.TempDir(), "progress.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Open(path).Put(Lessons, map[string]any{"a": entry{}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", content, err)
		}
		if want == "newer" && !errors.Is(err, ErrNewer) {
			t.Errorf("%v is no ErrNewer", err)
		}
		if now, _ := os.ReadFile(path); string(now) != content {
			t.Errorf("the file was changed to %s", now)
		}
	}
}

func TestConcurrentWriters(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "progress.json"))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.Put(Lessons, map[string]any{fmt.Sprint(i): entry{"x"}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all, err := s.All(Lessons); err != nil || len(all) != 20 {
		t.Errorf("%d entries, %v", len(all), err)
	}
}

func TestSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "progress.json")
	s := Open(path)
	for content, moved := range map[string]bool{"": false, `{"version":1}`: false, `{"version":2}`: false, `{"version":1,`: true, "\x00\x00": true} {
		if content != "" {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		to, err := s.SetAside()
		if err != nil || (to != "") != moved {
			t.Errorf("%q: moved to %q, %v", content, to, err)
		}
		if !moved {
			continue
		}
		if now, err := os.ReadFile(to); err != nil || string(now) != content {
			t.Errorf("%q is kept as %q, %v", content, now, err)
		}
		if err := s.Put(Lessons, map[string]any{"a": entry{"one"}}); err != nil {
			t.Errorf("after %q: %v", content, err)
		}
	}
	if kept, _ := filepath.Glob(path + ".damaged-*"); len(kept) != 2 {
		t.Errorf("kept: %v", kept)
	}
}

const childEnv = "KUBESTEP_TEST_PROGRESS_FILE"

// TestMain lets the test binary be the writer that TestSurvivesKill kills.
func TestMain(m *testing.M) {
	path := os.Getenv(childEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	s := Open(path)
	for n := 0; ; n++ {
		if err := s.Put(Lessons, map[string]any{"n": n, "text": strings.Repeat("x", 50_000)}); err != nil {
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

func TestSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "progress.json")
	for range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told := -1
		for range 5 {
			if _, err := fmt.Fscanln(out, &told); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for { // what it had told until then
			if _, err := fmt.Fscanln(out, &told); err != nil {
				break
			}
		}
		_ = cmd.Wait() // killed
		var n int
		if ok, err := Open(path).Get(Lessons, "n", &n); !ok || err != nil || n < told {
			t.Fatalf("after the kill there is %d (%t, %v); %d was written", n, ok, err, told)
		}
	}
}
