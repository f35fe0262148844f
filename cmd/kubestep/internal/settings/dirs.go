package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const program = "kubestep"

// maxRun bounds the length of the run directory, so that sockets some levels below it stay within the 104 bytes that
// every system allows for a socket's path.
const maxRun = 40

// Dirs are the directories of one user. Nothing is made before it is needed.
type Dirs struct {
	// Config holds config.yaml; empty when the user has no home.
	Config string
	// State keeps what outlives a run, such as logs; empty when the user has no home.
	State string
	// Data keeps what the reader saved, such as recordings; empty when the user has no home.
	Data string
	// Run holds sockets and the files of labs that are gone after their end. It does not need a home.
	Run string
}

// Find returns the user's directories after the XDG base directory specification. env is os.LookupEnv or a test's.
func Find(env func(string) (string, bool)) Dirs {
	get := func(name string) string { v, _ := env(name); return v }
	home := get("HOME")
	under := func(xdg string, fallback ...string) string {
		// The specification says to ignore relative paths.
		if v := get(xdg); filepath.IsAbs(v) {
			return filepath.Join(v, program)
		}
		if !filepath.IsAbs(home) {
			return ""
		}
		return filepath.Join(append(append([]string{home}, fallback...), program)...)
	}
	return Dirs{
		Config: under("XDG_CONFIG_HOME", ".config"),
		State:  under("XDG_STATE_HOME", ".local", "state"),
		Data:   under("XDG_DATA_HOME", ".local", "share"),
		Run:    run(get("XDG_RUNTIME_DIR"), get("TMPDIR")),
	}
}

func run(xdg, tmp string) string {
	if filepath.IsAbs(xdg) && len(xdg) <= maxRun {
		return filepath.Join(xdg, program)
	}
	if !filepath.IsAbs(tmp) || len(tmp) > maxRun {
		tmp = "/tmp"
	}
	return filepath.Join(tmp, program+"-"+strconv.Itoa(os.Getuid()))
}

// Private makes dir, unless it is there, and checks that it belongs to this user and that nobody else can look into it:
// in a shared directory such as /tmp somebody else may have made it first.
func Private(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return unusable(dir, err)
	}
	if err := os.Mkdir(dir, 0o700); err == nil || !errors.Is(err, os.ErrExist) {
		if err != nil {
			return unusable(dir, err)
		}
		return nil
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return unusable(dir, err)
	}
	switch {
	case !info.IsDir():
		return unusable(dir, errors.New("it is not a directory"))
	case !ownedByMe(info):
		return unusable(dir, errors.New("it belongs to another user"))
	case info.Mode().Perm()&0o077 != 0:
		return unusable(dir, fmt.Errorf("others can look into it (mode %04o); run: chmod 700 %s", info.Mode().Perm(), dir))
	}
	return writable(dir)
}

func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return unusable(dir, err)
	}
	f.Close()
	return os.Remove(f.Name())
}

func unusable(dir string, err error) error {
	return fmt.Errorf("kubestep cannot use the directory %s: %w; name another one in XDG_RUNTIME_DIR or TMPDIR", dir, err)
}
