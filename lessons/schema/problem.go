package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a lesson.
type Problem struct {
	Pos
	What string `json:"what"`
	Fix  string `json:"fix,omitempty"` // what to write instead
}

// String returns "first-pod/lesson.yaml:12: unknown key "stpes"; write "steps"".
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d: %s", p.File, max(p.Line, 1), p.What)
	if p.Fix != "" {
		s += "; " + p.Fix
	}
	return s
}

// Problems are in the order of files and lines.
type Problems []Problem

// Error implements error.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Err returns p as an error, nil when there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p Problems) sort() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return slices.Compact(p)
}

// nearest returns the known word that word was most likely meant to be, "" when none is near.
func nearest(word string, known []string) string {
	best, at := "", max(2, min(len(word)-1, 3), len(word)/3+1)
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < at {
			best, at = k, d
		}
	}
	return best
}

// oneOf says what could be written.
func oneOf(word string, known []string) string {
	if n := nearest(word, known); n != "" {
		return fmt.Sprintf("write %q", n)
	}
	if len(known) == 0 {
		return ""
	}
	return "write one of: " + strings.Join(known, ", ")
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := left
			if a[i] != b[j] {
				change++
			}
			left = row[j+1]
			row[j+1] = min(change, row[j]+1, left+1)
		}
	}
	return row[len(b)]
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
