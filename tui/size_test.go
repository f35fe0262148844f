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
		{"welcome", newcomer, func(d *driver) { d.lab.PhaseDone(45e6); d.lab.PhaseDone(1200e6); d.idle() }},
		{"home-new", newcomer, func(d *driver) { d.press("esc"); d.start() }},
		{"home", learner, func(d *driver) { d.start(); d.press("down", "down", "down") }},
		{"home-search", learner, func(d *driver) { d.start(); d.press("/"); d.write("network") }},
		{"home-broken", learner, func(d *driver) { d.start(); d.press("/"); d.write("torn") }},
		{"home-failed", learner, func(d *driver) {
			d.lab.PhaseDone(45e6)
			d.lab.Fail("start etcd: write member/wal: no space left on device")
			d.idle()
		}},
		{"help", replay, func(d *driver) { d.press("?") }},
		{"home-help", learner, func(d *driver) { d.press("?") }},
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

// TestHomeNeverOverflows resizes the home screen through many sizes, in its states, in both languages and themes.
func TestHomeNeverOverflows(t *testing.T) {
	keys := [][]string{nil, {"tab"}, {"tab", "end"}, {"home", "/"}, {"esc", "?"}, {"esc", ":"}, {"esc", "w"}, {"esc", "L"}}
	for _, noColor := range []bool{false, true} {
		for _, who := range []string{"newcomer", "learner"} {
			t.Run(fmt.Sprintf("%s, no colour %t", who, noColor), func(t *testing.T) {
				edit := func(o *tui.Options) {
					if o.NoColor = noColor; who == "learner" {
						learner(o)
					} else {
						newcomer(o)
					}
				}
				drive(t, 80, 24, edit, func(d *driver) {
					manySizes(d, 0)
					d.start()
					for lang := range languages {
						for i, k := range keys {
							d.press(k...)
							manySizes(d, 1+lang*len(keys)+i)
						}
					}
					d.lab.Fail("etcd: no space left on device, and a long explanation of what that means for the lab and for whoever is in it")
					d.idle()
					manySizes(d, 20)
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
