package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// keepTerminal returns the process's stderr under another number, so that it can be written to when 2 is something else.
func keepTerminal() *os.File {
	fd, err := unix.FcntlInt(uintptr(unix.Stderr), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return os.Stderr // closed by the parent: there is nobody to tell anything
	}
	return os.NewFile(uintptr(fd), "stderr") //nolint:gosec // a file's number
}

// redirectStderr sends to log whatever writes to stderr, by name or by number: some libraries keep loggers that they made
// when the program was loaded, such as etcd's client in k8s.io/apiserver/pkg/storage/storagebackend/factory/etcd3.go. Only
// a crash still shows on the terminal.
func redirectStderr(log, terminal *os.File) error {
	if err := dup2(int(log.Fd()), unix.Stderr); err != nil {
		return fmt.Errorf("send stderr to the log: %w", err)
	}
	return debug.SetCrashOutput(terminal, debug.CrashOptions{})
}
