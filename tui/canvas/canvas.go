// Package canvas draws frames on a terminal: at once, only the lines that differ, and nothing at all while nothing changes.
//
// It stands in for Bubble Tea's own renderer, which looks sixty times a second whether there is something to draw (tea.go,
// startRenderer, of charm.land/bubbletea/v2 v2.0.9): that costs a third of a percent of a core for ever, and shows what a
// key did up to 16 ms late.
//
// The root model imports it; it imports nothing of ours.
package canvas

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"
)

// What opens the screen and what closes it, in the opposite order. Lines are as wide as the screen, so it must not wrap:
// a terminal may find a character wider than we do.
const (
	open = "\x1b[?1049h" + // the other screen
		"\x1b[?25l" + // no cursor
		"\x1b[?7l" + // no wrapping
		"\x1b[?2004h" + // pasting is told apart
		"\x1b[?1002h\x1b[?1006h" + // mouse: buttons, wheel, and motion with a button held
		"\x1b[2J"
	shut = "\x1b[0m\x1b[?1006l\x1b[?1002l\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"
	// The terminal shows a frame when it is complete, if it knows how.
	beginFrame, endFrame = "\x1b[?2026h", "\x1b[?2026l"
)

// file is what a terminal's end is; [os.File] is one.
type file interface{ Fd() uintptr }

// Canvas is a terminal's screen. Its methods are called from one goroutine at a time.
type Canvas struct {
	in, out any
	paint   io.Writer // out in the colours that it has
	title   string
	isOpen  bool
	pending string      // what opens the screen, until there is something to show on it
	cooked  *term.State // of the terminal before it was opened; nil when the input is none
	shown   []string
}

// New returns the screen of a terminal with an input and an output, of which neither need be one: then what only a
// terminal has is left out. environ says which colours there are.
func New(in io.Reader, out io.Writer, environ []string, title string) *Canvas {
	profile := colorprofile.Env(environ)
	if f, ok := out.(file); ok && term.IsTerminal(int(f.Fd())) {
		profile = colorprofile.Detect(out, environ)
	}
	return &Canvas{in: in, out: out, title: title, paint: &colorprofile.Writer{Forward: out, Profile: profile}}
}

// Open takes the terminal: keys come one by one, and the screen is ours until Close. The screen changes with the first
// frame.
func (c *Canvas) Open() error {
	if c.isOpen {
		return nil
	}
	if f, ok := c.in.(file); ok && term.IsTerminal(int(f.Fd())) {
		state, err := term.MakeRaw(int(f.Fd()))
		if err != nil {
			return fmt.Errorf("read single keys from the terminal: %w", err)
		}
		c.cooked = state
	}
	c.isOpen, c.shown, c.pending = true, nil, open+"\x1b]2;"+c.title+"\x07"
	return nil
}

// Close gives the terminal back as it was. It may be called again.
func (c *Canvas) Close() error {
	if !c.isOpen {
		return nil
	}
	c.isOpen = false
	var err error
	if c.pending == "" {
		err = c.write(shut)
	}
	if c.cooked != nil {
		if e := term.Restore(int(c.in.(file).Fd()), c.cooked); err == nil && e != nil {
			err = fmt.Errorf("give the terminal back: %w", e)
		}
		c.cooked = nil
	}
	return err
}

// Size returns the terminal's size in cells; ok is false when the output is none.
func (c *Canvas) Size() (w, h int, ok bool) {
	f, is := c.out.(file)
	if !is {
		return 0, 0, false
	}
	w, h, err := term.GetSize(int(f.Fd()))
	return w, h, err == nil
}

// Forget says that the terminal may show anything, as after a change of its size: the next frame is drawn whole.
func (c *Canvas) Forget() { c.shown = nil }

// Draw shows a frame, whose lines are as wide as the screen.
func (c *Canvas) Draw(lines []string) error {
	if !c.isOpen {
		return nil
	}
	whole := len(lines) != len(c.shown)
	var b strings.Builder
	for i, line := range lines {
		if whole || line != c.shown[i] {
			b.WriteString("\x1b[" + strconv.Itoa(i+1) + ";1H\x1b[0m")
			b.WriteString(line)
		}
	}
	if whole {
		b.WriteString("\x1b[0m\x1b[J") // what is below the last line
	}
	if b.Len() == 0 {
		return nil
	}
	c.shown = append(c.shown[:0:0], lines...)
	opening := c.pending
	c.pending = ""
	return c.write(opening + beginFrame + b.String() + endFrame)
}

func (c *Canvas) write(s string) error {
	if _, err := io.WriteString(c.paint, s); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}
