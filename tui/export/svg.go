package export

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A cell's size in an SVG, in pixels, and the font that fits it: most fixed-width fonts are 0.6 em wide.
const (
	cellWidth  = 8.4
	cellHeight = 17
	fontSize   = 14
	baseline   = 13 // of a line, from its top
	margin     = 10
)

// fonts are asked for in this order; those after the first few have Chinese characters of two cells.
const fonts = `ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, 'Noto Sans Mono CJK SC', 'Sarasa Mono SC', monospace`

// SVG writes s as an SVG document. Every run of text says how wide it is, so that columns stay columns whatever font the
// reader has.
func SVG(w io.Writer, s Screen) error {
	out := bufio.NewWriter(w)
	columns, lines := s.size()
	width, height := float64(columns)*cellWidth+2*margin, float64(lines*cellHeight+2*margin)
	ground := s.look()
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.1f" height="%.1f" viewBox="0 0 %.1f %.1f" font-family="%s" font-size="%d">`+"\n",
		width, height, width, height, fonts, fontSize)
	fmt.Fprintf(out, "<title>%s</title>\n", html.EscapeString(s.Title))
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" rx="6" fill="%s"/>`+"\n", ground.background)
	fmt.Fprintf(out, `<g fill="%s" xml:space="preserve">`+"\n", ground.foreground)
	for y, line := range s.runs() {
		for _, r := range line {
			r.svg(out, y)
		}
	}
	fmt.Fprint(out, "</g>\n</svg>\n")
	return out.Flush()
}

// svg writes one run on line y.
func (r *run) svg(out io.Writer, y int) {
	x, top, width := margin+float64(r.x)*cellWidth, margin+y*cellHeight, float64(r.width)*cellWidth
	if r.background != "" {
		fmt.Fprintf(out, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x, top, width, cellHeight, r.background)
	}
	style := ""
	if r.foreground != "" {
		style += fmt.Sprintf(` fill="%s"`, r.foreground)
	}
	if r.bold {
		style += ` font-weight="bold"`
	}
	if r.italic {
		style += ` font-style="italic"`
	}
	if r.underlined {
		style += ` text-decoration="underline"`
	}
	// What stands behind a gap is placed anew: not every program that draws an SVG obeys textLength.
	for _, p := range r.pieces() {
		fmt.Fprintf(out, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
			x+float64(p.x)*cellWidth, top+baseline, float64(p.width)*cellWidth, style, html.EscapeString(p.text))
	}
}

// pieces returns what of the run is between gaps of two blanks or more, at its cell in the run.
func (r *run) pieces() []run {
	var out []run
	at := 0 // in cells
	for part := range strings.SplitSeq(r.text, "  ") {
		text := strings.TrimLeft(part, " ")
		x := at + len(part) - len(text)
		text = strings.TrimRight(text, " ")
		if width := ansi.StringWidth(text); width > 0 {
			out = append(out, run{x: x, width: width, text: text})
		}
		at += ansi.StringWidth(part) + 2
	}
	return out
}
