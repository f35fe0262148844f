package export

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"
)

// Asciicast writes what a terminal shows as an asciicast of version 2 (docs.asciinema.org/manual/asciicast/v2): a line
// with the header, then one line for each event, [seconds, code, data]. Its methods are safe for concurrent use. After the
// first error of the writer it writes nothing more and returns that error.
type Asciicast struct {
	mu    sync.Mutex
	out   io.Writer
	now   func() time.Time
	began time.Time
	w, h  int
	rest  []byte // the beginning of a character whose other bytes have not come
	err   error
}

// castHeader is the first line.
type castHeader struct {
	Version   int               `json:"version"`
	Width     int               `json:"width"`
	Height    int               `json:"height"`
	Timestamp int64             `json:"timestamp"` // seconds since 1970
	Title     string            `json:"title,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
}

// NewAsciicast begins a cast of a terminal of w by h cells. term is the terminal's type, as in TERM. now is the clock.
func NewAsciicast(out io.Writer, w, h int, term string, now func() time.Time) (*Asciicast, error) {
	c := &Asciicast{out: out, now: now, began: now(), w: w, h: h}
	c.write(castHeader{Version: 2, Width: w, Height: h, Timestamp: c.began.Unix(), Title: "kubestep", Env: map[string]string{"TERM": term}})
	return c, c.err
}

// Output adds what was written to the terminal. A character whose bytes come in two calls is written once it is whole,
// because the format is text.
func (c *Asciicast) Output(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := append(c.rest, p...)
	end := len(all)
	for i := 1; i < utf8.UTFMax && i <= len(all); i++ {
		if b := all[len(all)-i]; utf8.RuneStart(b) {
			if !utf8.FullRune(all[len(all)-i:]) {
				end = len(all) - i
			}
			break
		}
	}
	if end > 0 {
		c.event("o", string(all[:end]))
	}
	c.rest = append([]byte(nil), all[end:]...)
	return c.err
}

// Resize notes the terminal's size; the same size again is nothing.
func (c *Asciicast) Resize(w, h int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w != c.w || h != c.h {
		c.w, c.h = w, h
		c.event("r", fmt.Sprintf("%dx%d", w, h))
	}
	return c.err
}

func (c *Asciicast) event(code, data string) {
	c.write([]any{float64(c.now().Sub(c.began).Microseconds()) / 1e6, code, data})
}

func (c *Asciicast) write(v any) {
	if c.err != nil {
		return
	}
	out := json.NewEncoder(c.out) // one line a value
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		c.err = fmt.Errorf("write the asciicast: %w", err)
	}
}
