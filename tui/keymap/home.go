package keymap

import "github.com/kubestep/kubestep/tui/text"

// Begin returns the bindings of the home screen and of the program, in the order of the help.
func Begin() []Binding {
	out := []Binding{
		{Open, []string{"enter"}, "enter", text.KeyOpen, text.HelpOpenEntry, text.GroupLessons, 1, false},
		{Restart, []string{"r"}, "r", text.KeyRestart, text.HelpRestart, text.GroupLessons, 4, false},
		{TakeQuiz, []string{"t"}, "t", text.KeyTakeQuiz, text.HelpTakeQuiz, text.GroupLessons, 3, false},
		{FreeLab, []string{"f"}, "f", text.KeyFreeLab, text.HelpFreeLab, text.GroupLessons, 5, false},
		{Filter, []string{"/"}, "/", text.KeySearch, text.HelpSearch, text.GroupLessons, 2, false},
		{Back, []string{"esc"}, "esc", text.KeyBack, text.HelpBackHome, text.GroupLessons, 1, false},
		{Welcome, []string{"w"}, "w", 0, text.HelpWelcome, text.GroupLessons, 0, false},

		{NextPane, []string{"tab"}, "tab", text.KeyNextPane, text.HelpNextPane, text.GroupMove, 6, false},
		{PrevPane, []string{"shift+tab"}, "shift+tab", 0, text.HelpPrevPane, text.GroupMove, 0, false},
		{Up, []string{"up", "k"}, "↑ k", 0, text.HelpUp, text.GroupMove, 0, false},
		{Down, []string{"down", "j"}, "↓ j", 0, text.HelpDown, text.GroupMove, 0, false},
		{PageUp, []string{"pgup", "ctrl+u"}, "pgup", 0, text.HelpPageUp, text.GroupMove, 0, false},
		{PageDown, []string{"pgdown", "ctrl+d", "space"}, "pgdn", 0, text.HelpPageDown, text.GroupMove, 0, false},
		{Top, []string{"g", "home"}, "g home", 0, text.HelpTop, text.GroupMove, 0, false},
		{Bottom, []string{"G", "end"}, "G end", 0, text.HelpLast, text.GroupMove, 0, false},

		{Palette, []string{":"}, ":", text.KeyPalette, text.HelpPalette, text.GroupProgram, 8, false},
		{Language, []string{"L"}, "L", text.KeyLanguage, text.HelpLanguage, text.GroupProgram, 7, false},
		{Help, []string{"?"}, "?", text.KeyHelp, text.HelpHelp, text.GroupProgram, 17, false},
		{Quit, []string{"q", "ctrl+c"}, "q", text.KeyQuit, text.HelpQuit, text.GroupProgram, 18, false},
	}
	for _, b := range machine() {
		if b.Group == text.GroupLooks {
			out = append(out, b)
		}
	}
	return out
}
