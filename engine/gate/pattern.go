package gate

import (
	"path"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// Pattern says which events are meant; see the package's documentation for its form. It is immutable, and safe for
// concurrent use.
type Pattern struct {
	text  string
	terms []term
}

// term is one word: conditions that must all hold, or, negated, must not all hold.
type term struct {
	not      bool
	explicit bool // written FIELD=VALUE
	conds    []cond
}

// cond is a field and the globs of which one must match it.
type cond struct {
	field field
	globs []glob
}

type field string

const (
	fieldActor    field = "actor"
	fieldKind     field = "kind"
	fieldVerb     field = "verb"
	fieldResource field = "resource"
	fieldSub      field = "sub"
	fieldNS       field = "ns"
	fieldName     field = "name"
	// Of a packet's hops only.
	fieldDevice    field = "device"
	fieldDirection field = "direction"
	fieldRule      field = "rule"
	fieldProtocol  field = "protocol"
	fieldTCP       field = "tcp"
)

var fields = []field{fieldActor, fieldKind, fieldVerb, fieldResource, fieldSub, fieldNS, fieldName, fieldDevice, fieldDirection,
	fieldRule, fieldProtocol, fieldTCP}

// glob is in lower case. A literal glob is compared without path.Match.
type glob struct {
	text    string
	literal bool
	kind    string // of a resource that is built in
}

func (g glob) match(s string) bool {
	switch {
	case g.text == "*":
		return true
	case g.literal:
		return strings.EqualFold(g.text, s)
	}
	ok, _ := path.Match(g.text, strings.ToLower(s)) // the form was checked when it was parsed
	return ok
}

// String returns the pattern as it was written, with single spaces.
func (p *Pattern) String() string { return p.text }

// Match reports whether e is meant. It looks at what the event is, not at whether it would be held.
func (p *Pattern) Match(e *trace.Event) bool {
	if pods := p.podsOf(e); len(pods) > 0 {
		return p.matchHop(e, pods)
	}
	for _, t := range p.terms {
		if t.match(e) == t.not {
			return false
		}
	}
	return true
}

// podsOf returns the Pods that a packet's hop is about besides its object: those at both ends of the packet's way. There
// are none for other events, nor for a hop on a veth pair when the pattern asks for those: they are their own Pod's.
func (p *Pattern) podsOf(e *trace.Event) (pods []string) {
	hop, ok := e.Detail.(*trace.HopDetail)
	if !ok || hop == nil || hop.Namespace != "" && p.names(fieldVerb, hop.Point) {
		return nil
	}
	for _, pod := range [...]string{hop.From, hop.To} {
		if pod != "" {
			pods = append(pods, pod)
		}
	}
	return pods
}

// matchHop reports whether what the pattern asks for fits one of the Pods that a hop is about, and what it excludes fits
// none of them.
func (p *Pattern) matchHop(e *trace.Event, pods []string) bool {
	about, fits := *e, false
	for i := -1; i < len(pods); i++ {
		if i >= 0 {
			about.Object = podObject(pods[i])
		}
		all := true
		for _, t := range p.terms {
			switch fit := t.match(&about); {
			case t.not && fit:
				return false
			case !t.not && !fit:
				all = false
			}
		}
		fits = fits || all
	}
	return fits
}

// podObject returns the Pod that is called "default/client".
func podObject(pod string) trace.Object {
	namespace, name, _ := strings.Cut(pod, "/")
	return trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: name}
}

func (t term) match(e *trace.Event) bool {
	for _, c := range t.conds {
		if !c.match(e) {
			return false
		}
	}
	return true
}

func (c cond) match(e *trace.Event) bool {
	for _, g := range c.globs {
		if c.field == fieldResource {
			if g.matchResource(e) {
				return true
			}
			continue
		}
		value := c.field.of(e)
		if g.match(value) {
			return true
		}
		// "kubelet" means every node's.
		if c.field == fieldActor && g.literal {
			if component, _, at := strings.Cut(value, "@"); at && g.match(component) {
				return true
			}
		}
	}
	return false
}

// of returns the field's value in e. A resource has two, see matchResource.
func (f field) of(e *trace.Event) string {
	switch f {
	case fieldActor:
		return e.Actor
	case fieldKind:
		return string(e.Kind)
	case fieldVerb:
		return e.Verb
	case fieldSub:
		return e.Subresource
	case fieldNS:
		return e.Object.Namespace
	case fieldName:
		return e.Object.Name
	}
	if hop, ok := e.Detail.(*trace.HopDetail); ok && hop != nil {
		return f.ofHop(hop)
	}
	return ""
}

// ofHop returns the field's value in a hop.
func (f field) ofHop(h *trace.HopDetail) string {
	switch f {
	case fieldDevice:
		return h.Device
	case fieldDirection:
		return h.Direction
	case fieldRule:
		name, _, _ := strings.Cut(h.Rule, " ") // "default/web -> 10.244.2.2:8080"
		return name
	case fieldProtocol:
		return protocol(h.Data.Headers())
	case fieldTCP:
		// The packet in a tunnel is the same packet.
		for packet := h.Data.Headers(); packet != nil; packet = packet.Inner {
			if packet.TCP != nil {
				return packet.TCP.Flags
			}
		}
	}
	return ""
}

// protocol returns what a packet is, or the one in its tunnel: "arp", "icmp", "tcp" or "udp".
func protocol(h *trace.Headers) string {
	for h != nil && h.VXLAN != nil && h.Inner != nil {
		h = h.Inner
	}
	switch {
	case h == nil:
		return ""
	case h.ARP != nil:
		return "arp"
	case h.ICMP != nil:
		return "icmp"
	case h.TCP != nil:
		return "tcp"
	case h.UDP != nil:
		return "udp"
	}
	return ""
}

// matchResource reports whether g names the resource or the kind of e's object. A request for a subresource may have a
// body of another kind, so that the resource in its detail counts too.
func (g glob) matchResource(e *trace.Event) bool {
	if g.text == "*" {
		return true
	}
	resource := ""
	if d, ok := e.Detail.(*trace.RequestDetail); ok && d != nil {
		resource = d.Resource
	}
	if g.kind != "" {
		return strings.EqualFold(e.Object.Kind, g.kind) || resource != "" && kindOf(resource) == g.kind
	}
	if g.text == "" {
		return e.Object.Kind == "" && resource == ""
	}
	kind := strings.ToLower(e.Object.Kind)
	return kind != "" && (g.match(kind) || g.match(plural(kind))) || resource != "" && g.match(resource)
}

// names reports whether the pattern says which value the field must have, and value is one of those. What only excludes
// something, or matches anything, names nothing.
func (p *Pattern) names(f field, value string) bool {
	for _, t := range p.terms {
		for _, c := range t.conds {
			if t.not || c.field != f {
				continue
			}
			for _, g := range c.globs {
				if g.text != "*" && g.match(value) {
					return true
				}
			}
		}
	}
	return false
}

// literals returns the values that the field may have when the pattern lists them all in full.
func (p *Pattern) literals(f field) []string {
	for _, t := range p.terms {
		for _, c := range t.conds {
			if t.not || c.field != f {
				continue
			}
			values := make([]string, 0, len(c.globs))
			for _, g := range c.globs {
				switch {
				case !g.literal:
					return nil
				case g.kind != "":
					values = append(values, g.kind)
				default:
					values = append(values, g.text)
				}
			}
			return values
		}
	}
	return nil
}
