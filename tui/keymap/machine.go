package keymap

import "github.com/kubestep/kubestep/tui/text"

// machine returns the bindings of what concerns the reader's own machine, and of the looks. What shows ":" has no key; it
// is chosen in the palette.
func machine() []Binding {
	return []Binding{
		{Shell, []string{"!"}, "!", text.KeyShell, text.HelpShell, text.GroupMachine, 9, false},
		{Edit, []string{"e"}, "e", text.KeyEdit, text.HelpEdit, text.GroupMachine, 8, false},
		{SaveRecording, []string{"R"}, "R", text.KeyRecord, text.HelpRecord, text.GroupMachine, 18, false},
		{SaveTrace, nil, ":", 0, text.HelpSaveTrace, text.GroupMachine, 0, false},
		{SaveSVG, nil, ":", 0, text.HelpSaveSVG, text.GroupMachine, 0, false},
		{SaveHTML, nil, ":", 0, text.HelpSaveHTML, text.GroupMachine, 0, false},
		{Cast, nil, ":", 0, text.HelpCast, text.GroupMachine, 0, false},

		{ThemeAuto, nil, ":", 0, text.HelpThemeAuto, text.GroupLooks, 0, false},
		{ThemeDark, nil, ":", 0, text.HelpThemeDark, text.GroupLooks, 0, false},
		{ThemeLight, nil, ":", 0, text.HelpThemeLight, text.GroupLooks, 0, false},
		{ThemeContrast, nil, ":", 0, text.HelpThemeContrast, text.GroupLooks, 0, false},
		{ThemeNone, nil, ":", 0, text.HelpThemeNone, text.GroupLooks, 0, false},
	}
}
