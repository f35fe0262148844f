// Package progress keeps what a learner has done in one file, so that it survives the end of the program at any moment:
// where lessons stand, what was answered in quizzes, when missed questions come back.
//
// tui and cmd import it. It imports nothing of this module and writes only the file that it is given.
package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Version is the form of the file that this program writes. It refuses later ones rather than lose what they hold.
const Version = 1

// The errors that callers can do something about.
var (
	// ErrNewer means that a later version of the program wrote the file.
	ErrNewer = errors.New("written by a newer version of kubestep")
	// ErrDamaged means that the file cannot be read; see [Store.SetAside].
	ErrDamaged = errors.New("damaged")
)

// Store is the file. It is safe for concurrent use in one process. Of two processes that write, the later one wins, key
// by key: each write reads the file first.
type Store struct {
	path string
	mu   sync.Mutex
}

// file is what is on disk.
type file struct {
	Version int                        `json:"version"`
	Lessons map[string]json.RawMessage `json:"lessons,omitempty"` // engine/course's State, by lesson
	Quiz    map[string]json.RawMessage `json:"quiz,omitempty"`    // engine/quiz's Record, by lesson/question
}

// Section is a part of the file.
type Section string

// The sections of the file.
const (
	Lessons Section = "lessons"
	Quiz    Section = "quiz"
)

// Open returns the store in a file, which need not be there.
func Open(path string) *Store { return &Store{path: path} }

// Get reads an entry into v; ok is false when there is none.
func (s *Store) Get(section Section, key string, v any) (ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.read()
	if err != nil {
		return false, err
	}
	raw, ok := f.section(section)[key]
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("read %s of %s from %s: %w", section, key, s.path, err)
	}
	return true, nil
}

// All returns the entries of a section, by key.
func (s *Store) All(section Section) (map[string]json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.read()
	if err != nil {
		return nil, err
	}
	return f.section(section), nil
}

// SetAside moves a damaged file away, so that the learner can begin anew and nothing that is in it is lost, and returns
// where it is now. When the file is not damaged, or not there, it does nothing and returns "".
func (s *Store) SetAside() (path string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.read(); !errors.Is(err, ErrDamaged) {
		return "", nil
	}
	for n := 1; ; n++ { // an earlier one stays
		path = fmt.Sprintf("%s.damaged-%d", s.path, n)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", fmt.Errorf("move damaged progress away: %w", err)
		}
	}
	if err := os.Rename(s.path, path); err != nil {
		return "", fmt.Errorf("move damaged progress away: %w", err)
	}
	return path, nil
}

// Put writes entries of a section, all or none; nil removes one. When it returns, they are on disk.
func (s *Store) Put(section Section, entries map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.read()
	if err != nil {
		return err
	}
	for key, v := range entries {
		if v == nil {
			delete(f.section(section), key)
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("keep %s of %s: %w", section, key, err)
		}
		f.section(section)[key] = raw
	}
	return s.write(f)
}

func (f *file) section(s Section) map[string]json.RawMessage {
	if s == Quiz {
		return f.Quiz
	}
	return f.Lessons
}

func (s *Store) read() (*file, error) {
	f := &file{Version: Version}
	raw, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read progress: %w", err)
	default:
		if err := json.Unmarshal(raw, f); err != nil {
			return nil, fmt.Errorf("progress in %s is %w (%w); move the file away to begin anew", s.path, ErrDamaged, err)
		}
		if f.Version > Version {
			return nil, fmt.Errorf("progress in %s is of version %d: %w", s.path, f.Version, ErrNewer)
		}
	}
	if f.Lessons == nil {
		f.Lessons = map[string]json.RawMessage{}
	}
	if f.Quiz == nil {
		f.Quiz = map[string]json.RawMessage{}
	}
	return f, nil
}

// write replaces the file: who reads it at any moment, and after any kill, finds the old one or the new one.
func (s *Store) write(f *file) (err error) {
	f.Version = Version
	raw, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	tmp, err := os.CreateTemp(dir, ".progress-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			_ = os.Remove(tmp.Name())
			err = fmt.Errorf("write progress: %w", err)
		}
	}()
	if _, err := tmp.Write(append(raw, '\n')); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.path)
}
