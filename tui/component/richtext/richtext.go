// Package richtext is text in roles: lines of spans that wrap at any width, wide characters included.
//
// Components and screens import it; it imports theme and layout.
package richtext

import (
	"strings"
	"unicode/utf8"

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
	for _, c := range chunks(l.Spans) {
		n, blank := c.width(), c.blank()
		if used+n > w && used > row.Indent {
			newRow()
		}
		if blank && used == row.Indent && len(rows) > 0 {
			continue // no blank at the start of what wrapped
		}
		for _, s := range c {
			for rest := s.Text; rest != ""; {
				head := rest
				if used+ansi.StringWidth(rest) > w { // longer than a whole row: cut it
					if head = ansi.Truncate(rest, w-used, ""); head == "" && used > row.Indent {
						newRow()
						continue
					} else if head == "" {
						head = rest
					}
				}
				row.Spans = append(row.Spans, Span{s.Role, head})
				used += ansi.StringWidth(head)
				if rest = rest[len(head):]; rest != "" {
					newRow()
				}
			}
		}
	}
	return append(rows, row)
}

// chunk is what stays on one row: a word, which may begin in one span and end in another, or the blanks between two.
type chunk []Span

func (c chunk) width() int {
	n := 0
	for _, s := range c {
		n += ansi.StringWidth(s.Text)
	}
	return n
}

func (c chunk) blank() bool {
	for _, s := range c {
		if strings.TrimSpace(s.Text) != "" {
			return false
		}
	}
	return true
}

// chunks cuts a line where it may break.
func chunks(spans []Span) []chunk {
	var out []chunk
	var prev rune
	for _, s := range spans {
		for i, word := range words(s.Text) {
			first, _ := utf8.DecodeRuneInString(word)
			if n := len(out); n > 0 && i == 0 && !breaks(prev, first) {
				out[n-1] = append(out[n-1], Span{s.Role, word})
			} else {
				out = append(out, chunk{{s.Role, word}})
			}
			prev, _ = utf8.DecodeLastRuneInString(word)
		}
	}
	return out
}

// noStart are the marks that Chinese typesetting does not put at the start of a line.
const noStart = "，。、；：？！）》」』”’…%"

// words cuts s where a line may break: at blanks, and around each wide character.
func words(s string) []string {
	var out []string
	start := 0
	var prev rune
	for i, r := range s {
		if i > 0 && breaks(prev, r) {
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

// breaks reports whether a line may break between two characters.
func breaks(prev, r rune) bool {
	switch {
	case strings.ContainsRune(noStart, r):
		return false
	case (r == ' ') != (prev == ' '):
		return true
	case wide(r) || wide(prev):
		return prev != '（' && prev != '「' && prev != '《'
	}
	return false
}

func wide(r rune) bool { return r >= 0x2e80 && ansi.StringWidth(string(r)) == 2 }
