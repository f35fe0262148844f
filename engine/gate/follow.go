package gate

import (
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// FollowPods returns which Pods' packets must be looked at because a breakpoint, or what is run to, is about packets and
// names Pods: "net.hop pod/default/client". A Pod is given as "default/client". It returns nil when there are none, and
// costs one load when nothing can be held.
func (g *Gate) FollowPods() func(pod string) bool {
	r := g.active.Load()
	if r == nil {
		return nil
	}
	var of []*Pattern
	for _, p := range append(slices.Clip(r.breaks), r.runTo) {
		if p != nil && p.ofHops() && p.ofPods() {
			of = append(of, p)
		}
	}
	if of == nil {
		return nil
	}
	return func(pod string) bool {
		return slices.ContainsFunc(of, func(p *Pattern) bool { return p.matchPod(pod) })
	}
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
	namespace, name, _ := strings.Cut(pod, "/")
	e := trace.Event{Kind: trace.NetHop, Object: trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: name}}
	for _, t := range p.terms {
		if len(t.conds) > 0 && slices.Contains(objectFields, t.conds[0].field) && t.match(&e) == t.not {
			return false
		}
	}
	return true
}
