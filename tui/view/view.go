// Package view says what the lab's views have in common. Each view is in a package of its own below it, answers one
// question, and is a plain struct: batches of events go in, lines come out. It never asks the lab anything.
//
// The lab screen and the views import it.
package view

import (
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Moment is what the views show: the lab right after an event.
type Moment struct {
	// Seq is the last event that counts.
	Seq uint64
	// Past is set when something has happened since.
	Past bool
	// Held is what waits at the gate; nothing does in the past.
	Held []trace.Held
	// Level says how fine the steps and the lists are: an index into [describe.Levels].
	Level int
}

// Selection is what the inspector shows.
type Selection struct {
	// Held is the ID of a held event, Seq the number of one that has happened; zero for none.
	Held, Seq uint64
	// Version changes when what Pages returns does.
	Version int
}

// View is one view. Its methods are called from one goroutine and never wait.
type View interface {
	// Take takes events that are new or have changed, by Seq.
	Take(events []trace.Event)
	// Show moves the view to a moment.
	Show(m Moment)
	// Dress gives the view its looks and its language.
	Dress(t theme.Theme, p text.Printer)
	// Filter leaves only what has all the words, which are in lower case, somewhere.
	Filter(words []string)
	// Move moves the selection by n; very large numbers mean the ends.
	Move(n int)
	// Do carries out an action of the view's own; Works says whether it would do something.
	Do(a keymap.Action)
	Works(a keymap.Action) bool
	// Click selects what is at a cell of the last View.
	Click(x, y int)
	// Selected returns what the inspector shows.
	Selected() Selection
	// Page returns a page of the inspector when the view has more to say than the selected event; nil when not.
	Page(p describe.Page) []richtext.Line
	// Note stands at the right of the view's title.
	Note() string
	// View returns h lines of w cells.
	View(w, h int, focused bool) []string
}

// Matches reports whether line, in lower case, has all the words, and none of those with a "!" before them.
func Matches(line string, words []string) bool {
	for _, w := range words {
		without, not := strings.CutPrefix(w, "!")
		if strings.Contains(line, without) == not && without != "" {
			return false
		}
	}
	return true
}
