package richtext

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/theme"
)

func TestWrap(t *testing.T) {
	tests := []struct {
		name string
		line Line
		w    int
		want []string
	}{
		{"fits", Text(theme.Plain, "a b"), 3, []string{"a b"}},
		{"empty", Line{}, 3, []string{""}},
		{"at blanks", Text(theme.Plain, "one two three"), 7, []string{"one two", "three"}},
		{"no blank at the start of a row", Text(theme.Plain, "abc def"), 3, []string{"abc", "def"}},
		{"long word is cut", Text(theme.Plain, "abcdefgh"), 3, []string{"abc", "def", "gh"}},
		{"hang", Line{Indent: 1, Hang: 2, Spans: []Span{{Text: "aa bb cc"}}}, 6, []string{" aa bb", "   cc"}},
		{"across spans", Of(Span{theme.Strong, "aa "}, Span{theme.Dim, "bbb"}), 4, []string{"aa ", "bbb"}},
		{"a word of two spans", Of(Span{theme.Plain, "to ("}, Span{theme.Dim, "ab"}, Span{theme.Plain, ")?"}), 6, []string{"to ", "(ab)?"}},
		{"a long word of two spans", Of(Span{theme.Plain, "a abcdef"}, Span{theme.Dim, "gh"}), 5, []string{"a ", "abcde", "fgh"}},
		{"a Chinese full stop after a span", Of(Span{theme.Dim, "ab"}, Span{theme.Plain, "。中"}), 4, []string{"ab。", "中"}},
		{"wide characters", Text(theme.Plain, "调度器打分"), 5, []string{"调度", "器打", "分"}},
		{"no full stop at the start of a row", Text(theme.Plain, "调度。"), 4, []string{"调", "度。"}},
		{"fixed is cut", Line{Fixed: true, Spans: []Span{{Text: "abcdef"}}}, 4, []string{"abc…"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Render(theme.Theme{}, []Line{tt.line}, tt.w)
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, row := range got {
				if ansi.StringWidth(row) > tt.w {
					t.Errorf("%q is wider than %d", row, tt.w)
				}
			}
		})
	}
}

func FuzzRenderIsNeverWider(f *testing.F) {
	f.Add("kube-scheduler 调度，Pod → node-2 e\u0301👩‍💻", 7, 2, 3)
	f.Fuzz(func(t *testing.T, s string, w, indent, hang int) {
		if w < 4 || w > 300 || indent < 0 || indent > 50 || hang < 0 || hang > 50 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			t.Skip("not a line of text")
		}
		for _, row := range Render(theme.New(true), []Line{{Indent: indent, Hang: hang, Spans: []Span{{theme.Strong, s}, {theme.Dim, s}}}}, w) {
			if n := ansi.StringWidth(row); n > w {
				t.Errorf("%q is %d wide, not %d", row, n, w)
			}
		}
	})
}
