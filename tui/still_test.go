package tui_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/export"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/theme"
)

func TestDraw(t *testing.T) {
	for _, view := range tui.Views() {
		for _, lang := range languages {
			o := tui.Options{Recording: scene.Recording(), Lang: lang}
			s, err := tui.Draw(t.Context(), o, tui.Still{View: view, Width: 100, Height: 30})
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Lines) != 30 {
				t.Errorf("%s: %d lines", view, len(s.Lines))
			}
			for _, line := range s.Lines {
				if ansi.StringWidth(line) != 100 {
					t.Errorf("%s %s: %d cells wide: %s", view, lang, ansi.StringWidth(line), ansi.Strip(line))
				}
			}
			if tab := ansi.Strip(s.Lines[1]); lang == "en" && !strings.Contains(strings.ToLower(tab), view+"]") {
				t.Errorf("%s is not in front: %s", view, tab)
			}
		}
	}
	if want := []string{"map", "trace", "scheduler", "etcd", "objects", "rollout", "packets", "dns"}; !slices.Equal(tui.Views(), want) {
		t.Errorf("the views are %v, want %v", tui.Views(), want)
	}
}

func TestDrawAMoment(t *testing.T) {
	o := tui.Options{Recording: scene.Recording(), Header: trace.Header{Kubernetes: "v1.36.3"}}
	s, err := tui.Draw(t.Context(), o, tui.Still{View: "trace", Width: 120, Height: 40, At: 20})
	if err != nil || !strings.Contains(ansi.Strip(strings.Join(s.Lines, "\n")), "THEN #20 ") {
		t.Errorf("%v\n%s", err, ansi.Strip(strings.Join(s.Lines, "\n")))
	}
}

func TestDrawRefuses(t *testing.T) {
	o := tui.Options{Recording: scene.Recording()}
	for says, s := range map[string]tui.Still{
		`no view "maps"`: {View: "maps", Width: 80, Height: 24},
		"at least 60x20": {View: "map", Width: 10, Height: 5},
		"no event 99999": {View: "map", Width: 80, Height: 24, At: 99999},
		"at most":        {View: "map", Width: 99999, Height: 99999},
	} {
		if _, err := tui.Draw(t.Context(), o, s); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", s, err, says)
		}
	}
}

// TestGoldenPicture holds a whole picture in each theme: colours, weights and places.
func TestGoldenPicture(t *testing.T) {
	for _, look := range []theme.Name{theme.Dark, theme.Light, theme.HighContrast, theme.None} {
		o := tui.Options{Recording: scene.Recording(), Theme: look}
		s, err := tui.Draw(t.Context(), o, tui.Still{View: "map", Width: 80, Height: 24})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := export.SVG(&out, s); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "golden", "map-"+string(look)+".svg")
		if *update {
			if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("the picture differs from %s; look at it and run `go test ./tui -update` if it is right", file)
		}
	}
}

// TestThemesFromThePalette changes the looks while the screen is open; NO_COLOR decides only as long as nobody else does.
func TestThemesFromThePalette(t *testing.T) {
	for name, edit := range map[string]func(*tui.Options){
		"coloured": replay, "NO_COLOR": func(o *tui.Options) { replay(o); o.NoColor = true },
		"NO_COLOR and a theme": func(o *tui.Options) { replay(o); o.NoColor, o.Theme = true, theme.Dark },
	} {
		t.Run(name, func(t *testing.T) {
			drive(t, 80, 24, edit, func(d *driver) {
				coloured := func() bool { return strings.Contains(d.model.View().Content, "38;2;") }
				if coloured() != (name != "NO_COLOR") {
					t.Errorf("colours at the beginning: %t", coloured())
				}
				plain := d.screen()
				for words, want := range map[string]bool{"theme: no colour": false, "theme: high contrast": true, "theme: light": true} {
					d.press(":")
					d.write(words)
					d.press("enter")
					if coloured() != want {
						t.Errorf("%s: colours %t", words, coloured())
					}
					if d.screen() != plain {
						t.Errorf("%s changes more than colours:\n%s", words, d.screen())
					}
				}
			})
		})
	}
}
