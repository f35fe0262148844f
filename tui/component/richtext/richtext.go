// Package richtext is text in roles: lines of spans that wrap at any width, wide characters included.
//
// Components and screens import it; it imports theme and layout.
package richtext

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/theme"
)

// Span is a piece of text in one role.
type Span struct {
	Role theme.Role
	Text string
}

// Line is one line before wrapping.
type Line struct {
	Spans []Span
	// Indent, in cells, moves the whole line; what wraps is moved by Hang more.
	Indent, Hang int
	// Fixed lines are cut, not wrapped: tables and code.
	Fixed bool
}

// Text returns a line of one span.
func Text(role theme.Role, s string) Line { return Line{Spans: []Span{{role, s}}} }

// Of returns a line of spans.
func Of(spans ...Span) Line { return Line{Spans: spans} }

// Plain returns the text without roles.
func (l Line) Plain() string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", l.Indent))
	for _, s := range l.Spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Render returns the lines wrapped to w cells and painted. No result is wider than w.
func Render(t theme.Theme, lines []Line, w int) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		for _, row := range wrap(l, w) {
			out = append(out, paint(t, row, w))
		}
	}
	return out
}

func paint(t theme.Theme, l Line, w int) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", l.Indent))
	for _, s := range l.Spans {
		b.WriteString(t.Paint(s.Role, s.Text))
	}
	if out := b.String(); ansi.StringWidth(out) > w {
		return ansi.Truncate(out, w, "…")
	} else {
		return out
	}
}

// wrap breaks l into rows of at most w cells.
func wrap(l Line, w int) []Line {
	if l.Fixed || w <= 0 || ansi.StringWidth(l.Plain()) <= w {
		return []Line{l}
	}
	var rows []Line
	indent := min(l.Indent, w/2)
	row, used := Line{Indent: indent}, indent
	newRow := func() {
		rows = append(rows, row)
		hang := min(indent+l.Hang, w/2)
		row, used = Line{Indent: hang}, hang
	}
	for _, s := range l.Spans {
		for _, word := range words(s.Text) {
			n := ansi.StringWidth(word)
			blank := strings.TrimSpace(word) == ""
			for used+n > w {
				if used > row.Indent {
					newRow()
					if blank {
						break
					}
					continue
				}
				// Longer than a whole row: cut it.
				head := ansi.Truncate(word, w-used, "")
				if head == "" {
					break
				}
				row.Spans = append(row.Spans, Span{s.Role, head})
				word = word[len(head):]
				n = ansi.StringWidth(word)
				newRow()
			}
			if blank && used == row.Indent && len(rows) > 0 {
				continue // no blank at the start of what wrapped
			}
			row.Spans = append(row.Spans, Span{s.Role, word})
			used += n
		}
	}
	return append(rows, row)
}

// noStart are the marks that Chinese typesetting does not put at the start of a line.
const noStart = "，。、；：？！）》」』”’…%"

// words cuts s where a line may break: at blanks, and around each wide character.
func words(s string) []string {
	var out []string
	start := 0
	var prev rune
	for i, r := range s {
		cut := false
		switch {
		case i == 0 || strings.ContainsRune(noStart, r):
		case (r == ' ') != (prev == ' '):
			cut = true
		case wide(r) || wide(prev):
			cut = prev != '（' && prev != '「' && prev != '《'
		}
		if cut {
			out = append(out, s[start:i])
			start = i
		}
		prev = r
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

func wide(r rune) bool { return r >= 0x2e80 && ansi.StringWidth(string(r)) == 2 }
