// Package layout divides the terminal into rectangles and cuts text to fit them. Everything in it is a pure function.
//
// Every package of tui may import it; it imports nothing of ours.
package layout

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// MinWidth and MinHeight are the smallest terminal, in cells, that the screens are drawn in.
const (
	MinWidth  = 60
	MinHeight = 20
)

// TwoColumns and threeColumns are the widths, in cells, from which panes stand side by side.
const (
	TwoColumns   = 100
	threeColumns = 160
)

// Rect is a rectangle of cells; X and Y count from the top left corner. The zero Rect is not on the screen.
type Rect struct{ X, Y, W, H int }

// Contains reports whether the cell is inside r.
func (r Rect) Contains(x, y int) bool {
	return x >= r.X && x < r.X+r.W && y >= r.Y && y < r.Y+r.H
}

// Empty reports whether r has no cell.
func (r Rect) Empty() bool { return r.W <= 0 || r.H <= 0 }

// leastHeld is the frame and three lines of the held queue.
const leastHeld = 5

// Width returns how many cells s takes. It is ansi.StringWidth with a shorter way for plain ASCII, which is most of it.
func Width(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// Fit cuts or pads s, which may be styled, to exactly w cells.
func Fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := Width(s)
	if n > w {
		s = ansi.Truncate(s, w, "…")
		n = ansi.StringWidth(s) // a wide character may leave a cell over
	}
	return s + strings.Repeat(" ", w-n)
}

// Middle cuts s, which must not be styled, to at most w cells by leaving out its middle: names differ at their ends.
func Middle(s string, w int) string {
	n := Width(s)
	if n <= w {
		return s
	}
	if w < 8 {
		return ansi.Truncate(s, max(w, 0), "…")
	}
	tail := w * 3 / 5
	out := ansi.Truncate(s, w-1-tail, "") + ansi.TruncateLeft(s, n-tail, "…")
	if Width(out) > w { // the cut went through a wide character
		out = ansi.Truncate(s, w-1-tail, "") + ansi.TruncateLeft(s, n-tail+1, "…")
	}
	return out
}

// FitLines makes exactly h lines of exactly w cells.
func FitLines(lines []string, w, h int) []string {
	out := make([]string, h)
	for i := range out {
		if i < len(lines) {
			out[i] = Fit(lines[i], w)
		} else {
			out[i] = strings.Repeat(" ", w)
		}
	}
	return out
}

// Fill makes exactly h lines of lines that are w cells wide already.
func Fill(lines []string, w, h int) []string {
	out := make([]string, 0, h)
	out = append(out, lines[:min(h, len(lines))]...)
	for len(out) < h {
		out = append(out, strings.Repeat(" ", w))
	}
	return out
}

// Overlay lays box over base with its top left corner at x, y. Both are lists of lines; base's must be w cells wide.
func Overlay(base, box []string, x, y, w int) []string {
	out := append([]string(nil), base...)
	for i, line := range box {
		if y+i < 0 || y+i >= len(out) {
			continue
		}
		end := x + ansi.StringWidth(line)
		under := out[y+i]
		out[y+i] = Fit(ansi.Truncate(under, x, ""), x) + line + ansi.TruncateLeft(under, end, "")
	}
	return FitLines(out, w, len(out))
}

// Scroll returns the first line to show so that line selected of n is among h lines, moving as little as possible from
// offset.
func Scroll(offset, selected, n, h int) int {
	if selected < offset {
		offset = selected
	}
	if selected >= offset+h {
		offset = selected - h + 1
	}
	return max(min(offset, n-h), 0)
}

// Wrap breaks plain text into lines of at most w cells.
func Wrap(s string, w int) string { return ansi.Wrap(s, max(w, 1), "") }
