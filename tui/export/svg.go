package export

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"
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
	// Blanks at the end are no text; those at the beginning move it.
	text := strings.TrimRight(r.text, " ")
	blanks := len(text) - len(strings.TrimLeft(text, " "))
	width -= float64(len(r.text)-len(text)+blanks) * cellWidth
	x += float64(blanks) * cellWidth
	text = text[blanks:]
	if text == "" {
		return
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
	fmt.Fprintf(out, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		x, top+baseline, width, style, html.EscapeString(text))
}
