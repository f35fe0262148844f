package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
