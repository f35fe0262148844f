// Package play is the seam between the screens and a lesson: what they need of an attempt, and the messages with which
// they ask for lessons, quizzes and each other.
//
// The root model and the screens import it; it imports engine/{course,check,quiz} and lessons/schema, and no screen.
package play

import (
	"context"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Session is one attempt at a lesson that somebody else runs; [course.Session] has these methods. They are safe for
// concurrent use. All but Lesson may wait for a moment, so the screens call them from commands only.
type Session interface {
	// Lesson returns the lesson with its variables filled in.
	Lesson() *schema.Lesson
	// View returns what there is to show now.
	View() course.View
	// Wait blocks until the view differs from the one with the given generation, or ctx ends. An error besides a view
	// is for the learner to read.
	Wait(ctx context.Context, generation uint64) (course.View, error)
	// Do tells the attempt what the learner wants.
	Do(in course.Input)
	// World calls f with what the attempt knows of the cluster; f must not keep it.
	World(f func(w *check.World) error) error
}

// Book keeps answers. Its methods are safe for concurrent use; they read and write a file.
type Book interface {
	// Records returns what is kept of questions, by [quiz.Item.Key].
	Records(ctx context.Context) (map[string]quiz.Record, error)
	// Keep writes records; when it returns they are on disk.
	Keep(ctx context.Context, records map[string]quiz.Record) error
}

// The messages that a screen sends, by a command, to the root model, which alone knows the other screens.
type (
	// Begin asks for an attempt at a lesson: at a step, where it was left (no step), or from its start (Anew). The root
	// ends the attempt that runs, begins the new one and hands it to the lab screen.
	Begin struct {
		Lesson, Step string
		Anew         bool
	}
	// Leave ends the attempt and goes home.
	Leave struct{}
	// Finished says that the lesson has come to its end; the root shows the summary of the view's State. The attempt
	// goes on to be there for live questions.
	Finished struct {
		Session Session
		View    course.View
	}
	// Ask asks for a quiz. The root fills in Session when an attempt runs, and shows the quiz screen.
	Ask struct {
		Mode  Mode
		Items []quiz.Item // for [AfterLesson] and [Topic]; what to pick from for [Exam] and [Review]
		// Title is what the quiz is about, for its header; by language.
		Title schema.Text
		// Count is how many questions an exam has, Minutes how long it may take; 0 for the usual.
		Count, Minutes int
		Seed           uint64 // of an exam
		Session        Session
	}
	// Answered says that a quiz is over. The root shows the summary again after a lesson's, else home.
	Answered struct {
		Mode  Mode
		Score float64 // 0 to 1
		Right int
		Total int
	}
	// See asks the root to bring the lab screen to the front and to select an event, by Seq.
	See struct{ Event uint64 }
)

// Mode is what a quiz is for.
type Mode int

// The modes of a quiz.
const (
	AfterLesson Mode = iota
	Topic
	Exam   // timed, mixed, without feedback until its end
	Review // what was missed and is due again
)
