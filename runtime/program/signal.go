package program

import (
	"strconv"
	"strings"
)

// Signal is a POSIX signal number. The numbers are Linux's on every platform, because exit codes show them.
type Signal int

// The signals that containers meet.
const (
	SIGHUP  Signal = 1
	SIGINT  Signal = 2
	SIGQUIT Signal = 3
	SIGKILL Signal = 9
	SIGUSR1 Signal = 10
	SIGUSR2 Signal = 12
	SIGTERM Signal = 15
)

// String returns the name, "SIGTERM".
func (s Signal) String() string {
	switch s {
	case SIGHUP:
		return "SIGHUP"
	case SIGINT:
		return "SIGINT"
	case SIGQUIT:
		return "SIGQUIT"
	case SIGKILL:
		return "SIGKILL"
	case SIGUSR1:
		return "SIGUSR1"
	case SIGUSR2:
		return "SIGUSR2"
	case SIGTERM:
		return "SIGTERM"
	}
	return "SIG" + strconv.Itoa(int(s))
}

// ExitCode returns the exit code of a process that died of s: 128 and the number.
func (s Signal) ExitCode() int { return 128 + int(s) }

// ParseSignal understands "15", "TERM" and "SIGTERM" in any case, for the signals that containers meet.
func ParseSignal(text string) (Signal, bool) {
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	for _, s := range []Signal{SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM} {
		if name == strings.TrimPrefix(s.String(), "SIG") || name == strconv.Itoa(int(s)) {
			return s, true
		}
	}
	return 0, false
}
