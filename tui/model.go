package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"
)

// Model is the root of the interface, a [tea.Model].
type Model struct{}

// New returns the interface. It does nothing until a program runs it; ctx ends its commands.
func New(ctx context.Context, o Options) *Model { return &Model{} }

// Init implements [tea.Model].
func (m *Model) Init() tea.Cmd { return nil }

// Update implements [tea.Model].
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if k, ok := msg.(tea.KeyPressMsg); ok && (k.String() == "ctrl+c" || k.String() == "q") {
		return m, tea.Quit
	}
	return m, nil
}

// View implements [tea.Model].
func (m *Model) View() tea.View { return tea.NewView("") }
