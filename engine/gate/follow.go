package gate

import (
	"fmt"
	"slices"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// podFilter says whether the packets of a Pod ("default/client") are looked at.
type podFilter func(pod string) bool

// FollowPods returns which Pods' packets must be looked at: those that Follow was told, and those that a breakpoint about
// packets, or what is run to, names, as "net.hop pod/default/client" does. A Pod is given as "default/client". It returns
// nil when there are none, and costs one load.
func (g *Gate) FollowPods() func(pod string) bool {
	if f := g.pods.Load(); f != nil {
		return *f
	}
	return nil
}

func (r *rules) followed() *podFilter {
	of := slices.Clone(r.follow)
	for _, p := range append(slices.Clip(r.breaks), r.runTo) {
		if p != nil && p.ofHops() && p.ofPods() {
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		return nil
	}
	f := podFilter(func(pod string) bool {
		return slices.ContainsFunc(of, func(p *Pattern) bool { return p.matchPod(pod) })
	})
	return &f
}

func (c *core) changeFollow(cmd engine.Command) error {
	p, err := Parse(cmd.Pattern)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.rules.follow, func(f *Pattern) bool { return f.text == p.text })
	switch {
	case cmd.Verb == engine.Unfollow && i < 0:
		return fmt.Errorf("%w: %q is not followed; followed are: %s", engine.ErrUsage, p, listed(c.rules.follow))
	case cmd.Verb == engine.Unfollow:
		c.change(func(r *rules) { r.follow = slices.Delete(slices.Clone(r.follow), i, i+1) })
	case i >= 0:
		return nil // it is already
	case !p.ofPods() || !p.onlyObject():
		return fmt.Errorf("%w: pattern %q: what is followed are Pods: write pod/NAMESPACE/NAME", engine.ErrUsage, p)
	default:
		c.change(func(r *rules) { r.follow = append(slices.Clone(r.follow), p) })
	}
	c.generation++
	return nil
}

// onlyObject reports whether all that the pattern says is about the object.
func (p *Pattern) onlyObject() bool {
	return !slices.ContainsFunc(p.terms, func(t term) bool {
		return slices.ContainsFunc(t.conds, func(c cond) bool { return !slices.Contains(objectFields, c.field) })
	})
}

// objectFields are what says which object is meant.
var objectFields = []field{fieldResource, fieldSub, fieldNS, fieldName}

// ofHops reports whether the pattern is about packets.
func (p *Pattern) ofHops() bool {
	return p.names(fieldKind, string(trace.NetHop)) ||
		slices.ContainsFunc(verbs[trace.NetHop], func(point string) bool { return p.names(fieldVerb, point) })
}

// ofPods reports whether the pattern says which Pods are meant.
func (p *Pattern) ofPods() bool {
	return slices.ContainsFunc(p.terms, func(t term) bool {
		return !t.not && slices.ContainsFunc(t.conds, func(c cond) bool { return c.field == fieldNS || c.field == fieldName })
	})
}

// matchPod reports whether what the pattern says of objects fits a Pod, "default/client".
func (p *Pattern) matchPod(pod string) bool {
	e := trace.Event{Kind: trace.NetHop, Object: podObject(pod)}
	for _, t := range p.terms {
		if len(t.conds) > 0 && slices.Contains(objectFields, t.conds[0].field) && t.match(&e) == t.not {
			return false
		}
	}
	return true
}
