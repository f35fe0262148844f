package fabric

import (
	"fmt"
	"log/slog"
	"time"

	gvisor "gvisor.dev/gvisor/pkg/log"
)

// RedirectLog makes gVisor write what it has to say to l instead of standard error. It is a setting of the process: the
// one who owns those calls it, once, before the first fabric is made.
func RedirectLog(l *slog.Logger) { gvisor.SetTarget(emitter{l}) }

// emitter is gVisor's log on a slog.Logger. What gVisor warns of, such as a connection that was aborted, is nothing to
// warn of here.
type emitter struct{ log *slog.Logger }

// Emit implements gVisor's Emitter.
func (e emitter) Emit(_ int, level gvisor.Level, _ time.Time, format string, args ...any) {
	say := e.log.Debug
	if level == gvisor.Warning {
		say = e.log.Info
	}
	say("netstack", "message", fmt.Sprintf(format, args...))
}
