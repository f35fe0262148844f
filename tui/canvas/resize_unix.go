//go:build unix

package canvas

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Resized calls changed whenever the size of the terminal has changed, until ctx ends.
func Resized(ctx context.Context, changed func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	defer signal.Stop(signals)
	for {
		select {
		case <-signals:
			changed()
		case <-ctx.Done():
			return
		}
	}
}
