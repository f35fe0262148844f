package host

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/kubestep/kubestep/tui/export"
)

// Output is the terminal's output that can be recorded while it is written. It is safe for concurrent use.
type Output struct {
	*os.File
	mu   sync.Mutex
	cast *export.Asciicast
	file *os.File
}

// begin is what a cast starts with: the screens use the terminal's other page, without a cursor, and are drawn anew when a
// cast begins.
const begin = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H"

// Begin records what is written from now on to file, which it owns then. kind is the terminal's type, as in TERM.
func (o *Output) Begin(file *os.File, kind string) error {
	w, h, err := term.GetSize(int(o.Fd()))
	if err != nil {
		return errors.Join(err, file.Close())
	}
	cast, err := export.NewAsciicast(file, w, h, kind, time.Now)
	if err == nil {
		err = cast.Output([]byte(begin))
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cast, o.file = cast, file
	return nil
}

// End ends the recording, if there is one, and returns what was wrong with it.
func (o *Output) End() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cast == nil {
		return nil
	}
	err := errors.Join(o.cast.Output(nil), o.file.Close())
	o.cast, o.file = nil, nil
	return err
}

// Write writes to the terminal. A recording that cannot be written does not disturb it; End tells.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cast != nil {
		if w, h, err := term.GetSize(int(o.Fd())); err == nil {
			_ = o.cast.Resize(w, h)
		}
		_ = o.cast.Output(p[:n])
	}
	return n, err
}
