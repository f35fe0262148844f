package play

import (
	"time"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/quiz"
)

// Kept is what is kept of a lesson.
type Kept struct {
	course.State
	// Saved is when, so that the lesson that was left last is known.
	Saved time.Time `json:"saved,omitzero"`
	// Finished says that the lesson was played to its end once; State may be of a later attempt.
	Finished bool `json:"finished,omitempty"`
}

// Done is what a learner has done so far.
type Done struct {
	Lessons map[string]Kept        // by lesson
	Records map[string]quiz.Record // by [quiz.Item.Key]
	// Due are the questions that were missed and have come back.
	Due int
}

// Empty reports whether the learner has done nothing yet.
func (d Done) Empty() bool { return len(d.Lessons) == 0 && len(d.Records) == 0 }
