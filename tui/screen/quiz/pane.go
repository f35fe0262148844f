package quiz

import (
	"fmt"

	"github.com/kubestep/kubestep/tui/component/frame"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/theme"
)

// hit is what a click is on.
type hit struct {
	kind hitKind
	i    int
}

type hitKind int

const (
	nothing hitKind = iota
	anOption
	aLeft
	aRight
	aResult
	aTopic
	theFoot
)

// part is some lines that a click takes for the same thing; the one under the cursor is kept in sight.
type part struct {
	lines  []richtext.Line
	hit    hit
	cursor bool
}

// pane is a frame with text that scrolls. Its last rows, the foot, stay.
type pane struct {
	place layout.Rect
	rows  []string
	hits  []hit
	foot  []string
	at    int
	// cursor is the row that was brought in sight last; it is again only when it moves.
	cursor int
}

func (p *pane) fill(t theme.Theme, place layout.Rect, parts []part, foot []richtext.Line) {
	p.place, p.rows, p.hits = place, nil, nil
	w, _ := frame.Inner(place)
	if w <= 0 {
		return
	}
	if p.foot = nil; len(foot) > 0 {
		p.foot = richtext.Render(t, append([]richtext.Line{{}}, foot...), w)
	}
	cursor := -1
	for _, part := range parts {
		rows := richtext.Render(t, part.lines, w)
		if part.cursor {
			cursor = len(p.rows) + len(rows) - 1
		}
		for range rows {
			p.hits = append(p.hits, part.hit)
		}
		p.rows = append(p.rows, layout.FitLines(rows, w, len(rows))...)
	}
	if cursor >= 0 && cursor != p.cursor {
		p.at = layout.Scroll(p.at, cursor, len(p.rows), p.room())
	}
	p.cursor = cursor
	p.move(0)
}

func (p *pane) room() int {
	_, h := frame.Inner(p.place)
	return max(h-len(p.foot), 1)
}

func (p *pane) move(n int) { p.at = max(min(p.at+n, len(p.rows)-p.room()), 0) }

func (p *pane) note() string {
	if len(p.rows) <= p.room() {
		return ""
	}
	return fmt.Sprintf("%d-%d/%d", p.at+1, min(p.at+p.room(), len(p.rows)), len(p.rows))
}

// hit returns what is at a cell of the screen.
func (p *pane) hit(x, y int) hit {
	w, _ := frame.Inner(p.place)
	cx, cy := x-p.place.X-2, y-p.place.Y-1
	if cx < 0 || cx >= w || cy < 0 {
		return hit{}
	}
	if cy >= p.room() {
		return hit{kind: theFoot}
	}
	if i := p.at + cy; i < len(p.hits) {
		return p.hits[i]
	}
	return hit{}
}

func (p *pane) view(t theme.Theme, f frame.Frame) []string {
	if p.place.Empty() {
		return nil
	}
	w, h := frame.Inner(p.place)
	rows := p.rows[min(p.at, len(p.rows)):]
	out := layout.Fill(rows[:min(len(rows), p.room())], w, p.room())
	if f.Note == "" {
		f.Note = p.note()
	}
	return f.View(t, p.place, layout.FitLines(append(out, p.foot...), w, h))
}
