package theme

import (
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// luminance is the relative luminance of a colour as WCAG 2.2 defines it.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func ratio(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// foreground returns the colour that a style sequence sets.
func foreground(t *testing.T, open string) color.Color {
	t.Helper()
	at := strings.Index(open, "38;2;")
	if at < 0 {
		t.Fatalf("no colour in %q", open)
	}
	var rgb [3]uint8
	for i, part := range strings.SplitN(strings.FieldsFunc(open[at+5:], func(r rune) bool { return r == 'm' })[0], ";", 4)[:3] {
		for _, d := range part {
			rgb[i] = rgb[i]*10 + uint8(d-'0')
		}
	}
	return color.RGBA{rgb[0], rgb[1], rgb[2], 0xff}
}

func TestContrast(t *testing.T) {
	for dark, background := range map[bool]color.Color{true: color.Black, false: color.White} {
		theme := Contrast(dark)
		for r := range roles {
			if got := ratio(foreground(t, theme.pens[r].open), background); got < 7 {
				t.Errorf("dark %t: role %d has a contrast of %.1f, want at least 7", dark, r, got)
			}
		}
	}
}

// TestReadable holds the other themes to what WCAG asks for at its level AA, against the backgrounds that terminals have.
func TestReadable(t *testing.T) {
	for dark, background := range map[bool]color.Color{true: color.RGBA{0x1e, 0x1e, 0x1e, 0xff}, false: color.White} {
		theme := New(dark)
		for _, r := range []Role{Dim, Heading, Actor, Verb, Good, Bad, Warn, Key, Chain} {
			if got := ratio(foreground(t, theme.pens[r].open), background); got < 4.5 {
				t.Errorf("dark %t: role %d has a contrast of %.1f, want at least 4.5", dark, r, got)
			}
		}
	}
}

func TestNoColor(t *testing.T) {
	theme := Named(None, true)
	for r := range roles {
		if s := theme.Paint(r, "x"); strings.Contains(s, "38;") || strings.Contains(s, "48;") || ansi.Strip(s) != "x" {
			t.Errorf("role %d paints %q", r, s)
		}
	}
}

func TestNames(t *testing.T) {
	for _, n := range Names() {
		if got, err := ParseName(string(n)); err != nil || got != n {
			t.Errorf("%s: %s, %v", n, got, err)
		}
	}
	if got, err := ParseName(""); err != nil || got != Auto {
		t.Errorf("no name: %s, %v", got, err)
	}
	if _, err := ParseName("solarized"); err == nil || !strings.Contains(err.Error(), "high-contrast") {
		t.Errorf("an unknown name: %v", err)
	}
	if Named(Dark, false) != New(true) || Named(Light, true) != New(false) || Named(Auto, false) != New(false) {
		t.Error("dark and light must not ask for the background, auto must")
	}
}
