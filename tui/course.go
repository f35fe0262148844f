package tui

import (
	"context"

	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
)

// Course is the lessons there are, and what the screens ask their program to do about them. Its functions are called
// from goroutines of their own and are safe for concurrent use.
type Course struct {
	// Lessons can be played; Problems says what is wrong with the others, by their folders.
	Lessons  []*schema.Lesson
	Problems schema.Problems
	// Folder is where they are from; empty for those of the program.
	Folder string
	// Done is what the learner has done before; Read reads it again.
	Done play.Done
	Read func(ctx context.Context) (play.Done, error)
	// Book keeps the answers to questions.
	Book play.Book
	// Begin makes an attempt, which is started and waits for Run. The lab is ready, if there is one. An error is for the learner to
	// read; [play.InTheWay] asks whether to begin with Clear.
	Begin func(ctx context.Context, what route.Lesson) (play.Attempt, error)
	// Aside is where a progress file that could not be read has been moved to; empty when it could.
	Aside string
	// Trouble delivers what goes wrong with keeping progress, for the learner to read. It may be nil.
	Trouble <-chan error
	// Open is a lesson to begin as soon as the lab is ready; its zero value opens the home screen.
	Open route.Lesson
}
