package canvas

import (
	"strings"
	"testing"
)

// TestDraw draws frames and looks at what goes to the terminal.
func TestDraw(t *testing.T) {
	var out strings.Builder
	c := New(strings.NewReader(""), &out, []string{"TERM=xterm-256color", "COLORTERM=truecolor"}, "title")
	if err := c.Draw([]string{"early"}); err != nil || out.Len() != 0 {
		t.Fatalf("before it was opened it wrote %q, %v", out.String(), err)
	}
	step := func(what, want string, do func() error) {
		t.Helper()
		out.Reset()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != want {
			t.Errorf("%s: wrote %q, want %q", what, got, want)
		}
	}
	frame := func(lines ...string) func() error { return func() error { return c.Draw(lines) } }
	opened := open + "\x1b]2;title\x07"
	step("open", "", c.Open)
	step("closed before there was a frame", "", c.Close)
	step("open", "", c.Open)
	step("open again", "", c.Open)
	step("the first frame", opened+beginFrame+"\x1b[1;1H\x1b[0mone\x1b[2;1H\x1b[0mtwo\x1b[0m\x1b[J"+endFrame, frame("one", "two"))
	step("the same frame", "", frame("one", "two"))
	step("another line", beginFrame+"\x1b[2;1H\x1b[0m二"+endFrame, frame("one", "二"))
	c.Forget()
	step("after a change of size", beginFrame+"\x1b[1;1H\x1b[0mone\x1b[2;1H\x1b[0m二\x1b[0m\x1b[J"+endFrame, frame("one", "二"))
	step("fewer lines", beginFrame+"\x1b[1;1H\x1b[0mone\x1b[0m\x1b[J"+endFrame, frame("one"))
	step("close", shut, c.Close)
	step("close again", "", c.Close)
	step("a frame after that", "", frame("x"))
	step("open once more", "", c.Open)
	step("all of the frame again", opened+beginFrame+"\x1b[1;1H\x1b[0mone\x1b[0m\x1b[J"+endFrame, frame("one"))
}

func TestColoursThatTheTerminalHas(t *testing.T) {
	var out strings.Builder
	c := New(strings.NewReader(""), &out, []string{"TERM=xterm-256color"}, "")
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := c.Draw([]string{"\x1b[38;2;255;0;0mred\x1b[0m"}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "38;5;") || strings.Contains(got, "38;2;") {
		t.Errorf("a terminal of 256 colours got %q", got)
	}
}
