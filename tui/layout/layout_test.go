package layout

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// draw draws panes with a letter for each, a column for 10 cells and a row for 4 lines.
func draw(panes []Rect, letters string, w, h int) string {
	var b strings.Builder
	for y := 0; y < h; y += 4 {
		for x := 0; x < w; x += 10 {
			letter := "."
			for p, r := range panes {
				if r.Contains(x, y) {
					letter = letters[p : p+1]
				}
			}
			b.WriteString(letter)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestArrangeHome(t *testing.T) {
	tests := []struct {
		name string
		w, h int
		o    HomeOptions
		want string
	}{
		{"three columns", 200, 24, HomeOptions{ListLines: 12, AboutLines: 12, LabLines: 9}, `
....................
LLLLLLLLLAAAAAAABBBB
LLLLLLLLLAAAAAAABBBB
LLLLLLLLLAAAAAAABBBB
LLLLLLLLLAAAAAAABBBB
LLLLLLLLLAAAAAAABBBB
`},
		{"two columns", 120, 40, HomeOptions{ListLines: 12, AboutLines: 12, LabLines: 9}, `
............
LLLLLLLAAAAA
LLLLLLLAAAAA
LLLLLLLAAAAA
LLLLLLLAAAAA
LLLLLLLAAAAA
LLLLLLLAAAAA
LLLLLLLBBBBB
LLLLLLLBBBBB
LLLLLLLBBBBB
`},
		{"one column, few lessons", 80, 40, HomeOptions{ListLines: 12, AboutLines: 12}, `
........
LLLLLLLL
LLLLLLLL
LLLLLLLL
LLLLLLLL
AAAAAAAA
AAAAAAAA
AAAAAAAA
AAAAAAAA
AAAAAAAA
`},
		{"one column, many lessons", 80, 24, HomeOptions{ListLines: 50, AboutLines: 12}, `
........
LLLLLLLL
LLLLLLLL
LLLLLLLL
AAAAAAAA
AAAAAAAA
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := ArrangeHome(tt.w, tt.h, tt.o)
			if got := draw(s.Pane[:], "LAB", tt.w, tt.h); got != strings.TrimPrefix(tt.want, "\n") {
				t.Errorf("got:\n%s", got)
			}
		})
	}
}

func TestFitAndMiddle(t *testing.T) {
	for _, s := range []string{"", "abc", "pods/web-6f8d9c7b5-x2x4k/binding", "调度器把 Pod 绑定到节点", "\x1b[1mbold and long enough\x1b[0m"} {
		for w := range 40 {
			if n := ansi.StringWidth(Fit(s, w)); n != w {
				t.Errorf("Fit(%q, %d) is %d wide", s, w, n)
			}
			if n := ansi.StringWidth(Middle(ansi.Strip(s), w)); n > w {
				t.Errorf("Middle(%q, %d) is %d wide", s, w, n)
			}
		}
	}
	if got := Middle("pods/web-6f8d9c7b5-x2x4k/binding", 20); got != "pods/we…2x4k/binding" {
		t.Errorf("Middle keeps both ends: %q", got)
	}
}

func TestOverlayKeepsWhatIsBeside(t *testing.T) {
	got := Overlay([]string{"abcdef", "调度器", "abcdef"}, []string{"XX", "XX"}, 1, 1, 6)
	want := []string{"abcdef", " XX器", "aXXdef"}
	for i := range got {
		if i != 1 && got[i] != want[i] {
			t.Errorf("line %d: %q, want %q", i, got[i], want[i])
		}
		if n := ansi.StringWidth(got[i]); n != 6 {
			t.Errorf("line %d is %d wide: %q", i, n, got[i])
		}
	}
}
