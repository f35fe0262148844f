package input

import (
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/tui/theme"
)

func press(l *Line, keys ...tea.Key) {
	for _, k := range keys {
		l.Key(tea.KeyPressMsg(k))
	}
}

func TestEditing(t *testing.T) {
	var l Line
	l.Insert("get pods -A\x1b\n")
	press(&l, tea.Key{Code: 'w', Mod: tea.ModCtrl})
	if l.Value() != "get pods " {
		t.Errorf("after ctrl+w: %q", l.Value())
	}
	press(&l, tea.Key{Code: 'a', Mod: tea.ModCtrl}, tea.Key{Code: tea.KeyRight}, tea.Key{Code: tea.KeyDelete}, tea.Key{Code: 'E', Text: "E"})
	if l.Value() != "gEt pods " || l.Before() != "gE" {
		t.Errorf("after editing in the middle: %q before %q", l.Value(), l.Before())
	}
	press(&l, tea.Key{Code: 'k', Mod: tea.ModCtrl}, tea.Key{Code: 'u', Mod: tea.ModCtrl}, tea.Key{Code: tea.KeyBackspace})
	if l.Value() != "" {
		t.Errorf("after emptying: %q", l.Value())
	}
}

func TestHistory(t *testing.T) {
	var l Line
	for _, s := range []string{"one", "two", "two"} {
		l.Set(s)
		l.Done()
	}
	l.Set("draft")
	up, down := tea.Key{Code: tea.KeyUp}, tea.Key{Code: tea.KeyDown}
	var got []string
	for _, k := range []tea.Key{up, up, up, down, down, down} {
		press(&l, k)
		got = append(got, l.Value())
	}
	want := []string{"two", "one", "one", "two", "draft", "draft"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("history went %q, want %q", got, want)
			break
		}
	}
}

func TestViewKeepsTheCursorInSight(t *testing.T) {
	var l Line
	l.Set("create deployment 部署 with a long name")
	for range 45 {
		for w := 4; w < 50; w++ {
			if got := ansi.StringWidth(l.View(theme.Theme{}, w)); got != w {
				t.Fatalf("%d cells wide, want %d", got, w)
			}
		}
		press(&l, tea.Key{Code: tea.KeyLeft})
	}
}

// TestRecallByBeginning goes through the lines that begin with what has been typed, and back to that.
func TestRecallByBeginning(t *testing.T) {
	var l Line
	l.Recall([]string{"get nodes", "delete pod web", "get pods", "version"})
	l.Set("get")
	for i, want := range []string{"get pods", "get nodes", "get nodes"} {
		l.recall(1)
		if l.Value() != want {
			t.Errorf("%d back: %q, want %q", i+1, l.Value(), want)
		}
	}
	l.recall(-1)
	l.recall(-1)
	if l.Value() != "get" {
		t.Errorf("forward again: %q", l.Value())
	}
	l.Set("")
	l.recall(1)
	if l.Value() != "version" {
		t.Errorf("from nothing: %q", l.Value())
	}
}

func TestSwap(t *testing.T) {
	var l Line
	l.Set("get 步pods -A")
	for range 3 {
		l.at--
	}
	l.Swap(5, "nodes")
	if l.Value() != "get nodes -A" || l.Before() != "get nodes" {
		t.Errorf("%q, the cursor behind %q", l.Value(), l.Before())
	}
	l.Swap(99, "x")
	if l.Value() != "x -A" {
		t.Errorf("more than there is: %q", l.Value())
	}
}
