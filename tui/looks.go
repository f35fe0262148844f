package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/theme"
)

// looks returns the theme to begin with: NO_COLOR gives way to a theme that was asked for by name.
func looks(o Options) theme.Name {
	switch {
	case o.Theme != "" && o.Theme != theme.Auto:
		return o.Theme
	case o.NoColor:
		return theme.None
	}
	return theme.Auto
}

// press carries out an action of the key bar that was clicked.
func (m *Model) press(a keymap.Action) tea.Cmd {
	if cmd, own := m.act(a); own || a == keymap.None {
		return cmd
	}
	return m.focused().Do(a)
}

// wear changes the theme.
func (m *Model) wear(a keymap.Action) {
	m.looks = map[keymap.Action]theme.Name{
		keymap.ThemeAuto: theme.Auto, keymap.ThemeDark: theme.Dark, keymap.ThemeLight: theme.Light,
		keymap.ThemeContrast: theme.HighContrast, keymap.ThemeNone: theme.None,
	}[a]
	m.dress()
}
