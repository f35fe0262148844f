package inproc

import "io"

// stdin is a container's standard input. It reads as empty when the container has none, and otherwise what attached
// clients send, until a client ends and the container asked for one client only.
type stdin struct {
	r    *io.PipeReader // nil for no input
	w    *io.PipeWriter
	once bool
}

func newStdin(open, once bool) *stdin {
	s := &stdin{once: once}
	if open {
		s.r, s.w = io.Pipe()
	}
	return s
}

// Read implements io.Reader.
func (s *stdin) Read(b []byte) (int, error) {
	if s.r == nil {
		return 0, io.EOF
	}
	return s.r.Read(b)
}

// feed copies what a client sends until it ends or the container does.
func (s *stdin) feed(client io.Reader) {
	if s.w == nil {
		return
	}
	_, err := io.Copy(s.w, client)
	if s.once && err == nil {
		_ = s.w.Close() // cannot fail
	}
}

func (s *stdin) close() {
	if s.r != nil {
		_ = s.r.Close() // cannot fail
		_ = s.w.Close()
	}
}
