// Package play is the seam between the screens and a lesson: what they need of an attempt, and what they tell the root
// model about lessons and quizzes. Wishes for a screen are in route: [route.Lesson], [route.Quiz], [route.Home].
//
// The root model and the screens import it; it imports engine/{course,check,quiz}, lessons/schema and route.
package play

import (
	"context"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/route"
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
	// Kubectl runs kubectl against the lab, where the lesson's manifests are, and returns what it printed.
	Kubectl(ctx context.Context, args []string) (output string, err error)
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

// Quiz is what the quiz screen asks. The root model fills it in when a screen asks for [route.Quiz].
type Quiz struct {
	Mode route.QuizMode
	// Title is what the quiz is about, for its header.
	Title schema.Text
	// Items are the questions, as they shall be asked: for an exam [quiz.Exam] has picked them, for a review
	// [quiz.Review].
	Items []quiz.Item
	// Limit is how long an exam may take.
	Limit time.Duration
	// Session is the attempt that runs, for live questions; nil when none does.
	Session Session
}

// The messages that a screen sends to the root model besides those of route.
type (
	// Finished says that the lesson has come to its end: the root shows the summary. The attempt stays, for the live
	// questions of the quiz, until another begins or the learner goes elsewhere.
	Finished struct {
		Session Session
		View    course.View
	}
	// Answered says that the learner leaves the quiz: after a lesson's the root shows the summary again, else home. Total
	// is 0 when nothing was answered.
	Answered struct {
		Mode route.QuizMode
		// Points is the sum of the scores of Total questions, Right how many were wholly right.
		Points       float64
		Right, Total int
	}
	// See brings the lab screen to the front and selects an event, by Seq. The way back leads to the quiz. The root feeds
	// it to the screens, and again with no event when the learner has gone back.
	See struct{ Event uint64 }
)

// The messages that the root model feeds to every screen, as it feeds them what the lab reports.
type (
	// Over says that the attempt could not go on, and why.
	Over struct{ Err error }
	// Trouble is something that went wrong with keeping what was done, for the learner to read.
	Trouble struct{ Err error }
)
