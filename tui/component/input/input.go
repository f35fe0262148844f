// Package input is a line that is typed: editing, a cursor, and the lines typed before.
//
// Screens and overlays import it; it imports layout and theme and knows nothing of a lab.
package input

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/theme"
)

// Line is what is being typed. The zero Line is empty.
type Line struct {
	runes   []rune
	at      int // of the cursor, in runes
	history []string
	past    int    // how far back in the history; 0 is what is being typed
	draft   string // what was typed before going back
}

// mostHistory bounds what is remembered.
const mostHistory = 1000

// Recall gives the line what was typed in earlier runs, oldest first.
func (l *Line) Recall(lines []string) {
	l.history = slices.Clone(lines[max(len(lines)-mostHistory, 0):])
}

// Swap puts s in the place of the n runes before the cursor.
func (l *Line) Swap(n int, s string) {
	from := max(l.at-n, 0)
	l.runes = slices.Delete(l.runes, from, l.at)
	l.at = from
	l.Insert(s)
}

// Value returns the text.
func (l *Line) Value() string { return string(l.runes) }

// Before returns the text before the cursor.
func (l *Line) Before() string { return string(l.runes[:l.at]) }

// Set replaces the text and puts the cursor at its end.
func (l *Line) Set(s string) {
	l.runes = []rune(strings.Map(printable, s))
	l.at = len(l.runes)
}

// Insert puts s at the cursor; what cannot be shown is left out.
func (l *Line) Insert(s string) {
	r := []rune(strings.Map(printable, s))
	l.runes = slices.Insert(l.runes, l.at, r...)
	l.at += len(r)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// Done remembers the text and empties the line.
func (l *Line) Done() {
	if s := l.Value(); s != "" && (len(l.history) == 0 || l.history[len(l.history)-1] != s) {
		l.history = append(l.history, s)
		l.history = l.history[max(len(l.history)-mostHistory, 0):]
	}
	l.past, l.draft = 0, ""
	l.Set("")
}

// Key takes a key press that edits the line and reports whether it was one.
func (l *Line) Key(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "backspace", "ctrl+h":
		if l.at > 0 {
			l.runes = slices.Delete(l.runes, l.at-1, l.at)
			l.at--
		}
	case "delete", "ctrl+d":
		if l.at < len(l.runes) {
			l.runes = slices.Delete(l.runes, l.at, l.at+1)
		}
	case "left", "ctrl+b":
		l.at = max(l.at-1, 0)
	case "right", "ctrl+f":
		l.at = min(l.at+1, len(l.runes))
	case "home", "ctrl+a":
		l.at = 0
	case "end", "ctrl+e":
		l.at = len(l.runes)
	case "ctrl+u":
		l.runes, l.at = slices.Delete(l.runes, 0, l.at), 0
	case "ctrl+k":
		l.runes = l.runes[:l.at]
	case "ctrl+w":
		from := len([]rune(strings.TrimRight(l.Before(), " ")))
		for from > 0 && l.runes[from-1] != ' ' {
			from--
		}
		l.runes, l.at = slices.Delete(l.runes, from, l.at), from
	case "up", "ctrl+p":
		l.recall(1)
	case "down", "ctrl+n":
		l.recall(-1)
	default:
		if k.Text == "" {
			return false
		}
		l.Insert(k.Text)
	}
	return true
}

// recall goes n lines back in the history, forward when n is negative: through the lines that begin with what had been
// typed, or through all when there are none.
func (l *Line) recall(n int) {
	if l.past == 0 {
		l.draft = l.Value()
	}
	var fit []string
	for _, line := range l.history {
		if strings.HasPrefix(line, l.draft) {
			fit = append(fit, line)
		}
	}
	if len(fit) == 0 {
		fit = l.history
	}
	to := max(min(l.past+n, len(fit)), 0)
	if to == l.past {
		return
	}
	if l.past = to; to == 0 {
		l.Set(l.draft)
	} else {
		l.Set(fit[len(fit)-to])
	}
}

// View returns the line in w cells with the cursor in sight.
func (l *Line) View(t theme.Theme, w int) string {
	before, under, after := l.Before(), " ", ""
	if l.at < len(l.runes) {
		under, after = string(l.runes[l.at]), string(l.runes[l.at+1:])
	}
	if n := ansi.StringWidth(before) + ansi.StringWidth(under); n > w {
		before = ansi.TruncateLeft(before, n-w+1, "…")
	}
	return layout.Fit(before+t.Paint(theme.Selected, under)+after, w)
}
