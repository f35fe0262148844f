package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
)

// told is what the debugger answered.
type told struct {
	verb  keymap.Action
	state *engine.DebugState
}

// tell sends the debugger a command.
func (m *Lab) tell(verb keymap.Action, c engine.Command) tea.Cmd {
	m.busy = verb
	d := m.o.Debugger
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		state, err := d.Do(ctx, c)
		if err != nil {
			return told{verb: verb}, err
		}
		return told{verb: verb, state: &state}, nil
	})
}

// selected returns the event that is selected, waiting or not; the zero Event for none.
func (m *Lab) selected() (e trace.Event) {
	if i := m.heldIndex(); m.looking == layout.LabHeld && i >= 0 {
		e = m.debug.Held[i].Event
	} else if id := m.tab().view.Selected().Held; id != 0 {
		for i := range m.debug.Held {
			if m.debug.Held[i].ID == id {
				e = m.debug.Held[i].Event
			}
		}
	} else if got, ok := m.o.Store.Get(m.tab().view.Selected().Seq); ok {
		e = got
	}
	return e
}

// followable returns the pattern of the Pod that what is selected is about, "" when it is about none.
func (m *Lab) followable() string {
	e := m.selected()
	if d, ok := e.Detail.(*trace.HopDetail); ok && d.Namespace != "" {
		return "pod/" + d.Namespace
	}
	if pod, ok := strings.CutPrefix(e.Actor, "pod "); ok {
		return "pod/" + pod
	}
	if e.Object.Kind == "Pod" && e.Object.Name != "" {
		return "pod/" + e.Object.Namespace + "/" + e.Object.Name
	}
	return ""
}

// followPod has the packets of the selected Pod reported, or no longer.
func (m *Lab) followPod() tea.Cmd {
	pod := m.followable()
	verb := engine.Follow
	if slices.Contains(m.debug.Following, pod) {
		verb = engine.Unfollow
	}
	return m.tell(keymap.FollowPod, engine.Command{Verb: verb, Pattern: pod})
}

// suggest returns a pattern that fits what is selected, for a breakpoint.
func (m *Lab) suggest() string {
	e := m.selected()
	switch e.Kind {
	case trace.NetHop, trace.DNSQuery:
		return fmt.Sprintf("%s %s", e.Kind, e.Verb)
	case trace.APIRequest:
		d, ok := e.Detail.(*trace.RequestDetail)
		if !ok || d.Resource == "" || e.Background {
			return ""
		}
		what := d.Resource
		if e.Subresource != "" {
			what += "/" + e.Subresource
		}
		return fmt.Sprintf("%s %s %s", e.Actor, e.Verb, what)
	case trace.CRICall, trace.SchedPhase:
		return fmt.Sprintf("%s %s %s", e.Actor, e.Kind, e.Verb)
	case trace.WatchDeliver:
		return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Actor, e.Kind, e.Verb, e.Object.Kind))
	}
	return ""
}

// travel moves through time along the events that the lists show.
func (m *Lab) travel(a keymap.Action) {
	if a == keymap.Now {
		m.at = 0
		return
	}
	steps := 1
	if a == keymap.MuchEarlier || a == keymap.MuchLater {
		steps = 20
	}
	first, last := m.o.Store.Len()
	at, by := m.at, uint64(1)
	earlier := a == keymap.Earlier || a == keymap.MuchEarlier
	if at == 0 {
		at = last + 1
	}
	if earlier {
		by = ^uint64(0) // one less
	}
	for seq := at + by; seq >= first && seq <= last && seq != 0; seq += by {
		e, ok := m.o.Store.Get(seq)
		if !ok || !m.stopsAt(&e) {
			continue
		}
		m.at = seq
		if steps--; steps == 0 {
			return
		}
	}
	if !earlier {
		m.at = 0
	}
}

// stopsAt reports whether moving through time stops at an event: at those that the lists show, and at those that the view
// in front is about.
func (m *Lab) stopsAt(e *trace.Event) bool {
	switch m.tab().action {
	case keymap.ViewPackets:
		if e.Kind == trace.NetHop {
			return true
		}
	case keymap.ViewDNS:
		if e.Kind == trace.DNSQuery && e.Verb == "ask" {
			return true
		}
	case keymap.ViewRollout:
		if e.Kind == trace.ProgramRequests {
			return true
		}
	}
	return !e.Background && describe.Needs(e) <= m.level
}
