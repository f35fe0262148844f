package route

import tea "charm.land/bubbletea/v2"

// The screens that can be asked for. A screen returns [Go] with one of these messages; the root model carries it out.
type (
	// Home is the list of lessons. An attempt that is under way waits behind it, as it is.
	Home struct{}
	// Lab is the lab without a lesson: an attempt that is under way ends.
	Lab struct{}
	// Lesson is a lesson, from where it was left. When its attempt is under way, that comes to the front as it is.
	Lesson struct {
		ID string
		// Step begins at that step instead; the steps before are played by themselves.
		Step string
		// Restart begins anew, with other values for the lesson's variables.
		Restart bool
		// Clear deletes what is in the lesson's way and is not of a lesson.
		Clear bool
	}
	// Quiz asks questions.
	Quiz struct {
		Mode QuizMode
		// Lesson is the ID of the lesson whose questions are asked; empty for those of all.
		Lesson string
	}
)

// QuizMode says which questions are asked, and how.
type QuizMode int

// The modes of a [Quiz].
const (
	// Practice asks all, with feedback after each.
	Practice QuizMode = iota
	// Review asks those that were missed and are due again.
	Review
	// Exam asks a mixed choice against the clock, with feedback at the end.
	Exam
)

// Go returns a command that asks the root model for a screen.
func Go(to tea.Msg) tea.Cmd { return func() tea.Msg { return to } }
