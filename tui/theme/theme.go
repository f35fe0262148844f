// Package theme says how things look. A [Theme] is a value that is made once and handed down; what a thing means never
// rests on colour alone.
//
// Every package of tui may import it; it imports nothing of ours.
package theme

import (
	"strings"

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
	pens  [roles]pen
	light bool
}

// pen is what a style writes before and after a text. Views paint thousands of pieces a second, so that is worked out
// once and not for each of them.
type pen struct{ open, shut string }

// New returns a theme for a terminal with a dark or a light background.
func New(dark bool) Theme {
	pick := lipgloss.LightDark(dark)
	style := func(light, dark string) lipgloss.Style {
		return lipgloss.NewStyle().Foreground(pick(lipgloss.Color(light), lipgloss.Color(dark)))
	}
	return made(!dark, map[Role]lipgloss.Style{
		Dim:      style("#6b7280", "#8b93a1"),
		Strong:   lipgloss.NewStyle().Bold(true),
		Heading:  style("#1d4ed8", "#8ab4ff").Bold(true),
		Actor:    style("#0f766e", "#5fd7c7"),
		Verb:     style("#7c3aed", "#c4a7ff"),
		Good:     style("#15803d", "#7bd88f"),
		Bad:      style("#b91c1c", "#ff7b7b"),
		Warn:     style("#b45309", "#ffc66d"),
		Key:      style("#1d4ed8", "#8ab4ff").Bold(true),
		Selected: lipgloss.NewStyle().Reverse(true),
		Chain:    style("#b45309", "#ffc66d"),
		Border:   style("#9ca3af", "#4b5563"),
		Focus:    style("#1d4ed8", "#8ab4ff"),
	})
}

// Contrast returns a theme whose colours all have a contrast of at least 7 to 1 against the background, which is what
// WCAG 2.2 asks for at its level AAA (success criterion 1.4.6). Nothing is dimmed but frames, which carry no words.
func Contrast(dark bool) Theme {
	pick := lipgloss.LightDark(dark)
	style := func(light, dark string) lipgloss.Style {
		return lipgloss.NewStyle().Foreground(pick(lipgloss.Color(light), lipgloss.Color(dark)))
	}
	plain := style("#000000", "#ffffff")
	return made(!dark, map[Role]lipgloss.Style{
		Plain:    plain,
		Dim:      plain,
		Strong:   plain.Bold(true),
		Heading:  style("#00008b", "#7fdbff").Bold(true).Underline(true),
		Actor:    style("#004d40", "#5cffe4").Bold(true),
		Verb:     style("#4a0072", "#f0b3ff"),
		Object:   plain,
		Good:     style("#004d00", "#7dff7d").Bold(true),
		Bad:      style("#8b0000", "#ffa8a8").Bold(true),
		Warn:     style("#5c3a00", "#ffe14d").Bold(true),
		Key:      style("#00008b", "#7fdbff").Bold(true).Underline(true),
		Selected: plain.Bold(true).Reverse(true),
		Chain:    style("#5c3a00", "#ffe14d").Bold(true),
		Border:   plain,
		Focus:    style("#00008b", "#ffe14d").Bold(true),
	})
}

// NoColor returns a theme without colours: weight, underline and reverse only.
func NoColor() Theme {
	bold := lipgloss.NewStyle().Bold(true)
	return made(false, map[Role]lipgloss.Style{
		Strong: bold, Actor: bold, Bad: bold, Warn: bold, Key: bold, Focus: bold,
		Heading:  bold.Underline(true),
		Selected: lipgloss.NewStyle().Reverse(true),
	})
}

func made(light bool, styles map[Role]lipgloss.Style) Theme {
	t := Theme{light: light}
	for role, style := range styles {
		open, shut, _ := strings.Cut(style.Render("x"), "x")
		t.pens[role] = pen{open, shut}
	}
	return t
}

// Light reports whether the theme is for a light background.
func (t Theme) Light() bool { return t.light }

// Paint returns s, which must be one line without styles, in the role's style.
func (t Theme) Paint(r Role, s string) string {
	p := &t.pens[r]
	if s == "" || p.open == "" {
		return s
	}
	return p.open + s + p.shut
}
