package program

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// errorText is strerror(3)'s text for the system's error in err, which Linux programs print: "Connection refused". Other
// errors have their own text.
func errorText(err error) string {
	for _, e := range []struct {
		errno syscall.Errno
		text  string
	}{
		{syscall.ECONNREFUSED, "Connection refused"}, {syscall.ECONNRESET, "Connection reset by peer"},
		{syscall.ECONNABORTED, "Software caused connection abort"}, {syscall.EPIPE, "Broken pipe"},
		{syscall.ETIMEDOUT, "Connection timed out"}, {syscall.ENETUNREACH, "Network is unreachable"},
		{syscall.EHOSTUNREACH, "No route to host"}, {syscall.EHOSTDOWN, "Host is down"},
		{syscall.EADDRINUSE, "Address already in use"}, {syscall.EADDRNOTAVAIL, "Cannot assign requested address"},
		{syscall.EMSGSIZE, "Message too long"}, {syscall.EACCES, "Permission denied"},
		{syscall.EPERM, "Operation not permitted"},
	} {
		if errors.Is(err, e.errno) {
			return e.text
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return "Connection timed out"
	}
	return err.Error()
}
