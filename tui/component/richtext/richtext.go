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
	all := atoms(l.Spans)
	for i, a := range all {
		word, blank := a.text, strings.TrimSpace(a.text) == ""
		// What is glued together goes to the next row together, when it fits there.
		if whole := group(all[i:]); !blank && !a.glued && used > row.Indent && used+whole > w && min(indent+l.Hang, w/2)+whole <= w {
			newRow()
		}
		n := ansi.StringWidth(word)
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
			row.Spans = append(row.Spans, Span{a.role, head})
			word = word[len(head):]
			n = ansi.StringWidth(word)
			newRow()
		}
		if blank && used == row.Indent && len(rows) > 0 {
			continue // no blank at the start of what wrapped
		}
		row.Spans = append(row.Spans, Span{a.role, word})
		used += n
	}
	return append(rows, row)
}

// atom is a piece of a span that no line breaks in. A glued one does not begin a line: what the span before ends with and
// it are one word.
type atom struct {
	role  theme.Role
	text  string
	glued bool
}

func atoms(spans []Span) []atom {
	var out []atom
	prev := rune(0)
	for _, s := range spans {
		for i, word := range words(s.Text) {
			first, _ := utf8.DecodeRuneInString(word)
			out = append(out, atom{s.Role, word, i == 0 && prev != 0 && !breaks(prev, first)})
			prev, _ = utf8.DecodeLastRuneInString(word)
		}
	}
	return out
}

// group returns the width of the first atom with those glued to it.
func group(list []atom) int {
	n := 0
	for i, a := range list {
		if i > 0 && !a.glued {
			break
		}
		n += ansi.StringWidth(a.text)
	}
	return n
}

// breaks reports whether a line may break between two runes.
func breaks(prev, r rune) bool {
	switch {
	case strings.ContainsRune(noStart, r):
		return false
	case (r == ' ') != (prev == ' '):
		return true
	case wide(r) || wide(prev):
		return !strings.ContainsRune("（「《", prev)
	}
	return false
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

func wide(r rune) bool { return r >= 0x2e80 && ansi.StringWidth(string(r)) == 2 }
