package layout

// HomePane is a part of the home screen.
type HomePane int

// The panes of the home screen, in the order in which the tab key visits them.
const (
	HomeList HomePane = iota
	HomeAbout
	HomeLab   // how the lab is; only where there is room
	HomePanes // how many there are
)

// Home is where everything of the home screen is.
type Home struct {
	Header, Status, Keys Rect
	Pane                 [HomePanes]Rect
}

// HomeOptions is what the places depend on besides the size.
type HomeOptions struct {
	// ListLines, AboutLines and LabLines are how many lines these would like to have.
	ListLines, AboutLines, LabLines int
}

// leastAbout is the frame and four lines of what is said about the selected entry.
const leastAbout = 6

// ArrangeHome places the panes of the home screen on a terminal of w by h cells.
func ArrangeHome(w, h int, o HomeOptions) Home {
	s := Home{Header: Rect{0, 0, w, 1}, Status: Rect{0, h - 2, w, 1}, Keys: Rect{0, h - 1, w, 1}}
	body := Rect{0, 1, w, h - 3}
	lab := o.LabLines + 2
	switch {
	case w >= threeColumns:
		left, middle := w*42/100, w*34/100
		s.Pane[HomeList] = Rect{0, body.Y, left, body.H}
		s.Pane[HomeAbout] = Rect{left, body.Y, middle, body.H}
		s.Pane[HomeLab] = Rect{left + middle, body.Y, w - left - middle, body.H}
	case w >= TwoColumns:
		left := w * 54 / 100
		s.Pane[HomeList] = Rect{0, body.Y, left, body.H}
		lab = min(lab, body.H/3)
		s.Pane[HomeAbout] = Rect{left, body.Y, w - left, body.H - lab}
		s.Pane[HomeLab] = Rect{left, body.Y + body.H - lab, w - left, lab}
	default:
		// The list gets what it wants, as long as something can be read below it.
		about := max(body.H-max(o.ListLines+2, body.H/2), min(o.AboutLines+2, body.H*2/5), leastAbout)
		s.Pane[HomeList] = Rect{0, body.Y, w, body.H - about}
		s.Pane[HomeAbout] = Rect{0, body.Y + body.H - about, w, about}
	}
	return s
}
