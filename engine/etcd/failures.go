package etcd

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// failures turns what etcd would end the process for into an error. When etcd cannot go on - the disk is full, a file is
// damaged - it logs at level fatal or panic, and the logger then exits. This one ends the goroutine instead, and the
// member is given up.
type failures struct {
	once   sync.Once
	failed chan struct{} // closed when err is set
	err    error
}

func newFailures() *failures { return &failures{failed: make(chan struct{})} }

// watch returns core with what it logs shown to f: a hook alone does not get the fields, which say what is wrong.
func (f *failures) watch(core zapcore.Core) zapcore.Core { return watchedCore{core, f} }

// OnWrite is called after a fatal entry has been logged. It does not return, as its caller relies on.
func (f *failures) OnWrite(*zapcore.CheckedEntry, []zapcore.Field) { runtime.Goexit() }

func (f *failures) fail(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.failed)
	})
}

// watchedCore reports entries above level error.
type watchedCore struct {
	zapcore.Core
	failures *failures
}

func (c watchedCore) With(fields []zapcore.Field) zapcore.Core {
	return watchedCore{c.Core.With(fields), c.failures}
}

func (c watchedCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c watchedCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.Level > zap.ErrorLevel {
		c.failures.fail(explain(entryError(e, fields)))
	}
	return c.Core.Write(e, fields)
}

func entryError(e zapcore.Entry, fields []zapcore.Field) error {
	for _, field := range fields {
		if cause, ok := field.Interface.(error); ok && field.Type == zapcore.ErrorType {
			return fmt.Errorf("etcd cannot go on: %s: %w", e.Message, cause)
		}
	}
	return fmt.Errorf("etcd cannot go on: %s", e.Message)
}

// explain adds what the reader can do about err.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w (the disk is full: free some space, or choose another data directory)", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (the file system is read-only: choose another data directory)", err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%w (the directory belongs to somebody else: choose another one, or run as its owner)", err)
	}
	return err
}
