package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Claim makes a directory below run for one lab and removes those of labs that were killed. Release gives it back and
// removes it. The directory's path is at most 20 bytes longer than run's.
func Claim(run string) (dir string, release func() error, err error) {
	if err := Private(run); err != nil {
		return "", nil, err
	}
	sweep(run)
	dir = filepath.Join(run, fmt.Sprintf("%s%d", claimed, os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", nil, unusable(dir, err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return "", nil, unusable(dir, errors.Join(err, os.RemoveAll(dir)))
	}
	return dir, func() error {
		err := os.RemoveAll(dir)
		lock.Close()
		return err
	}, nil
}

// claimed begins the names of claimed directories.
const claimed = "lab-"

// lockDir takes the directory for this process, until it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

// sweep removes directories that nobody holds. What cannot be removed is left for the next time.
func sweep(run string) {
	entries, err := os.ReadDir(run)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), claimed) {
			continue
		}
		dir := filepath.Join(run, e.Name())
		if lock, err := lockDir(dir); err == nil {
			_ = os.RemoveAll(dir)
			lock.Close()
		}
	}
}
