package trace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// WriteRecording writes what store has now. w is not closed. The error is w's.
func WriteRecording(ctx context.Context, w io.Writer, h Header, store *Store) error {
	now, cancel := context.WithCancel(ctx)
	cancel() // what is there, and no more
	return Record(now, w, h, store)
}

// ErrCutOff means that a recording ends in the middle, because its writer was killed or the file was not copied whole.
var ErrCutOff = errors.New("it ends in the middle")

// maxLine bounds one event of a recording; etcd's own limit for an object is 1.5 MiB, and an event holds up to four.
const maxLine = 16 << 20

// Salvage reads what can be read of a recording. An error says where and why that ends: an [ErrRecording] that names the
// line, or an [ErrCutOff]. The store is nil when there is nothing at all: not a recording, or one of another version.
func Salvage(r io.Reader) (Header, *Store, error) {
	buffered := bufio.NewReader(r)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(buffered)
		if err != nil {
			return Header{}, nil, fmt.Errorf("%w: %w", ErrRecording, err)
		}
		buffered = bufio.NewReader(zip)
	}
	lines := bufio.NewScanner(buffered)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	h, err := readHeader(lines)
	if err != nil {
		return h, nil, err
	}
	store := NewStore(Limits{Events: 5_000_000, Bytes: 1 << 30})
	n := 1
	var bad error
	for lines.Scan() {
		n++
		if bad != nil {
			return h, store, bad // it was not the last line, so it is damaged and not cut off
		}
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			bad = fmt.Errorf("%w: line %d: %w", ErrRecording, n, err)
			continue
		}
		if e.Seq == 0 || e.Kind == "" {
			return h, store, fmt.Errorf("%w: line %d is not an event: it has no seq or no kind", ErrRecording, n)
		}
		if _, last := store.Len(); last != 0 && e.Seq > last+maxGap {
			return h, store, fmt.Errorf("%w: line %d: seq jumps from %d to %d", ErrRecording, n, last, e.Seq)
		}
		store.put(&e)
	}
	switch err := lines.Err(); {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return h, store, fmt.Errorf("%w: after line %d: %w", ErrRecording, n, err)
	case err != nil || bad != nil:
		return h, store, ErrCutOff
	}
	return h, store, nil
}

// readHeader reads the first line.
func readHeader(lines *bufio.Scanner) (h Header, err error) {
	if !lines.Scan() {
		if err := lines.Err(); err != nil {
			return h, fmt.Errorf("%w: %w", ErrRecording, err)
		}
		return h, fmt.Errorf("%w: it is empty", ErrRecording)
	}
	if err := json.Unmarshal(lines.Bytes(), &h); err != nil || h.Format != Format {
		return h, fmt.Errorf("%w: line 1 is not the header of a %s file", ErrRecording, Format)
	}
	if h.Version != FormatVersion {
		return h, fmt.Errorf("%w: it has format version %d, this program reads version %d", ErrRecording, h.Version,
			FormatVersion)
	}
	return h, nil
}
