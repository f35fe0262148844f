package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestClaim(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	dir, release, err := Claim(run)
	if err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(run, claimed+"1", "nodes")
	if err := os.MkdirAll(killed, 0o700); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(run, "labs.json")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sweep(run)
	for path, want := range map[string]bool{dir: true, filepath.Dir(killed): false, other: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", path, err == nil, want)
		}
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after its release, %s gives %v", dir, err)
	}
}
