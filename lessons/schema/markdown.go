package schema

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// prose is one language's file: sections for steps and questions, with slots and items in them.
type prose struct {
	title      string
	line       int
	intro      string
	objectives []string
	steps      []*section
	quiz       []*section
}

// section is what follows a "## id: Title" heading.
type section struct {
	id, title string
	line      int
	body      string
	items     []*item
	slots     []*slot
}

// slot is what follows a "### name argument" heading.
type slot struct {
	name, arg string
	line      int
	body      string
	items     []*item
	used      bool
}

// item is a "- id: text" line with what is indented below it; lines that begin with ">" are feedback.
type item struct {
	id, text, feedback string
	line               int
	used               bool
}

// slotNames are the headings that a step can have.
var slotNames = []string{"predict", "check", "hint", "why"}

var (
	headingForm = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*$`)
	itemForm    = regexp.MustCompile(`^- ([a-z][a-z0-9-]*)[:：]\s*(.*)$`)
)

// parser reads one language's file line by line.
type parser struct {
	reader
	out     prose
	inQuiz  bool
	section *section
	slot    *slot
	item    *item
	fence   bool
	text    []string // of the part that is open
}

// parseMarkdown reads a file. Items are looked for only where they have a meaning: in predict and check slots and in
// questions.
func (r reader) parseMarkdown(raw []byte) prose {
	p := &parser{reader: r}
	if !utf8.Valid(raw) {
		r.report(Pos{r.file, 1}, "save the file as UTF-8", "the file is not UTF-8")
		return p.out
	}
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	line := 0
	for text := range strings.SplitSeq(string(raw), "\n") {
		line++
		p.line(line, text)
	}
	p.flush()
	if p.out.title == "" {
		r.report(Pos{r.file, 1}, `begin with "# Title of the lesson"`, "the file has no title")
	}
	return p.out
}

func (p *parser) line(n int, text string) {
	if strings.HasPrefix(strings.TrimSpace(text), "```") {
		p.fence = !p.fence
	}
	if m := headingForm.FindStringSubmatch(text); m != nil && !p.fence {
		p.flush()
		p.heading(n, len(m[1]), m[2])
		return
	}
	if p.fence || !p.takesItems() {
		p.text = append(p.text, text)
		return
	}
	if m := itemForm.FindStringSubmatch(text); m != nil {
		p.flush()
		p.item = &item{id: m[1], text: m[2], line: n}
		if p.slot != nil {
			p.slot.items = append(p.slot.items, p.item)
		} else {
			p.section.items = append(p.section.items, p.item)
		}
		return
	}
	if p.item != nil && strings.HasPrefix(text, "  ") {
		rest := strings.TrimSpace(text)
		if said, ok := strings.CutPrefix(rest, ">"); ok {
			p.item.feedback = joinLines(p.item.feedback, strings.TrimSpace(said))
		} else {
			p.item.text = joinLines(p.item.text, rest)
		}
		return
	}
	if p.item != nil && strings.TrimSpace(text) != "" {
		p.report(Pos{p.file, n}, `indent it by two spaces, or begin it with "- id: "`, "text after an item belongs to nothing")
		return
	}
	p.text = append(p.text, text)
}

func joinLines(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

func (p *parser) takesItems() bool {
	if p.slot != nil {
		return p.slot.name == "predict" || p.slot.name == "check"
	}
	return p.inQuiz && p.section != nil
}

// flush gives the text that was read to what is open.
func (p *parser) flush() {
	text := strings.Trim(strings.Join(p.text, "\n"), "\n ")
	p.text, p.item = nil, nil
	if text == "" {
		return
	}
	switch {
	case p.slot != nil:
		p.slot.body = text
	case p.section != nil:
		p.section.body = text
	default:
		p.intro(text)
	}
}

// intro takes the lines that begin with "- " as objectives.
func (p *parser) intro(text string) {
	var rest []string
	for line := range strings.SplitSeq(text, "\n") {
		if o, ok := strings.CutPrefix(line, "- "); ok {
			p.out.objectives = append(p.out.objectives, o)
			continue
		}
		rest = append(rest, line)
	}
	p.out.intro = strings.Trim(strings.Join(rest, "\n"), "\n ")
}

func (p *parser) heading(n, level int, text string) {
	at := Pos{p.file, n}
	switch level {
	case 1:
		p.section, p.slot = nil, nil
		switch {
		case p.out.title == "" && len(p.out.steps) == 0:
			p.out.title, p.out.line = text, n
		case !p.inQuiz:
			p.inQuiz = true
		default:
			p.report(at, `write "## id" for a question and "## id: Title" for a step`, "a third heading of the first level")
		}
	case 2:
		id, title, _ := strings.Cut(strings.Replace(text, "：", ":", 1), ":")
		s := &section{id: strings.TrimSpace(id), title: strings.TrimSpace(title), line: n}
		if !isID(s.id) {
			p.report(at, `write "## id: Title", with the id that lesson.yaml has`, "the heading %q has no id", text)
		}
		if !p.inQuiz && s.title == "" {
			p.report(at, `write "## `+s.id+`: Title"`, "step %q has no title", s.id)
		}
		p.section, p.slot = s, nil
		if p.inQuiz {
			p.out.quiz = append(p.out.quiz, s)
		} else {
			p.out.steps = append(p.out.steps, s)
		}
	case 3:
		name, arg, _ := strings.Cut(text, " ")
		s := &slot{name: name, arg: strings.TrimSpace(arg), line: n}
		known := slotNames
		if p.inQuiz {
			known = []string{"why"}
		}
		switch {
		case p.section == nil:
			p.report(at, `put it below a "## id: Title" heading`, "%q belongs to no step", text)
			p.section = &section{}
		case !contains(known, name):
			p.report(at, oneOf(name, known), "%q is no part of a step or question", name)
		}
		p.section.slots = append(p.section.slots, s)
		p.slot = s
	default:
		p.report(at, "use bold text for smaller headings", "a heading of level %d", level)
	}
}

// find returns the section with an id.
func find(sections []*section, id string) *section {
	for _, s := range sections {
		if s.id == id {
			return s
		}
	}
	return nil
}

// slot returns the slot with a name and argument.
func (s *section) slot(name, arg string) *slot {
	for _, x := range s.slots {
		if x.name == name && x.arg == arg {
			x.used = true
			return x
		}
	}
	return nil
}
