package export

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"
)

// HTML writes s as an HTML document that needs no other file. Its text can be selected and searched.
func HTML(w io.Writer, s Screen) error {
	out := bufio.NewWriter(w)
	ground := s.look()
	fmt.Fprintf(out, `<!doctype html>
<html><head><meta charset="utf-8"><title>%s</title>
<style>
body { margin: 1em; background: %s; color: %s; }
pre { font: 14px/17px %s; margin: 0; }
.w { display: inline-block; width: 2ch; text-align: center; overflow: hidden; vertical-align: bottom; }
</style></head>
<body><pre>
`, html.EscapeString(s.Title), ground.background, ground.foreground, fonts)
	for _, line := range s.runs() {
		at := 0
		for _, r := range line {
			fmt.Fprint(out, strings.Repeat(" ", r.x-at))
			r.html(out)
			at = r.x + r.width
		}
		fmt.Fprintln(out)
	}
	fmt.Fprint(out, "</pre></body></html>\n")
	return out.Flush()
}

// html writes one run. Characters of two cells get a box of that width each, because fonts differ in how wide they are.
func (r *run) html(out io.Writer) {
	text := html.EscapeString(r.text)
	if r.wide {
		var b strings.Builder
		for _, c := range r.text {
			fmt.Fprintf(&b, `<span class="w">%c</span>`, c)
		}
		text = b.String()
	}
	var style []string
	if r.foreground != "" {
		style = append(style, "color:"+r.foreground)
	}
	if r.background != "" {
		style = append(style, "background:"+r.background)
	}
	if r.bold {
		style = append(style, "font-weight:bold")
	}
	if r.italic {
		style = append(style, "font-style:italic")
	}
	if r.underlined {
		style = append(style, "text-decoration:underline")
	}
	if len(style) == 0 {
		fmt.Fprint(out, text)
		return
	}
	fmt.Fprintf(out, `<span style="%s">%s</span>`, strings.Join(style, ";"), text)
}
