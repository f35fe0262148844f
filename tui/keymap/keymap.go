// Package keymap says which keys there are and what they are called. The key bar, the help and the dispatch all come from
// the same bindings.
//
// Every package of tui may import it; it imports text.
package keymap

import "github.com/kubestep/kubestep/tui/text"

// Action is what a key asks for.
type Action int

// The actions.
const (
	None Action = iota
	Step
	StepThis
	Continue
	Pause
	Finer
	Coarser
	Again
	Open
	Back
	NextPane
	PrevPane
	Up
	Down
	PageUp
	PageDown
	Top
	Bottom
	Filter
	WhyPage
	DiffPage
	SourcePage
	ObjectPage
	Language
	Help
	Quit
	// Of the lab screen.
	Screens
	ViewMap
	ViewTrace
	ViewScheduler
	ViewEtcd
	ViewObjects
	ViewRollout
	ViewPackets
	ViewDNS
	NextView
	PrevView
	ToggleTree
	Background
	Fold
	Mark
	Sort
	ScrollDown
	ScrollUp
	Earlier
	Later
	MuchEarlier
	MuchLater
	Now
	Prompt
	Palette
	Break
	Copy
	// Of the reader's machine.
	Shell
	Edit
	SaveRecording
	SaveTrace
	SaveSVG
	SaveHTML
	Cast
	ThemeAuto
	ThemeDark
	ThemeLight
	ThemeContrast
	ThemeNone
)

// Binding is one action's keys.
type Binding struct {
	Action Action
	// Keys are the names that Bubble Tea gives them.
	Keys []string
	// Show is the keys for a reader.
	Show string
	// Label is a word for the key bar, 0 when it is not worth its place there; Help is a sentence; Group is the help's
	// section.
	Label, Help, Group text.ID
	// Rank orders the key bar: when there is no room for all, those with a low one stay.
	Rank int
	// Off is set while the action does not work.
	Off bool
}

// Walk returns the bindings of the walk and of the program, in the order of the help.
func Walk() []Binding {
	return []Binding{
		{Step, []string{"n"}, "n", text.KeyStep, text.HelpStep, text.GroupStep, 1, false},
		{StepThis, []string{"m"}, "m", text.KeyStepThis, text.HelpStepThis, text.GroupStep, 2, false},
		{Continue, []string{"c"}, "c", text.KeyContinue, text.HelpContinue, text.GroupStep, 3, false},
		{Pause, []string{"p"}, "p", text.KeyPause, text.HelpPause, text.GroupStep, 4, false},
		{Finer, []string{"i"}, "i", text.KeyFiner, text.HelpFiner, text.GroupStep, 12, false},
		{Coarser, []string{"o"}, "o", text.KeyCoarser, text.HelpCoarser, text.GroupStep, 13, false},
		{Again, []string{"r"}, "r", text.KeyAgain, text.HelpAgain, text.GroupStep, 5, false},

		{WhyPage, []string{"w"}, "w", text.KeyWhyPage, text.HelpWhyPage, text.GroupLook, 9, false},
		{DiffPage, []string{"d"}, "d", text.KeyDiffPage, text.HelpDiffPage, text.GroupLook, 6, false},
		{SourcePage, []string{"s"}, "s", text.KeySourcePage, text.HelpSourcePage, text.GroupLook, 7, false},
		{ObjectPage, []string{"y"}, "y", text.KeyObjectPage, text.HelpObjectPage, text.GroupLook, 8, false},
		{Filter, []string{"/"}, "/", text.KeyFilter, text.HelpFilter, text.GroupLook, 15, false},
		{Open, []string{"enter"}, "enter", text.KeyOpen, text.HelpOpen, text.GroupLook, 11, false},
		{Back, []string{"esc"}, "esc", text.KeyBack, text.HelpBack, text.GroupLook, 10, false},

		{NextPane, []string{"tab"}, "tab", text.KeyNextPane, text.HelpNextPane, text.GroupMove, 5, false},
		{PrevPane, []string{"shift+tab"}, "shift+tab", 0, text.HelpPrevPane, text.GroupMove, 0, false},
		{Up, []string{"up", "k"}, "↑ k", 0, text.HelpUp, text.GroupMove, 0, false},
		{Down, []string{"down", "j"}, "↓ j", 0, text.HelpDown, text.GroupMove, 0, false},
		{PageUp, []string{"pgup", "ctrl+u"}, "pgup", 0, text.HelpPageUp, text.GroupMove, 0, false},
		{PageDown, []string{"pgdown", "ctrl+d", "space"}, "pgdn", 0, text.HelpPageDown, text.GroupMove, 0, false},
		{Top, []string{"g", "home"}, "g home", 0, text.HelpTop, text.GroupMove, 0, false},
		{Bottom, []string{"G", "end"}, "G end", 0, text.HelpBottom, text.GroupMove, 0, false},

		{Screens, []string{"v"}, "v", text.KeyScreens, text.HelpScreens, text.GroupProgram, 14, false},
		{Palette, []string{":"}, ":", text.KeyPalette, text.HelpPalette, text.GroupProgram, 15, false},
		{Language, []string{"L"}, "L", text.KeyLanguage, text.HelpLanguage, text.GroupProgram, 16, false},
		{Help, []string{"?"}, "?", text.KeyHelp, text.HelpHelp, text.GroupProgram, 17, false},
		{Quit, []string{"q", "ctrl+c"}, "q", text.KeyQuit, text.HelpQuit, text.GroupProgram, 18, false},
	}
}

// Find returns the action that a key asks for, [None] when it has none that works now.
func Find(bindings []Binding, key string) Action {
	for _, b := range bindings {
		if b.Off {
			continue
		}
		for _, k := range b.Keys {
			if k == key {
				return b.Action
			}
		}
	}
	return None
}
