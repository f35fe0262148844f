package inproc

import (
	"bytes"
	"io"
	"sync"

	"github.com/kubestep/kubestep/runtime/program"
)

// terminal is the kernel's side of a client's terminal in its usual mode: it echoes what is typed, lets lines be edited,
// and turns ^C into a signal, ^D into the end of the input, and line ends into what the other side wants.
type terminal struct {
	client io.Reader
	lines  *io.PipeReader
	typed  *io.PipeWriter

	mu  sync.Mutex
	out io.Writer
}

// newTerminal returns a terminal for what a client types and sees. client may be nil.
func newTerminal(client io.Reader, out io.Writer) *terminal {
	t := &terminal{client: client, out: out}
	t.lines, t.typed = io.Pipe()
	return t
}

// Read implements io.Reader: whole lines for the program.
func (t *terminal) Read(b []byte) (int, error) { return t.lines.Read(b) }

// output returns what the program writes to.
func (t *terminal) output() io.Writer { return terminalOutput{t} }

type terminalOutput struct{ t *terminal }

// Write implements io.Writer: a new line also goes back to the first column.
func (o terminalOutput) Write(b []byte) (int, error) {
	if err := o.t.show(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (t *terminal) show(b []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := t.out.Write(b)
	return err
}

// Control characters of termios(3).
const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	ctrlBack  = 0x1c // ^\
	del       = 0x7f
)

// pump handles what is typed until the client ends.
func (t *terminal) pump(signal func(program.Signal)) {
	defer t.typed.Close()
	if t.client == nil {
		return
	}
	var line []byte
	buf := make([]byte, 256)
	for {
		n, err := t.client.Read(buf)
		for _, c := range buf[:n] {
			line = t.key(line, c, signal)
		}
		if err != nil {
			return
		}
	}
}

// key takes one character and returns the line as it is then. Errors of the client's streams end its Read as well.
func (t *terminal) key(line []byte, c byte, signal func(program.Signal)) []byte {
	switch c {
	case '\r', '\n':
		_ = t.show([]byte("\r\n"))
		_, _ = t.typed.Write(append(line, '\n'))
		return line[:0]
	case ctrlC, ctrlBack:
		s, text := program.SIGINT, "^C\r\n"
		if c == ctrlBack {
			s, text = program.SIGQUIT, "^\\\r\n"
		}
		_ = t.show([]byte(text))
		signal(s)
		return line[:0]
	case ctrlD:
		if len(line) == 0 {
			_ = t.typed.Close()
		}
		return line
	case del, backspace:
		if len(line) > 0 {
			_ = t.show([]byte("\b \b"))
			return line[:len(line)-1]
		}
		return line
	case ctrlU:
		_ = t.show(bytes.Repeat([]byte("\b \b"), len(line)))
		return line[:0]
	}
	if c < ' ' && c != '\t' {
		return line
	}
	_ = t.show([]byte{c})
	return append(line, c)
}
