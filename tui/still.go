package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/export"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/screen/lab"
	"github.com/kubestep/kubestep/tui/text"
)

// Still says which picture of a recording to draw.
type Still struct {
	// View is one of [Views].
	View string
	// Width and Height are the screen's, in cells.
	Width, Height int
	// At is the number of the event right after which it is, 0 for the end.
	At uint64
}

// mostCells bounds a picture.
const mostCells = 1_000_000

// views are the actions that show a view.
var views = [...]keymap.Action{keymap.ViewMap, keymap.ViewTrace, keymap.ViewScheduler, keymap.ViewEtcd, keymap.ViewObjects,
	keymap.ViewRollout, keymap.ViewPackets, keymap.ViewDNS}

// Views returns the names that a picture can have, in English and lower case.
func Views() []string {
	var names []string
	for _, b := range keymap.Lab() {
		if slices.Contains(views[:], b.Action) {
			names = append(names, strings.ToLower(text.Printer{}.T(b.Help)))
		}
	}
	return names
}

// Draw draws o's recording without a terminal. It returns when it is done and starts nothing.
func Draw(ctx context.Context, o Options, s Still) (export.Screen, error) {
	i := slices.Index(Views(), s.View)
	if i < 0 {
		return export.Screen{}, fmt.Errorf("there is no view %q; there are %s", s.View, strings.Join(Views(), ", "))
	}
	if s.Width < layout.MinWidth || s.Height < layout.MinHeight || s.Width*s.Height > mostCells {
		return export.Screen{}, fmt.Errorf("a picture has at least %dx%d cells and at most %d in all, not %dx%d",
			layout.MinWidth, layout.MinHeight, mostCells, s.Width, s.Height)
	}
	o.Lab, o.ReducedMotion = nil, true
	m := New(ctx, o)
	m.front = lab.Address
	m.Update(tea.WindowSizeMsg{Width: s.Width, Height: s.Height})
	m.Update(feed.Events{Batch: o.Recording.Since(0)})
	screen, ok := m.focused().(*lab.Lab)
	if !ok {
		return export.Screen{}, fmt.Errorf("the lab screen is a %T", m.focused())
	}
	screen.Do(views[i])
	if s.At != 0 {
		if err := screen.GoTo(s.At); err != nil {
			return export.Screen{}, err
		}
	}
	return export.Screen{Title: "kubestep: " + s.View, Lines: m.lines(), Light: m.theme.Light()}, m.broken
}
