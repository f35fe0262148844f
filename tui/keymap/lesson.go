package keymap

import (
	"fmt"

	"github.com/kubestep/kubestep/tui/text"
)

// The actions of a lesson, apart from the others.
const (
	Hint Action = iota + 200
	Solution
	Reset
	Skip
	NextStep
	RunShown
	LessonPane
	// Choice is the first answer; the others follow.
	Choice
)

// MostChoices is how many answers have a key.
const MostChoices = 9

// Lesson returns the bindings of the lab screen while a lesson is played in it. Digits answer the lesson's questions and
// nothing else there, so the views have other keys; choices says how many answers there are now.
func Lesson(choices int) []Binding {
	out := []Binding{
		{NextStep, []string{"N"}, "N", text.KeyNextStep, text.HelpNextStep, text.GroupLesson, 0, false},
		{RunShown, []string{"a"}, "a", text.KeyRunShown, text.HelpRunShown, text.GroupLesson, 0, false},
		{LessonPane, []string{"l"}, "l", text.KeyLessonPane, text.HelpLessonPane, text.GroupLesson, 1, false},
		{Hint, []string{"h"}, "h", text.KeyHint, text.HelpHint, text.GroupLesson, 2, false},
		{Solution, []string{"x"}, "x", text.KeySolution, text.HelpSolution, text.GroupLesson, 2, false},
		{Reset, []string{"r"}, "r", text.KeyReset, text.HelpReset, text.GroupLesson, 3, false},
		{Skip, []string{"X"}, "X", text.KeySkip, text.HelpSkip, text.GroupLesson, 3, false},
	}
	for i := range min(choices, MostChoices) {
		b := Binding{Choice + Action(i), []string{fmt.Sprint(i + 1)}, fmt.Sprint(i + 1), 0, text.HelpChoice, text.GroupLesson, 0, false}
		if i == 0 {
			b.Show, b.Label = fmt.Sprintf("1-%d", min(choices, MostChoices)), text.KeyChoice
		}
		out = append(out, b)
	}
	for _, b := range Lab() {
		if b.Action >= ViewMap && b.Action <= ViewDNS {
			b.Show = "alt+" + b.Show
			b.Keys = []string{b.Show}
		}
		out = append(out, b)
	}
	return out
}

// ChoiceOf returns which answer an action chooses, counted from 0; ok is false for other actions.
func ChoiceOf(a Action) (i int, ok bool) {
	i = int(a - Choice)
	return i, i >= 0 && i < MostChoices
}

// Shown returns an action's key for a reader.
func Shown(bindings []Binding, a Action) string {
	for i := range bindings {
		if bindings[i].Action == a {
			return bindings[i].Show
		}
	}
	return ""
}
