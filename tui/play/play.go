// Package play is the seam between the screens and a lesson: what they need of an attempt, and the messages with which
// they ask for lessons, quizzes and each other.
//
// The root model and the screens import it; it imports engine/{course,check,quiz} and lessons/schema.
package play

import (
	"context"
	"strings"
	"time"

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

// Attempt is a session with what keeps it going.
type Attempt interface {
	Session
	// Run carries out what the attempt wants until ctx ends, which is nil, or it cannot go on. It is called once.
	Run(ctx context.Context) error
}

// InTheWay is the error of a lesson that cannot begin because of objects in its namespace that no lesson has made.
type InTheWay struct{ Objects []string } // "deployment/web"

func (e *InTheWay) Error() string { return "in the lesson's way: " + strings.Join(e.Objects, ", ") }

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
		// Clear deletes what is in the lesson's way and is not of a lesson.
		Clear bool
	}
	// Leave ends the attempt and goes home.
	Leave struct{}
	// Finished says that the lesson has come to its end: the root shows the summary. The attempt stays, for the live
	// questions of the quiz, until another begins or the learner goes elsewhere.
	Finished struct {
		Session Session
		View    course.View
	}
	// Ask asks for a quiz. Who sends it says what about; the root fills in the rest and shows the quiz screen.
	Ask struct {
		Mode Mode
		// Lesson is the ID of the lesson whose questions are asked; empty for those of all. Topics leaves only questions
		// about these.
		Lesson string
		Topics []string
		Quiz   Quiz // filled in by the root
	}
	// Answered says that the learner leaves the quiz: after a lesson's the root shows the summary again, else home. Total
	// is 0 when nothing was answered.
	Answered struct {
		Mode Mode
		// Points is the sum of the scores of Total questions, Right how many were wholly right.
		Points       float64
		Right, Total int
	}
	// See brings the lab screen to the front and selects an event, by Seq.
	See struct{ Event uint64 }
)

// Quiz is what the quiz screen asks.
type Quiz struct {
	Mode Mode
	// Title is what the quiz is about, for its header; empty for none.
	Title schema.Text
	// Items are the questions in the order in which they are asked: of an exam [quiz.Exam] has picked them, of a review
	// [quiz.Review].
	Items []quiz.Item
	// Limit is how long an exam may take.
	Limit time.Duration
	// Session is the attempt that runs, for live questions; nil when none does.
	Session Session
}

// Mode is what a quiz is for.
type Mode int

// The modes of a quiz.
const (
	AfterLesson Mode = iota
	Topic
	Exam   // timed, mixed, without feedback until its end
	Review // what was missed and is due again
)
