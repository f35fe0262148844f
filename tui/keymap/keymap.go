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
	// Off is set while the action does not work.
	Off bool
}

// Walk returns the bindings of the walk and of the program, in the order of the help.
func Walk() []Binding {
	return []Binding{
		{Step, []string{"n"}, "n", text.KeyStep, text.HelpStep, text.GroupStep, false},
		{StepThis, []string{"m"}, "m", text.KeyStepThis, text.HelpStepThis, text.GroupStep, false},
		{Continue, []string{"c"}, "c", text.KeyContinue, text.HelpContinue, text.GroupStep, false},
		{Pause, []string{"p"}, "p", text.KeyPause, text.HelpPause, text.GroupStep, false},
		{Finer, []string{"i"}, "i", text.KeyFiner, text.HelpFiner, text.GroupStep, false},
		{Coarser, []string{"o"}, "o", text.KeyCoarser, text.HelpCoarser, text.GroupStep, false},
		{Again, []string{"r"}, "r", text.KeyAgain, text.HelpAgain, text.GroupStep, false},

		{WhyPage, []string{"w"}, "w", text.KeyWhyPage, text.HelpWhyPage, text.GroupLook, false},
		{DiffPage, []string{"d"}, "d", text.KeyDiffPage, text.HelpDiffPage, text.GroupLook, false},
		{SourcePage, []string{"s"}, "s", text.KeySourcePage, text.HelpSourcePage, text.GroupLook, false},
		{ObjectPage, []string{"y"}, "y", text.KeyObjectPage, text.HelpObjectPage, text.GroupLook, false},
		{Filter, []string{"/"}, "/", text.KeyFilter, text.HelpFilter, text.GroupLook, false},
		{Open, []string{"enter"}, "enter", text.KeyOpen, text.HelpOpen, text.GroupLook, false},
		{Back, []string{"esc"}, "esc", text.KeyBack, text.HelpBack, text.GroupLook, false},

		{NextPane, []string{"tab"}, "tab", text.KeyNextPane, text.HelpNextPane, text.GroupMove, false},
		{PrevPane, []string{"shift+tab"}, "shift+tab", 0, text.HelpPrevPane, text.GroupMove, false},
		{Up, []string{"up", "k"}, "↑ k", 0, text.HelpUp, text.GroupMove, false},
		{Down, []string{"down", "j"}, "↓ j", 0, text.HelpDown, text.GroupMove, false},
		{PageUp, []string{"pgup", "ctrl+u"}, "pgup", 0, text.HelpPageUp, text.GroupMove, false},
		{PageDown, []string{"pgdown", "ctrl+d", "space"}, "pgdn", 0, text.HelpPageDown, text.GroupMove, false},
		{Top, []string{"g", "home"}, "g home", 0, text.HelpTop, text.GroupMove, false},
		{Bottom, []string{"G", "end"}, "G end", 0, text.HelpBottom, text.GroupMove, false},

		{Language, []string{"L"}, "L", text.KeyLanguage, text.HelpLanguage, text.GroupProgram, false},
		{Help, []string{"?"}, "?", text.KeyHelp, text.HelpHelp, text.GroupProgram, false},
		{Quit, []string{"q", "ctrl+c"}, "q", text.KeyQuit, text.HelpQuit, text.GroupProgram, false},
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
