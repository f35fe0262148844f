package tui_test

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui"
)

// frames collects how often the screen changes while kubectl's request and what follows go through.
func frames(d *driver) (moved int, messages int) {
	d.t.Helper()
	d.lab.Bootstrap()
	d.idle()
	d.press("$")
	d.write("create deployment web")
	d.send(keyPress("enter"))
	last := ""
	for range 60 {
		time.Sleep(10 * time.Millisecond)
		d.deliver()
		if edge := edges(d.screen()); edge != last {
			moved, last = moved+1, edge
		}
	}
	messages = d.seen
	d.idle()
	return moved, messages
}

// edges returns the map's edges with the messages on them.
func edges(screen string) string {
	var out []string
	for line := range strings.SplitSeq(screen, "\n") {
		if from, to := strings.Index(line, "  ●"), strings.Index(line, "┃"); from < 0 && to > 0 && strings.Contains(line[:to], "●") {
			out = append(out, line[:to])
		}
	}
	return strings.Join(out, "\n")
}

// TestMotion sees messages travel while something happens, and nothing tick after that.
func TestMotion(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		moved, _ := frames(d)
		if moved < 4 {
			t.Errorf("%d pictures with a message on its way, want some", moved)
		}
		d.idle()
		if edges(d.screen()) != "" {
			t.Errorf("a message never arrives:\n%s", d.screen())
		}
		d.seen = 0
		time.Sleep(time.Hour)
		d.deliver()
		if d.seen != 0 {
			t.Errorf("%d messages in an hour in which nothing happened", d.seen)
		}
	})
}

func TestReducedMotion(t *testing.T) {
	drive(t, 120, 40, func(o *tui.Options) { o.ReducedMotion = true }, func(d *driver) {
		d.start()
		if moved, _ := frames(d); moved != 0 {
			t.Errorf("%d pictures with a message on its way", moved)
		}
		d.sees("━━━━━▶") // says the same at rest
	})
}

// TestNoMotionBehind lets nothing tick for a map that is not in sight.
func TestNoMotionBehind(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.press("2")
		frames(d)
		d.press("1")
		if edges(d.screen()) != "" {
			t.Errorf("a message from before:\n%s", d.screen())
		}
	})
}

func TestMouseOnTime(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("left")
		y, x := 2, 0
		line := []rune(d.line(y))
		for i, r := range line {
			if r == '━' {
				x = i
				break
			}
		}
		mouse := func(x int) tea.Mouse { return tea.Mouse{X: x, Y: y, Button: tea.MouseLeft} }
		d.send(tea.MouseClickMsg(mouse(x)))
		d.sees("THEN #4 ")
		d.send(tea.MouseMotionMsg(mouse(x + 20)))
		d.misses("THEN #4 ")
		d.sees("THEN #")
		d.send(tea.MouseMotionMsg(mouse(300)))
		d.misses("THEN #")
		d.send(tea.MouseMotionMsg(mouse(x - 5)))
		d.sees("THEN #4 ")
		d.send(tea.MouseReleaseMsg(mouse(x)))
		d.send(tea.MouseMotionMsg(mouse(300)))
		d.sees("THEN #4 ")
		before := d.line(y)
		d.send(tea.MouseWheelMsg{X: 5, Y: y, Button: tea.MouseWheelDown})
		if d.line(y) == before {
			t.Error("the wheel on the line of time does nothing")
		}
	})
}

func TestDoubleClickOpens(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("2")
		click := tea.MouseClickMsg{X: 30, Y: 6, Button: tea.MouseLeft}
		d.send(click)
		d.sees("▸Trace")
		time.Sleep(time.Second) // of the bubble's clock
		d.send(click)
		d.sees("▸Trace")
		d.send(click)
		d.sees("▸Inspector")
	})
}

// TestKeyBarByMouse presses what the key bar offers.
func TestKeyBarByMouse(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		press := func(words string) {
			t.Helper()
			i := strings.Index(d.line(-1), words)
			if i < 0 {
				t.Fatalf("no %q on %q", words, d.line(-1))
			}
			d.send(tea.MouseClickMsg{X: len([]rune(d.line(-1)[:i])), Y: 39, Button: tea.MouseLeft})
			d.idle()
		}
		press("← earlier")
		d.sees("THEN #")
		press("? help")
		d.sees("▸Keys")
		d.press("esc")
		press("q quit")
		if !d.quit {
			t.Error("the key bar's quit does not quit")
		}
	})
}

func TestCopy(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		for _, tt := range []struct{ keys, want string }{
			{"2", "deployment-controller  update  deployments/web/status"},
			{"enter", "deployment-controller  update  deployments/web/status"},
			{"y", "apiVersion: apps/v1"},
		} {
			d.press(tt.keys)
			d.clipboard = ""
			d.press("Y")
			if !strings.Contains(d.clipboard, tt.want) {
				t.Errorf("after %s: copied %q, want %q in it", tt.keys, d.clipboard, tt.want)
			}
		}
	})
}
