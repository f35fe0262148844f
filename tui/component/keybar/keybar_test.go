package keybar

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// TestAt clicks on each key that is shown, at many widths and in each language.
func TestAt(t *testing.T) {
	bindings := keymap.Lab()
	for _, lang := range []text.Lang{text.English, text.Chinese} {
		p := text.In(lang)
		for w := 20; w < 240; w += 7 {
			line := ansi.Strip(View(theme.Theme{}, p, bindings, w))
			if got := ansi.StringWidth(line); got != w {
				t.Fatalf("%d cells are %d wide", w, got)
			}
			for _, b := range fitting(p, bindings, w) {
				words := b.Show + " " + p.T(b.Label)
				i := strings.Index(line, words+" ")
				if i < 0 {
					continue // cut off in a very narrow terminal
				}
				x := ansi.StringWidth(line[:i])
				for _, at := range []int{x, x + ansi.StringWidth(words) - 1} {
					if got := At(p, bindings, w, at); got != b.Action && !strings.Contains(line[:i], words) {
						t.Errorf("width %d: at %d is action %d, want %d of %q in %q", w, at, got, b.Action, words, line)
					}
				}
			}
			if got := At(p, bindings, w, 0); got != keymap.None {
				t.Errorf("width %d: the margin is action %d", w, got)
			}
		}
	}
}
