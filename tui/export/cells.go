package export

import (
	"fmt"
	"image/color"
	"io"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Screen is a screen as it was drawn.
type Screen struct {
	Title string
	// Lines are the screen's lines with their styles as escape sequences.
	Lines []string
	// Light is set when the styles are for a light background.
	Light bool
}

// look is the ground that styles stand on.
type look struct{ foreground, background string }

func (s *Screen) look() look {
	if s.Light {
		return look{"#1f2328", "#ffffff"}
	}
	return look{"#e6e6e6", "#16181d"}
}

// run is text of one style at one place, in cells.
type run struct {
	x, width               int
	text                   string
	foreground, background string // "" for the screen's own
	bold, italic           bool
	underlined             bool
	wide                   bool // each character takes two cells
}

// size returns the screen's size in cells.
func (s *Screen) size() (w, h int) {
	for _, line := range s.Lines {
		w = max(w, ansi.StringWidth(line))
	}
	return w, len(s.Lines)
}

// runs takes each line apart. What is blank and has no background is left out.
func (s *Screen) runs() [][]run {
	w, h := s.size()
	if w == 0 || h == 0 {
		return nil
	}
	screen := uv.NewScreenBuffer(w, h)
	uv.NewStyledString(strings.Join(s.Lines, "\n")).Draw(screen, uv.Rect(0, 0, w, h))
	ground := s.look()
	out := make([][]run, h)
	for y := range h {
		var line []run
		for x := 0; x < w; {
			c := screen.CellAt(x, y)
			if c == nil || c.Width < 1 {
				x++
				continue
			}
			r := ground.run(c)
			r.x, r.width, r.text, r.wide = x, c.Width, c.Content, c.Width > 1
			if n := len(line); n > 0 && line[n-1].joins(&r) {
				line[n-1].text += r.text
				line[n-1].width += r.width
			} else {
				line = append(line, r)
			}
			x += c.Width
		}
		for _, r := range line {
			if strings.TrimSpace(r.text) != "" || r.background != "" || r.underlined {
				out[y] = append(out[y], r)
			}
		}
	}
	return out
}

// run returns a cell's style.
func (l look) run(c *uv.Cell) run {
	st := &c.Style
	r := run{foreground: hex(st.Fg), background: hex(st.Bg), bold: st.Attrs&uv.AttrBold != 0,
		italic: st.Attrs&uv.AttrItalic != 0, underlined: st.Underline != 0}
	if st.Attrs&uv.AttrReverse != 0 {
		if r.foreground == "" {
			r.foreground = l.foreground
		}
		if r.background == "" {
			r.background = l.background
		}
		r.foreground, r.background = r.background, r.foreground
	}
	return r
}

// joins reports whether b goes on where r ends, in the same style.
func (r *run) joins(b *run) bool {
	return r.x+r.width == b.x && r.foreground == b.foreground && r.background == b.background && r.bold == b.bold &&
		r.italic == b.italic && r.underlined == b.underlined && r.wide == b.wide
}

// hex returns a colour as "#rrggbb", "" for none.
func hex(c color.Color) string {
	if c == nil {
		return ""
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// Text writes s without its styles.
func Text(w io.Writer, s Screen) error {
	for _, line := range s.Lines {
		if _, err := fmt.Fprintln(w, strings.TrimRight(ansi.Strip(line), " ")); err != nil {
			return err
		}
	}
	return nil
}
