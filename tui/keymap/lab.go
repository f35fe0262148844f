package keymap

import "github.com/kubestep/kubestep/tui/text"

// Lab returns the bindings of the lab screen and of the program, in the order of the help. [Now] comes before [Bottom],
// whose key it shares: it works in the past only.
func Lab() []Binding {
	return append([]Binding{
		{Step, []string{"n"}, "n", text.KeyStep, text.HelpStep, text.GroupStep, 1, false},
		{StepThis, []string{"m"}, "m", text.KeyStepThis, text.HelpStepThis, text.GroupStep, 3, false},
		{Continue, []string{"c"}, "c", text.KeyContinue, text.HelpContinue, text.GroupStep, 4, false},
		{Pause, []string{"p"}, "p", text.KeyPause, text.HelpPause, text.GroupStep, 4, false},
		{Finer, []string{"i"}, "i", text.KeyFiner, text.HelpFiner, text.GroupStep, 15, false},
		{Coarser, []string{"o"}, "o", text.KeyCoarser, text.HelpCoarser, text.GroupStep, 16, false},
		{Break, []string{"b"}, "b", text.KeyBreak, text.HelpBreak, text.GroupStep, 8, false},
		{FollowPod, []string{"F"}, "F", text.KeyFollow, text.HelpFollow, text.GroupStep, 9, false},
		{Prompt, []string{"$"}, "$", text.KeyPrompt, text.HelpPrompt, text.GroupStep, 2, false},

		{Now, []string{"end"}, "end", text.KeyNow, text.HelpReturn, text.GroupTime, 1, false},
		{Earlier, []string{"left"}, "←", text.KeyEarlier, text.HelpEarlier, text.GroupTime, 6, false},
		{Later, []string{"right"}, "→", text.KeyLater, text.HelpLater, text.GroupTime, 2, false},
		{MuchEarlier, []string{"shift+left", "<"}, "shift+← <", 0, text.HelpMuchEarlier, text.GroupTime, 0, false},
		{MuchLater, []string{"shift+right", ">"}, "shift+→ >", 0, text.HelpMuchLater, text.GroupTime, 0, false},

		{ViewMap, []string{"1"}, "1", 0, text.ViewMap, text.GroupViews, 0, false},
		{ViewTrace, []string{"2"}, "2", 0, text.ViewTrace, text.GroupViews, 0, false},
		{ViewScheduler, []string{"3"}, "3", 0, text.ViewScheduler, text.GroupViews, 0, false},
		{ViewEtcd, []string{"4"}, "4", 0, text.ViewEtcd, text.GroupViews, 0, false},
		{ViewObjects, []string{"5"}, "5", 0, text.ViewObjects, text.GroupViews, 0, false},
		{ViewRollout, []string{"6"}, "6", 0, text.ViewRollout, text.GroupViews, 0, false},
		{ViewPackets, []string{"7"}, "7", 0, text.ViewPackets, text.GroupViews, 0, false},
		{ViewDNS, []string{"8"}, "8", 0, text.ViewDNS, text.GroupViews, 0, false},
		{NextView, []string{"]"}, "]", 0, text.HelpNextView, text.GroupViews, 0, false},
		{PrevView, []string{"["}, "[", 0, text.HelpPrevView, text.GroupViews, 0, false},
		{ToggleTree, []string{"t"}, "t", text.KeyTree, text.HelpTree, text.GroupViews, 5, false},
		{Fold, []string{"space"}, "space", text.KeyFold, text.HelpFold, text.GroupViews, 7, false},
		{Background, []string{"B"}, "B", text.KeyBackground, text.HelpBackground, text.GroupViews, 12, false},
		{Mark, []string{"M"}, "M", text.KeyMark, text.HelpMark, text.GroupViews, 5, false},
		{Sort, []string{"S"}, "S", text.KeySort, text.HelpSort, text.GroupViews, 12, false},
		{ScrollDown, []string{"J"}, "J K", text.KeyScroll, text.HelpScrollDown, text.GroupViews, 5, false},
		{ScrollUp, []string{"K"}, "K", 0, text.HelpScrollUp, text.GroupViews, 0, false},
		{Filter, []string{"/"}, "/", text.KeyFilter, text.HelpFilter, text.GroupViews, 9, false},

		{Open, []string{"enter"}, "enter", text.KeyOpen, text.HelpOpen, text.GroupLook, 5, false},
		{Back, []string{"esc"}, "esc", text.KeyBack, text.HelpBack, text.GroupLook, 5, false},
		{WhyPage, []string{"w"}, "w", text.KeyWhyPage, text.HelpWhyPage, text.GroupLook, 14, false},
		{DiffPage, []string{"d"}, "d", text.KeyDiffPage, text.HelpDiffPage, text.GroupLook, 13, false},
		{SourcePage, []string{"s"}, "s", text.KeySourcePage, text.HelpSourcePage, text.GroupLook, 13, false},
		{ObjectPage, []string{"y"}, "y", text.KeyObjectPage, text.HelpObjectPage, text.GroupLook, 13, false},
		{Zoom, []string{"z"}, "z", text.KeyZoom, text.HelpZoom, text.GroupLook, 16, false},
		{Copy, []string{"Y"}, "Y", text.KeyCopy, text.HelpCopy, text.GroupLook, 17, false},

		{NextPane, []string{"tab"}, "tab", text.KeyNextPane, text.HelpNextPane, text.GroupMove, 7, false},
		{PrevPane, []string{"shift+tab"}, "shift+tab", 0, text.HelpPrevPane, text.GroupMove, 0, false},
		{Up, []string{"up", "k"}, "↑ k", 0, text.HelpUp, text.GroupMove, 0, false},
		{Down, []string{"down", "j"}, "↓ j", 0, text.HelpDown, text.GroupMove, 0, false},
		{PageUp, []string{"pgup", "ctrl+u"}, "pgup", 0, text.HelpPageUp, text.GroupMove, 0, false},
		{PageDown, []string{"pgdown", "ctrl+d"}, "pgdn", 0, text.HelpPageDown, text.GroupMove, 0, false},
		{Top, []string{"g", "home"}, "g home", 0, text.HelpTop, text.GroupMove, 0, false},
		{Bottom, []string{"G", "end"}, "G end", 0, text.HelpBottom, text.GroupMove, 0, false},

		{Palette, []string{":"}, ":", text.KeyPalette, text.HelpPalette, text.GroupProgram, 11, false},
		{Language, []string{"L"}, "L", text.KeyLanguage, text.HelpLanguage, text.GroupProgram, 18, false},
		{Help, []string{"?"}, "?", text.KeyHelp, text.HelpHelp, text.GroupProgram, 17, false},
		{Quit, []string{"q", "ctrl+c"}, "q", text.KeyQuit, text.HelpQuit, text.GroupProgram, 18, false},
	}, machine()...)
}
