package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/tui/host"
)

// ErrNoHome means that there is nowhere to keep a file.
var ErrNoHome = errors.New("there is no place for it: set XDG_DATA_HOME or HOME")

// Keep writes a new file in dir, for its owner only, and returns its path. name may have folders in it. When there is a
// file of that name the new one gets a number; a file that could not be written whole is removed.
func Keep(dir, name string, write func(io.Writer) error) (path string, err error) {
	if dir == "" {
		return "", ErrNoHome
	}
	path = filepath.Join(dir, name)
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q is no name for a file below %s", name, dir)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make a folder for it: %w", err)
	}
	f, err := create(path)
	if err != nil {
		return "", err
	}
	if err = errors.Join(write(f), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// create makes a file that was not there: "web.yaml", or else "web-2.yaml" and so on.
func create(path string) (*os.File, error) {
	ending := filepath.Ext(path)
	base := strings.TrimSuffix(path, ending)
	for n := 2; ; n++ {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, fs.ErrExist) || n > 1000 {
			return f, err
		}
		path = fmt.Sprintf("%s-%d%s", base, n, ending)
	}
}

// Recordings returns the recordings that [Keep] has written below dir, those with an ending, newest first.
func Recordings(dir, ending string) ([]host.Recording, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(dir, "recordings"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for recordings: %w", err)
	}
	var out []host.Recording
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || filepath.Ext(e.Name()) != ending {
			continue // gone meanwhile, or not one
		}
		out = append(out, host.Recording{Path: filepath.Join(dir, "recordings", e.Name()), Kept: info.ModTime()})
	}
	slices.SortFunc(out, func(a, b host.Recording) int { return b.Kept.Compare(a.Kept) })
	return out, nil
}
