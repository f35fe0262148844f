package layout

// LabPane is a part of the lab screen that can have the focus.
type LabPane int

// The panes of the lab screen, in the order in which the tab key visits them.
const (
	LabView LabPane = iota
	LabSide         // the inspector, or kubectl's output
	LabHeld
	LabLesson // only while a lesson is played
	LabPanes  // how many there are
)

// Lab is where everything of the lab screen is.
type Lab struct {
	Header, Tabs, Banner, Status, Keys Rect // no Banner while the moment is now
	Pane                               [LabPanes]Rect
	// Tabbed is set when one pane is in front of the others.
	Tabbed bool
}

// LabOptions is what the places depend on besides the size.
type LabOptions struct {
	// Focus is the pane with the focus; in a narrow terminal it is in front.
	Focus LabPane
	// Alone is set when the pane with the focus shall have all the room.
	Alone bool
	// Banner is set in the past.
	Banner bool
	// NoQueue leaves the held queue out.
	NoQueue bool
	// HeldLines is how many lines the held queue would like to have.
	HeldLines int
	// Lesson is set while a lesson is played: its pane stands beside the others.
	Lesson bool
}

// ArrangeLab places the panes of the lab screen on a terminal of w by h cells.
func ArrangeLab(w, h int, o LabOptions) Lab {
	s := Lab{Header: Rect{0, 0, w, 1}, Tabs: Rect{0, 1, w, 1}, Status: Rect{0, h - 2, w, 1}, Keys: Rect{0, h - 1, w, 1}}
	body := Rect{0, 2, w, h - 4}
	if o.Banner {
		s.Banner = Rect{0, 2, w, 1}
		body.Y, body.H = body.Y+1, body.H-1
	}
	switch {
	case o.Alone:
		s.Tabbed = true
		s.Pane[o.Focus] = body
	case w >= TwoColumns && o.Lesson:
		beside(&s, body, o)
	case w >= threeColumns:
		left := w * 58 / 100
		s.Pane[LabView] = Rect{0, body.Y, left, body.H}
		s.Pane[LabHeld], s.Pane[LabSide] = above(Rect{left, body.Y, w - left, body.H}, o)
	case w >= TwoColumns:
		top := body.H * 56 / 100
		s.Pane[LabView] = Rect{0, body.Y, w, top}
		bottom := Rect{0, body.Y + top, w, body.H - top}
		if o.NoQueue {
			s.Pane[LabSide] = bottom
			break
		}
		left := w * 40 / 100
		s.Pane[LabHeld] = Rect{0, bottom.Y, left, bottom.H}
		s.Pane[LabSide] = Rect{left, bottom.Y, w - left, bottom.H}
	default:
		s.Tabbed = true
		s.Pane[o.Focus] = body
	}
	return s
}

// above puts the queue over the side pane; it gets what it wants up to a third.
func above(r Rect, o LabOptions) (held, side Rect) {
	if o.NoQueue {
		return Rect{}, r
	}
	top := min(max(o.HeldLines+2, leastHeld), max(r.H/3, leastHeld))
	return Rect{r.X, r.Y, r.W, top}, Rect{r.X, r.Y + top, r.W, r.H - top}
}

// beside puts the lesson to the left of the others. Below the width of three columns these stand over each other, and the
// queue takes no more than what waits in it.
func beside(s *Lab, body Rect, o LabOptions) {
	if body.W >= threeColumns {
		left, right := body.W*29/100, body.W*31/100
		s.Pane[LabLesson] = Rect{0, body.Y, left, body.H}
		s.Pane[LabView] = Rect{left, body.Y, body.W - left - right, body.H}
		s.Pane[LabHeld], s.Pane[LabSide] = above(Rect{body.W - right, body.Y, right, body.H}, o)
		return
	}
	left := body.W * 36 / 100
	s.Pane[LabLesson] = Rect{0, body.Y, left, body.H}
	r := Rect{left, body.Y, body.W - left, body.H}
	top, queue := r.H*48/100, min(max(o.HeldLines+2, 3), r.H/4)
	s.Pane[LabView] = Rect{r.X, r.Y, r.W, top}
	s.Pane[LabHeld] = Rect{r.X, r.Y + top, r.W, queue}
	s.Pane[LabSide] = Rect{r.X, r.Y + top + queue, r.W, r.H - top - queue}
}
