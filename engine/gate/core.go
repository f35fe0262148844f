package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// core decides. Arrivals, commands and the news that the lab has settled go in; who is held and who is released comes
// out. It knows no time but what it is told and is not safe for concurrent use.
//
// Its invariant: every event that arrive held is in held until exactly one of do (released) and cancel returns its ID.
type core struct {
	rules      *rules // replaced, never changed
	held       []held // in the order in which Step releases them
	lastID     uint64
	round      uint64 // grows whenever the lab has settled with something new held
	fresh      bool   // something arrived in this round
	stoppedAt  uint64 // the held event that the last run-to ran to, 0 when it is gone
	generation uint64
}

type held struct {
	trace.Held
	round  uint64
	inside []uint64 // the open events that wait for it
}

func newCore() *core {
	return &core{rules: &rules{mode: engine.Run, level: engine.Requests}, generation: 1}
}

// arrive takes in an event that is about to happen. It returns 0 when the event may happen, else the ID under which it
// is held. inside are the open events that wait for it then.
func (c *core) arrive(now time.Time, e *trace.Event, find finder, inside []uint64) (id uint64) {
	hold, arrived := c.rules.hold(e, find)
	if !hold {
		return 0
	}
	c.lastID++
	h := held{trace.Held{ID: c.lastID, Since: now, Event: *e}, c.round, inside}
	if arrived {
		c.change(func(r *rules) { r.mode, r.runTo = engine.Paused, nil })
		c.stoppedAt = h.ID
	}
	i, _ := slices.BinarySearchFunc(c.held, h, order)
	c.held = slices.Insert(c.held, i, h)
	c.fresh = true
	if arrived {
		c.settled() // what arrives from now on is behind it
	}
	c.generation++
	return h.ID
}

// order is that of releases: see the package's documentation.
func order(a, b held) int {
	x, y := &a.Event, &b.Event
	return cmp.Or(cmp.Compare(a.round, b.round), strings.Compare(x.Actor, y.Actor),
		strings.Compare(string(x.Kind), string(y.Kind)), strings.Compare(x.Verb, y.Verb),
		strings.Compare(x.Object.Kind, y.Object.Kind), strings.Compare(x.Object.Namespace, y.Object.Namespace),
		strings.Compare(x.Object.Name, y.Object.Name), strings.Compare(x.Subresource, y.Subresource),
		cmp.Compare(a.ID, b.ID))
}

// settled takes in that nothing is under way any more: whatever arrives later is younger than what is held now.
func (c *core) settled() {
	if c.fresh {
		c.round++
		c.fresh = false
	}
}

// cancel takes in that a held event will not happen, because whoever asked for it has given up. It returns false when it
// is not held (any more).
func (c *core) cancel(id uint64) bool {
	i := c.index(id)
	if i < 0 {
		return false
	}
	c.drop(i, i+1)
	c.generation++
	return true
}

// do carries out a command and returns the IDs of the events that may happen now, in the order of their release.
func (c *core) do(cmd engine.Command) (released []uint64, err error) {
	switch cmd.Verb {
	case engine.Pause:
		c.pause()
	case engine.Continue:
		c.change(func(r *rules) { r.mode, r.runTo = engine.Run, nil })
		released = c.drop(0, len(c.held))
	case engine.Step:
		c.pause()
		released = c.drop(0, min(1, len(c.held)))
	case engine.StepThis:
		i := c.index(cmd.Held)
		if i < 0 {
			return nil, fmt.Errorf("%w: no event %d is held; it may have been released or given up", engine.ErrUsage, cmd.Held)
		}
		c.pause()
		released = c.drop(i, i+1)
	case engine.RunTo:
		return c.runTo(cmd.Pattern)
	case engine.StepIn, engine.StepOut:
		return c.changeLevel(cmd.Verb)
	case engine.Break, engine.Unbreak:
		return nil, c.changeBreaks(cmd)
	case engine.Follow, engine.Unfollow:
		return nil, c.changeFollow(cmd)
	default:
		return nil, fmt.Errorf("%w: there is no debugger verb %q", engine.ErrUsage, cmd.Verb)
	}
	c.generation++
	return released, nil
}

// pause makes the level hold. What a breakpoint holds already stays ahead of what follows.
func (c *core) pause() {
	if c.rules.mode == engine.Run {
		c.settled()
	}
	c.change(func(r *rules) { r.mode, r.runTo = engine.Paused, nil })
}

func (c *core) runTo(text string) (released []uint64, err error) {
	p, err := Parse(text)
	if err == nil {
		err = p.holdable()
	}
	if err != nil {
		return nil, err
	}
	c.generation++
	at := slices.IndexFunc(c.held, func(h held) bool { return h.ID != c.stoppedAt && p.Match(&h.Event) })
	if at >= 0 {
		c.pause()
		released = c.drop(0, at)
		c.stoppedAt = c.held[0].ID
		return released, nil
	}
	c.change(func(r *rules) { r.mode, r.runTo = engine.Run, p })
	return c.drop(0, len(c.held)), nil
}

func (c *core) changeLevel(verb engine.Verb) (released []uint64, err error) {
	i := slices.Index(levels, c.rules.level)
	if verb == engine.StepIn {
		i++
	} else {
		i--
	}
	switch i {
	case len(levels):
		return nil, fmt.Errorf("%w: %q is the finest level", engine.ErrUsage, c.rules.level)
	case -1:
		return nil, fmt.Errorf("%w: %q is the coarsest level", engine.ErrUsage, c.rules.level)
	}
	c.generation++
	finer := *c.rules
	c.change(func(r *rules) { r.level = levels[i] })
	if verb == engine.StepIn || c.rules.mode == engine.Run {
		return nil, nil // while running, only breakpoints hold
	}
	none := func(uint64) (trace.Event, bool) { return trace.Event{}, false }
	for j := len(c.held) - 1; j >= 0; j-- {
		h := &c.held[j]
		if hold, _ := c.rules.hold(&h.Event, none); !hold && finer.levelHolds(&h.Event, none) &&
			!c.rules.levelHolds(&h.Event, none) && h.ID != c.stoppedAt {
			released = append(released, c.drop(j, j+1)...)
		}
	}
	slices.Reverse(released)
	return released, nil
}

func (c *core) changeBreaks(cmd engine.Command) error {
	p, err := Parse(cmd.Pattern)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.rules.breaks, func(b *Pattern) bool { return b.text == p.text })
	switch {
	case cmd.Verb == engine.Unbreak && i < 0:
		return fmt.Errorf("%w: there is no breakpoint %q; there are: %s", engine.ErrUsage, p, listed(c.rules.breaks))
	case cmd.Verb == engine.Unbreak:
		c.change(func(r *rules) { r.breaks = slices.Delete(slices.Clone(r.breaks), i, i+1) })
	case i >= 0:
		return nil // set already
	default:
		if err := p.holdable(); err != nil {
			return err
		}
		c.change(func(r *rules) { r.breaks = append(slices.Clone(r.breaks), p) })
	}
	c.generation++
	return nil
}

func listed(patterns []*Pattern) string {
	if len(patterns) == 0 {
		return "none"
	}
	return strings.Join(texts(patterns), "; ")
}

func texts(patterns []*Pattern) []string {
	var list []string
	for _, p := range patterns {
		list = append(list, p.text)
	}
	return list
}

// change replaces the rules by an edited copy.
func (c *core) change(edit func(r *rules)) {
	next := *c.rules
	edit(&next)
	c.rules = &next
}

func (c *core) index(id uint64) int {
	return slices.IndexFunc(c.held, func(h held) bool { return h.ID == id })
}

// drop takes held events out of the queue and returns their IDs.
func (c *core) drop(from, to int) (ids []uint64) {
	for _, h := range c.held[from:to] {
		if h.ID == c.stoppedAt {
			c.stoppedAt = 0
		}
		ids = append(ids, h.ID)
	}
	c.held = slices.Delete(c.held, from, to)
	return ids
}

// state returns a copy that later changes do not touch.
func (c *core) state() engine.DebugState {
	s := engine.DebugState{Generation: c.generation, Mode: c.rules.mode, Level: c.rules.level,
		Breakpoints: texts(c.rules.breaks), Following: texts(c.rules.follow)}
	if c.rules.runTo != nil {
		s.RunTo = c.rules.runTo.text
	}
	if len(c.held) > 0 {
		s.Held = make([]trace.Held, len(c.held))
		for i := range c.held {
			s.Held[i] = c.held[i].Held
		}
	}
	return s
}
