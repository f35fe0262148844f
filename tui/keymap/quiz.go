package keymap

import (
	"fmt"

	"github.com/kubestep/kubestep/tui/text"
)

// The actions of a quiz, apart from the others; choices are those of lessons.
const (
	Submit Action = iota + 240
	Toggle
	CarryUp
	CarryDown
	ShowWhere
	GoThere
	Finish
	NextLesson
	Leave
)

// Quiz returns the bindings of the quiz and of the program, in the order of the help; choices says how many answers have
// a digit now.
func Quiz(choices int) []Binding {
	out := []Binding{
		{Submit, []string{"enter"}, "enter", text.KeySubmit, text.HelpSubmit, text.GroupQuiz, 1, false},
		{Toggle, []string{"space"}, "space", text.KeyToggle, text.HelpToggle, text.GroupQuiz, 2, false},
		{CarryUp, []string{"K", "shift+up"}, "K J", text.KeyCarry, text.HelpCarryUp, text.GroupQuiz, 2, false},
		{CarryDown, []string{"J", "shift+down"}, "J", 0, text.HelpCarryDown, text.GroupQuiz, 0, false},
		{ShowWhere, []string{"s"}, "s", text.KeyShowWhere, text.HelpShowWhere, text.GroupQuiz, 2, false},
		{GoThere, []string{"o"}, "o", text.KeyGoThere, text.HelpGoThere, text.GroupQuiz, 3, false},
		{Earlier, []string{"left"}, "← →", text.KeyQuestions, text.HelpPrevQuestion, text.GroupQuiz, 3, false},
		{Later, []string{"right"}, "→", 0, text.HelpNextQuestion, text.GroupQuiz, 0, false},
		{Finish, []string{"F"}, "F", text.KeyFinish, text.HelpFinish, text.GroupQuiz, 4, false},
		{Back, []string{"esc"}, "esc", text.KeyBack, text.HelpBackQuiz, text.GroupQuiz, 5, false},
	}
	for i := range min(choices, MostChoices) {
		b := Binding{Choice + Action(i), []string{fmt.Sprint(i + 1)}, fmt.Sprint(i + 1), 0, text.HelpChoice, text.GroupQuiz, 0, false}
		if i == 0 {
			b.Show, b.Label = fmt.Sprintf("1-%d", min(choices, MostChoices)), text.KeyChoice
		}
		out = append(out, b)
	}
	return append(out, moving(Leave)...)
}

// Summary returns the bindings of the summary of a lesson and of the program.
func Summary() []Binding {
	return append([]Binding{
		{Submit, []string{"enter"}, "enter", text.KeyGoOn, text.HelpSummaryGo, text.GroupLessons, 1, false},
		{TakeQuiz, []string{"t"}, "t", text.KeyTakeQuiz, text.HelpTakeQuiz, text.GroupLessons, 2, false},
		{NextLesson, []string{"N"}, "N", text.KeyNextLesson, text.HelpNextLesson, text.GroupLessons, 2, false},
		{Restart, []string{"r"}, "r", text.KeyRestart, text.HelpRestart, text.GroupLessons, 3, false},
		{FreeLab, []string{"l"}, "l", text.KeyStayInLab, text.HelpStayInLab, text.GroupLessons, 3, false},
	}, moving(Leave)...)
}

// moving are the bindings of a screen with one text, and of the program.
func moving(away Action) []Binding {
	return []Binding{
		{Up, []string{"up", "k"}, "↑ k", 0, text.HelpUp, text.GroupMove, 0, false},
		{Down, []string{"down", "j"}, "↓ j", 0, text.HelpDown, text.GroupMove, 0, false},
		{PageUp, []string{"pgup", "ctrl+u"}, "pgup", 0, text.HelpPageUp, text.GroupMove, 0, false},
		{PageDown, []string{"pgdown", "ctrl+d"}, "pgdn", 0, text.HelpPageDown, text.GroupMove, 0, false},

		{away, []string{"q"}, "q", text.KeyLessons, text.HelpLeaveQuiz, text.GroupProgram, 10, false},
		{Palette, []string{":"}, ":", text.KeyPalette, text.HelpPalette, text.GroupProgram, 16, false},
		{Language, []string{"L"}, "L", text.KeyLanguage, text.HelpLanguage, text.GroupProgram, 11, false},
		{Help, []string{"?"}, "?", text.KeyHelp, text.HelpHelp, text.GroupProgram, 17, false},
		{Quit, []string{"ctrl+c"}, "ctrl+c", 0, text.HelpQuit, text.GroupProgram, 18, false},
	}
}
