// Package markdown turns the Markdown of lessons into rich text: paragraphs, headings, lists, quotes, code, emphasis and
// links. What it does not know stays as it was written.
//
// Screens and views import it; it imports richtext and theme.
package markdown

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/theme"
)

// Roles of what is marked. Code is bold where there are no colours, so that it can still be told from other words.
const (
	code = theme.Actor
	link = theme.Key
)

var (
	heading = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	item    = regexp.MustCompile(`^(\s*)([-*+]|\d{1,2}[.)])\s+(.*)$`)
	fence   = regexp.MustCompile("^\\s*(```|~~~)")
)

// Lines returns a text, one line for each paragraph or item: rendering wraps them.
func Lines(src string) []richtext.Line {
	p := parser{}
	for line := range strings.SplitSeq(strings.Trim(strings.ReplaceAll(src, "\r\n", "\n"), "\n"), "\n") {
		p.line(strings.ReplaceAll(line, "\t", "    "))
	}
	p.flush()
	return p.out
}

// parser reads a text line by line. A paragraph or item stays open until something else begins.
type parser struct {
	out    []richtext.Line
	open   bool
	text   string
	first  []richtext.Span // before the text: a list's mark
	indent int
	hang   int
	fenced bool
}

func (p *parser) line(s string) {
	trimmed := strings.TrimSpace(s)
	switch {
	case fence.MatchString(s):
		p.flush()
		p.fenced = !p.fenced
	case p.fenced:
		p.out = append(p.out, richtext.Line{Indent: 2, Hang: 2, Spans: []richtext.Span{{Role: code, Text: s}}})
	case trimmed == "":
		p.flush()
		p.blank()
	case heading.MatchString(s):
		p.flush()
		p.blank()
		p.out = append(p.out, richtext.Text(theme.Heading, plain(heading.FindStringSubmatch(s)[1])))
	case strings.HasPrefix(trimmed, ">"):
		rest := strings.TrimSpace(trimmed[1:])
		if p.open && len(p.first) > 0 && p.first[0].Text == quoteMark {
			p.text = join(p.text, rest)
			return
		}
		p.begin(0, 2, richtext.Span{Role: theme.Dim, Text: quoteMark}, rest)
	case item.MatchString(s):
		m := item.FindStringSubmatch(s)
		mark := "• "
		if m[2][0] >= '0' && m[2][0] <= '9' {
			mark = m[2] + " "
		}
		p.begin(len(m[1])/2*2, ansi.StringWidth(mark), richtext.Span{Role: theme.Dim, Text: mark}, m[3])
	case strings.HasPrefix(trimmed, "|"): // a table's row stays a row
		p.begin(0, 2, richtext.Span{}, trimmed)
		p.flush()
	case p.open:
		p.text = join(p.text, trimmed)
	default:
		p.begin(0, 0, richtext.Span{}, trimmed)
	}
}

const quoteMark = "│ "

func (p *parser) begin(indent, hang int, mark richtext.Span, text string) {
	p.flush()
	p.open, p.indent, p.hang, p.text = true, indent, hang, text
	if p.first = nil; mark.Text != "" {
		p.first = []richtext.Span{mark}
	}
}

func (p *parser) flush() {
	if p.open {
		p.out = append(p.out, richtext.Line{Indent: p.indent, Hang: p.hang, Spans: append(p.first, Spans(theme.Plain, p.text)...)})
	}
	p.open = false
}

// blank adds an empty line, never two.
func (p *parser) blank() {
	if n := len(p.out); n > 0 && len(p.out[n-1].Spans) > 0 {
		p.out = append(p.out, richtext.Line{})
	}
}

// join puts two lines of a paragraph together; between wide characters there is no blank.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	last, _ := utf8.DecodeLastRuneInString(a)
	next, _ := utf8.DecodeRuneInString(b)
	if last >= 0x2e80 && next >= 0x2e80 {
		return a + b
	}
	return a + " " + b
}

// plain returns a text without its marks.
func plain(s string) string {
	var b strings.Builder
	for _, span := range Spans(theme.Plain, s) {
		b.WriteString(span.Text)
	}
	return b.String()
}

// Spans returns the pieces of one line of text; what is not marked has the role base.
func Spans(base theme.Role, s string) []richtext.Span {
	var out []richtext.Span
	text := ""
	flush := func() {
		if text != "" {
			out = append(out, richtext.Span{Role: base, Text: text})
		}
		text = ""
	}
	for len(s) > 0 {
		switch {
		case s[0] == '\\' && len(s) > 1 && strings.ContainsRune("\\`*_[]()#<>", rune(s[1])):
			text += s[1:2]
			s = s[2:]
			continue
		case s[0] == '`':
			if inside, rest, ok := strings.Cut(s[1:], "`"); ok && inside != "" {
				flush()
				out = append(out, richtext.Span{Role: code, Text: inside})
				s = rest
				continue
			}
		case s[0] == '*':
			mark := "*"
			if strings.HasPrefix(s, "**") {
				mark = "**"
			}
			if inside, rest, ok := emphasis(s, mark); ok {
				flush()
				out = append(out, Spans(theme.Strong, inside)...)
				s = rest
				continue
			}
		case s[0] == '[':
			if name, to, rest, ok := hyperlink(s); ok {
				flush()
				out = append(out, Spans(link, name)...)
				if to != name {
					out = append(out, richtext.Span{Role: theme.Dim, Text: " (" + to + ")"})
				}
				s = rest
				continue
			}
		}
		_, n := utf8.DecodeRuneInString(s)
		text += s[:n]
		s = s[n:]
	}
	flush()
	return out
}

// emphasis cuts what a mark encloses; "2 * 3 * 4" is none, and code inside keeps its stars.
func emphasis(s, mark string) (inside, rest string, ok bool) {
	body := s[len(mark):]
	if body == "" || body[0] == ' ' || body[0] == '*' {
		return "", "", false
	}
	quoted := false
	for i := range len(body) {
		switch {
		case body[i] == '`':
			quoted = !quoted
		case !quoted && i > 0 && body[i-1] != ' ' && strings.HasPrefix(body[i:], mark):
			return body[:i], body[i+len(mark):], true
		}
	}
	return "", "", false
}

// hyperlink cuts [name](to).
func hyperlink(s string) (name, to, rest string, ok bool) {
	name, after, ok := strings.Cut(s[1:], "](")
	if !ok || strings.ContainsAny(name, "[]") {
		return "", "", "", false
	}
	to, rest, ok = strings.Cut(after, ")")
	return name, to, rest, ok && to != "" && !strings.Contains(to, " ")
}
