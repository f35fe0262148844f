package pager

import (
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/theme"
)

// Sheet is a pager whose text is made only when what it is about has changed.
type Sheet struct {
	Pager
	made madeFrom
}

type madeFrom struct {
	subject, version any
	w, h             int
}

// Show makes the text, w by h cells of it in sight, when subject, version or the place differ from those of the last
// call; another subject begins at its top. Both must be comparable.
func (s *Sheet) Show(t theme.Theme, subject, version any, w, h int, text func() []richtext.Line) {
	made := madeFrom{subject, version, w, h}
	if made == s.made {
		return
	}
	if subject != s.made.subject {
		s.Top()
	}
	s.made = made
	s.Set(t, text(), w, h)
}

// Page goes n pages down, up when n is negative; one line of the page before stays in sight.
func (s *Sheet) Page(n int) { s.Move(n * max(s.made.h-1, 1)) }

// Overflows reports whether there is more than is in sight.
func (s *Sheet) Overflows() bool { return s.Note() != "" }
