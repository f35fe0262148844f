// Package theme says how things look. A [Theme] is a value that is made once and handed down; what a thing means never
// rests on colour alone.
//
// Every package of tui may import it; it imports nothing of ours.
package theme

import (
	"charm.land/lipgloss/v2"
)

// Role is what a piece of text is for.
type Role uint8

// The roles.
const (
	Plain    Role = iota
	Dim           // there if wanted
	Strong        // to be read first
	Heading       // names a section
	Actor         // who
	Verb          // does what
	Object        // to what
	Good          // done, added
	Bad           // failed, removed
	Warn          // held, changed, waiting
	Key           // to be pressed
	Selected      // the selected row of the pane with the focus
	Chain         // on the way from the selected event to its root
	Border        // frame of a pane
	Focus         // frame of the pane with the focus
	roles         // how many there are
)

// Theme is a set of styles. The zero Theme has none at all.
type Theme struct {
	styles [roles]lipgloss.Style
	made   bool
}

// New returns a theme for a terminal with a dark or a light background.
func New(dark bool) Theme {
	pick := lipgloss.LightDark(dark)
	style := func(light, dark string) lipgloss.Style {
		return lipgloss.NewStyle().Foreground(pick(lipgloss.Color(light), lipgloss.Color(dark)))
	}
	t := Theme{made: true}
	t.styles[Plain] = lipgloss.NewStyle()
	t.styles[Dim] = style("#6b7280", "#8b93a1")
	t.styles[Strong] = lipgloss.NewStyle().Bold(true)
	t.styles[Heading] = style("#1d4ed8", "#8ab4ff").Bold(true)
	t.styles[Actor] = style("#0f766e", "#5fd7c7")
	t.styles[Verb] = style("#7c3aed", "#c4a7ff")
	t.styles[Object] = lipgloss.NewStyle()
	t.styles[Good] = style("#15803d", "#7bd88f")
	t.styles[Bad] = style("#b91c1c", "#ff7b7b")
	t.styles[Warn] = style("#b45309", "#ffc66d")
	t.styles[Key] = style("#1d4ed8", "#8ab4ff").Bold(true)
	t.styles[Selected] = lipgloss.NewStyle().Reverse(true)
	t.styles[Chain] = style("#b45309", "#ffc66d")
	t.styles[Border] = style("#9ca3af", "#4b5563")
	t.styles[Focus] = style("#1d4ed8", "#8ab4ff")
	return t
}

// NoColor returns a theme without colours: weight, underline and reverse only.
func NoColor() Theme {
	t := Theme{made: true}
	for i := range t.styles {
		t.styles[i] = lipgloss.NewStyle()
	}
	t.styles[Strong] = lipgloss.NewStyle().Bold(true)
	t.styles[Heading] = lipgloss.NewStyle().Bold(true).Underline(true)
	t.styles[Actor] = lipgloss.NewStyle().Bold(true)
	t.styles[Bad] = lipgloss.NewStyle().Bold(true)
	t.styles[Warn] = lipgloss.NewStyle().Bold(true)
	t.styles[Key] = lipgloss.NewStyle().Bold(true)
	t.styles[Selected] = lipgloss.NewStyle().Reverse(true)
	t.styles[Focus] = lipgloss.NewStyle().Bold(true)
	return t
}

// Paint returns s, which must be one line, in the role's style.
func (t Theme) Paint(r Role, s string) string {
	if s == "" || r == Plain || !t.made {
		return s
	}
	return t.styles[r].Render(s)
}
