package tap

import (
	"encoding/binary"
	"strings"
)

// maxFrame bounds one watch event. The API server stores no object beyond 3 MiB.
const maxFrame = 16 << 20

// framing says how the events of a watch follow one another in its body.
type framing int

const (
	opaque  framing = iota // not understood: passed on as it comes
	jsons                  // JSON objects, one after the other
	lengths                // big-endian 32-bit length, then that many bytes
)

// framingOf returns the framing of a watch's Content-Type (k8s.io/apimachinery/pkg/runtime/serializer: StreamSerializer).
func framingOf(mediaType string) framing {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	switch strings.TrimSpace(mediaType) {
	case "application/json":
		return jsons
	case "application/vnd.kubernetes.protobuf":
		return lengths
	}
	return opaque
}

// splitter cuts a stream into frames. What it gives out, put together, is what was put in, byte for byte.
type splitter struct {
	framing framing
	buf     []byte
	scanned int // of buf, without the end of a JSON object
	depth   int
	quoted  bool
	escaped bool
}

func (s *splitter) write(p []byte) { s.buf = append(s.buf, p...) }

// next returns the next whole frame, with what surrounds it on the wire. ok is false when more bytes are needed. A
// stream that makes no sense becomes opaque: it is given out as it is.
func (s *splitter) next() (frame []byte, ok bool) {
	n := 0
	switch s.framing {
	case lengths:
		n = s.lengthDelimited()
	case jsons:
		n = s.jsonObject()
	}
	if n == 0 && len(s.buf) > maxFrame {
		s.framing = opaque
	}
	if s.framing == opaque {
		n = len(s.buf)
	}
	if n == 0 {
		return nil, false
	}
	frame = append([]byte(nil), s.buf[:n]...)
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	s.scanned = 0
	if cap(s.buf) > 1<<20 && len(s.buf) == 0 {
		s.buf = nil // one large object must not cost its size for ever
	}
	return frame, true
}

// rest returns what is left when the stream has ended.
func (s *splitter) rest() []byte {
	left := s.buf
	s.buf = nil
	return left
}

func (s *splitter) lengthDelimited() int {
	if len(s.buf) < 4 {
		return 0
	}
	n := binary.BigEndian.Uint32(s.buf)
	if n > maxFrame {
		s.framing = opaque
		return 0
	}
	if len(s.buf) < 4+int(n) {
		return 0
	}
	return 4 + int(n)
}

// jsonObject returns the length of the first object in buf, with the white space before it.
func (s *splitter) jsonObject() int {
	for i := s.scanned; i < len(s.buf); i++ {
		c := s.buf[i]
		switch {
		case s.escaped:
			s.escaped = false
		case s.quoted:
			switch c {
			case '\\':
				s.escaped = true
			case '"':
				s.quoted = false
			}
		case c == '"' && s.depth > 0:
			s.quoted = true
		case c == '{' || c == '[' && s.depth > 0:
			s.depth++
		case (c == '}' || c == ']') && s.depth > 0:
			if s.depth--; s.depth == 0 {
				return i + 1
			}
		case s.depth == 0 && c != ' ' && c != '\n' && c != '\r' && c != '\t':
			s.framing = opaque // no object begins like this
			return 0
		}
	}
	s.scanned = len(s.buf)
	return 0
}

// payload returns what is inside a frame.
func (s *splitter) payload(frame []byte) []byte {
	if s.framing == lengths {
		return frame[4:]
	}
	return frame
}
