package tui_test

import (
	"fmt"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui"
)

var languages = []string{"en", "zh"}

// sizes are the terminals of the golden views.
var sizes = [][2]int{{80, 24}, {120, 40}, {200, 60}}

func TestGoldenViews(t *testing.T) {
	scenes := []struct {
		name string
		edit func(*tui.Options)
		play func(d *driver)
	}{
		{"start", nil, func(d *driver) { d.lab.PhaseDone(45e6); d.lab.PhaseDone(1200e6); d.idle() }},
		{"ready", nil, func(d *driver) { d.start() }},
		{"binding-held", nil, func(d *driver) { d.start(); d.stepTo("binding") }},
		{"two-held", nil, func(d *driver) { d.start(); d.stepTo("2 waiting"); d.press("down") }},
		{"replay", replay, func(d *driver) { d.press("v") }},
		{"replay-score", replay, func(d *driver) { d.press("v", "/"); d.write("score"); d.press("enter", "enter") }},
		{"replay-events", replay, func(d *driver) { d.press("v", "i", "end") }},
		{"help", replay, func(d *driver) { d.press("v", "?") }},
	}
	for _, s := range scenes {
		for _, size := range sizes {
			for _, lang := range languages {
				name := fmt.Sprintf("%s-%dx%d-%s", s.name, size[0], size[1], lang)
				t.Run(name, func(t *testing.T) {
					edit := func(o *tui.Options) {
						if s.edit != nil {
							s.edit(o)
						}
						o.Lang = lang
					}
					drive(t, size[0], size[1], edit, func(d *driver) {
						s.play(d)
						d.fits(size[0], size[1])
						d.golden(name)
					})
				})
			}
		}
	}
}

// TestNothingOverflows resizes one program through many sizes, on every pane and page, in both languages and themes.
func TestNothingOverflows(t *testing.T) {
	keys := [][]string{nil, {"tab"}, {"tab"}, {"s"}, {"y"}, {"d"}, {"tab"}, {"?"}, {"esc", "L"}}
	for _, noColor := range []bool{false, true} {
		for _, mode := range []string{"live", "replay"} {
			t.Run(fmt.Sprintf("%s, no colour %t", mode, noColor), func(t *testing.T) {
				edit := func(o *tui.Options) {
					if mode == "replay" {
						replay(o)
					}
					o.NoColor = noColor
				}
				drive(t, 80, 24, edit, func(d *driver) {
					if mode == "live" {
						manySizes(d, 0)
						d.start()
						manySizes(d, 1)
						d.stepTo("binding")
					}
					for lang := range languages {
						for i, k := range keys {
							d.press(k...)
							manySizes(d, 2+lang*len(keys)+i)
						}
					}
				})
			})
		}
	}
}

// manySizes tries a share of the sizes from 60x20 to 300x100, another one with each round, and where the layout changes.
func manySizes(d *driver, round int) {
	d.t.Helper()
	try := func(w, h int) {
		d.send(tea.WindowSizeMsg{Width: w, Height: h})
		d.fits(w, h)
	}
	for _, w := range []int{60, 80, 99, 100, 159, 160} {
		try(w, 20+round%5)
	}
	for w := 61 + round%29; w <= 200; w += 29 {
		for h := 20 + (w+round)%17; h <= 60; h += 17 {
			try(w, h)
		}
	}
	if round%5 == 0 {
		try(300, 100)
	}
	try(80, 24)
}

func TestTooSmallIsSaid(t *testing.T) {
	for _, lang := range languages {
		drive(t, 80, 24, func(o *tui.Options) { o.Lang = lang }, func(d *driver) {
			for w := 1; w < 60; w += 7 {
				for h := 1; h < 24; h += 4 {
					d.send(tea.WindowSizeMsg{Width: w, Height: h})
					d.fits(w, h)
				}
			}
			d.send(tea.WindowSizeMsg{Width: 59, Height: 20})
			d.sees("59", "60")
			d.press("?", "n") // must not bring anything down while nothing can be seen
			d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
			d.fits(80, 24)
			d.sees("kubestep")
		})
	}
}
