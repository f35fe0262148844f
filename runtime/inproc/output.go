package inproc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// maxLogLine is where containerd cuts lines of the log (max_container_log_line_size).
const maxLogLine = 16 << 10

// output is where a container's standard output and error go: its log file and whoever is attached.
type output struct {
	path           string // empty for no log
	clock          clock.Clock
	stdout, stderr *outStream

	mu       sync.Mutex // guards what follows and the streams' buffers
	file     *os.File
	closed   bool
	attached []*attachment
}

// attachment is one client that sees the output from now on.
type attachment struct{ stdout, stderr io.Writer }

// outStream is one of the two streams.
type outStream struct {
	out  *output
	name string // "stdout", "stderr"
	line []byte // what has come of the current line
}

func newOutput(path string, c clock.Clock) *output {
	o := &output{path: path, clock: c}
	o.stdout, o.stderr = &outStream{out: o, name: "stdout"}, &outStream{out: o, name: "stderr"}
	return o
}

// open opens the log file, or a new one when it was open: the old one may have been moved away.
func (o *output) open() error {
	if o.path == "" {
		return nil
	}
	f, err := os.OpenFile(o.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("open container log: %w: the Pod's log directory is missing", err)
	}
	if err != nil {
		return fmt.Errorf("open container log: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.file
	if o.file = f; old != nil {
		return old.Close()
	}
	return nil
}

// close writes what is left of unfinished lines and ends the log.
func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	var errs []error
	for _, s := range []*outStream{o.stdout, o.stderr} {
		if len(s.line) > 0 {
			errs = append(errs, s.log("P", s.line))
		}
	}
	o.closed, o.attached = true, nil
	if o.file != nil {
		errs = append(errs, o.file.Close())
	}
	return errors.Join(errs...)
}

// attach adds a client until the returned function is called.
func (o *output) attach(a *attachment) (detach func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attached = append(slices.Clone(o.attached), a)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.attached = slices.DeleteFunc(slices.Clone(o.attached), func(x *attachment) bool { return x == a })
	}
}

// Write implements io.Writer. A client that does not read delays the program, but not the log of others.
func (s *outStream) Write(b []byte) (int, error) {
	s.out.mu.Lock()
	if s.out.closed {
		s.out.mu.Unlock()
		return 0, io.ErrClosedPipe
	}
	err := s.logLines(b)
	attached := s.out.attached
	s.out.mu.Unlock()
	for _, a := range attached {
		w := a.stdout
		if s.name == "stderr" {
			w = a.stderr
		}
		if w != nil {
			_, _ = w.Write(b) // a client that went away is no concern of the program
		}
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// logLines writes whole lines, and parts of lines that get too long. The caller holds out.mu.
func (s *outStream) logLines(b []byte) error {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.line = append(s.line, b...)
			b = nil
		} else {
			s.line = append(s.line, b[:i]...)
			b = b[i+1:]
		}
		for len(s.line) > maxLogLine {
			if err := s.log("P", s.line[:maxLogLine]); err != nil {
				return err
			}
			s.line = append(s.line[:0], s.line[maxLogLine:]...)
		}
		if i >= 0 {
			if err := s.log("F", s.line); err != nil {
				return err
			}
			s.line = s.line[:0]
		}
	}
	return nil
}

// log writes one entry in the CRI's format: "2016-10-06T00:17:09.669794202Z stdout F text" (KEP-2411 and
// k8s.io/cri-client/pkg/logs). The caller holds out.mu.
func (s *outStream) log(tag string, text []byte) error {
	if s.out.file == nil {
		return nil
	}
	entry := s.out.clock.Now().UTC().AppendFormat(nil, time.RFC3339Nano)
	entry = append(entry, ' ')
	entry = append(entry, s.name...)
	entry = append(entry, ' ')
	entry = append(entry, tag...)
	entry = append(entry, ' ')
	entry = append(entry, text...)
	entry = append(entry, '\n')
	_, err := s.out.file.Write(entry)
	return err
}
