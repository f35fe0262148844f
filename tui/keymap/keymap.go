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
	FollowPod
	Zoom
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
	// Of the home screen.
	Restart
	TakeQuiz
	FreeLab
	Welcome
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
