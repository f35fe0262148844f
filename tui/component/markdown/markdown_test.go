package markdown

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/theme"
)

// marked writes spans with their roles, so that a test can name them.
func marked(lines []richtext.Line) string {
	var b strings.Builder
	names := map[theme.Role]string{theme.Strong: "strong", code: "code", link: "link", theme.Heading: "heading", theme.Dim: "dim"}
	for _, l := range lines {
		b.WriteString(strings.Repeat(" ", l.Indent))
		for _, s := range l.Spans {
			if name := names[s.Role]; name != "" {
				b.WriteString("<" + name + ":" + s.Text + ">")
			} else {
				b.WriteString(s.Text)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestLines(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"paragraphs join their lines", "one\ntwo\n\n\nthree", "one two\n\nthree\n"},
		{"no blank between wide characters", "调度器\n选了节点\nnode-1", "调度器选了节点 node-1\n"},
		{"emphasis and code", "A *Pod* is **very `small`** here", "A <strong:Pod> is <strong:very ><code:small> here\n"},
		{"a star alone", "2 * 3 * 4 and *", "2 * 3 * 4 and *\n"},
		{"stars in code", "`kubelet@* x` and *a `b*` c*", "<code:kubelet@* x> and <strong:a ><code:b*><strong: c>\n"},
		{"an open mark", "a `b and **c", "a `b and **c\n"},
		{"escapes", `\*not\* \[this\]`, "*not* [this]\n"},
		{"names keep their underscores", "node_name and a_b_c", "node_name and a_b_c\n"},
		{"links", "see [CEL](https://cel.dev).", "see <link:CEL><dim: (https://cel.dev)>.\n"},
		{"no link", "a[0](x y) [b]", "a[0](x y) [b]\n"},
		{"lists", "- one\n  more\n- two\n  - deep\n\n1. first", "<dim:• >one more\n<dim:• >two\n  <dim:• >deep\n\n<dim:1. >first\n"},
		{"headings", "text\n### A `b` #\nmore", "text\n\n<heading:A b>\nmore\n"},
		{"fences keep lines", "```yaml\na:\n  b: *c\n```\nd", "  <code:a:>\n  <code:  b: *c>\nd\n"},
		{"quotes", "> one\n> two\n\nthree", "<dim:│ >one two\n\nthree\n"},
		{"tables stay rows", "| a | b |\n| c | d |", "| a | b |\n| c | d |\n"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := marked(Lines(tt.in)); got != tt.want {
				t.Errorf("got:\n%swant:\n%s", got, tt.want)
			}
		})
	}
}

func FuzzLines(f *testing.F) {
	f.Add("- *a `b* [c](d)\n```\n> e", 7)
	f.Add("**调度器** `x", 3)
	f.Fuzz(func(t *testing.T, src string, w int) {
		w = 1 + max(w, -w)%40
		for _, row := range richtext.Render(theme.Theme{}, Lines(src), max(w, 2)) {
			if strings.ContainsAny(row, "\n") {
				t.Errorf("a row with a line break: %q", row)
			}
			_ = ansi.StringWidth(row)
		}
	})
}
