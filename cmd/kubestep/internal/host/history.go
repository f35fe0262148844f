package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// mostHistory bounds the lines that are kept; the file is cut when it has twice as many.
const mostHistory = 1000

// History is a file with what was typed at the prompt, a line a command, oldest first, readable for its owner only. Runs
// at the same time each add their lines.
type History struct{ file string }

// OpenHistory returns the history in dir; with "" nothing is kept.
func OpenHistory(dir string) History {
	if dir == "" {
		return History{}
	}
	return History{filepath.Join(dir, "history")}
}

// Lines returns the latest lines. A file that is not there is an empty history.
func (h History) Lines() ([]string, error) {
	if h.file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(h.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read what was typed before: %w", err)
	}
	var lines []string
	for scan := bufio.NewScanner(bytes.NewReader(raw)); scan.Scan(); {
		if s := strings.TrimSpace(scan.Text()); s != "" && (len(lines) == 0 || lines[len(lines)-1] != s) {
			lines = append(lines, s)
		}
	}
	if len(lines) > 2*mostHistory {
		if err := h.rewrite(lines[len(lines)-mostHistory:]); err != nil {
			return nil, err
		}
	}
	return lines[max(len(lines)-mostHistory, 0):], nil
}

// Add adds a line.
func (h History) Add(line string) error {
	if h.file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(h.file), 0o700); err != nil {
		return fmt.Errorf("keep what was typed: %w", err)
	}
	f, err := os.OpenFile(h.file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep what was typed: %w", err)
	}
	_, err = f.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep what was typed: %w", err)
	}
	return nil
}

// rewrite replaces the file at once, so that a kill leaves the old or the new one.
func (h History) rewrite(lines []string) error {
	f, err := os.CreateTemp(filepath.Dir(h.file), ".history-*") // mode 0600
	if err != nil {
		return fmt.Errorf("shorten what was typed before: %w", err)
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), h.file)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("shorten what was typed before: %w", err)
	}
	return nil
}
