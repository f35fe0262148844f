package describe

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Page is one side of an event to look at.
type Page int

// The pages of the inspector.
const (
	Why    Page = iota // who, what, why, and a short form of the others
	Diff               // what it changed
	Source             // the call stack that led to it
	Object             // what was sent, stored or delivered, as YAML
)

// Getter finds an event by its number; [trace.Store] is one.
type Getter interface {
	Get(seq uint64) (trace.Event, bool)
}

// Subject is what is to be described.
type Subject struct {
	Event trace.Event
	// Held is set while the event waits at the gate: it has not happened.
	Held bool
	// Version is the cluster's version, for links into the source; "" when it is not known.
	Version string
}

// Lines returns a page about s. Events finds the causes.
func Lines(p text.Printer, page Page, s Subject, events Getter) []richtext.Line {
	b := &builder{Printer: p}
	switch page {
	case Diff:
		b.diff(&s, 0)
	case Source:
		b.source(&s, 0)
	case Object:
		b.object(&s)
	default:
		b.why(&s, events)
	}
	return b.lines
}

// builder collects the lines of a page.
type builder struct {
	text.Printer
	lines []richtext.Line
}

func (b *builder) add(indent int, spans ...richtext.Span) {
	b.lines = append(b.lines, richtext.Line{Indent: indent, Hang: 2, Spans: spans})
}

func (b *builder) blank() {
	if len(b.lines) > 0 {
		b.add(0)
	}
}

func (b *builder) heading(id text.ID) {
	b.blank()
	b.add(0, richtext.Span{Role: theme.Heading, Text: b.T(id)})
}

func (b *builder) say(role theme.Role, s string) { b.add(0, richtext.Span{Role: role, Text: s}) }

// spans returns an event's words in their roles.
func (w Words) spans() []richtext.Span {
	out := []richtext.Span{{Role: theme.Actor, Text: w.Actor}, {Text: "  "}, {Role: theme.Verb, Text: w.Verb}}
	if w.Object != "" {
		out = append(out, richtext.Span{Text: "  "}, richtext.Span{Role: theme.Object, Text: w.Object})
	}
	if w.Note != "" {
		out = append(out, richtext.Span{Text: "  "}, richtext.Span{Role: theme.Strong, Text: w.Note})
	}
	return out
}

func (b *builder) why(s *Subject, events Getter) {
	e := &s.Event
	b.add(0, Event(e).spans()...)
	b.say(theme.Dim, b.kindLine(s))
	if e.Error != "" {
		b.add(0, richtext.Span{Role: theme.Bad, Text: b.T(text.Failed) + " "}, richtext.Span{Text: e.Error})
	}
	b.details(e)
	chain, whole := Chain(e, events)
	b.decision(e, chain)
	b.causes(s, chain, whole)
	if len(e.Frames) > 0 {
		b.heading(text.HeadSource)
		b.source(s, 3)
	}
	if s.Held || hasDiff(e) {
		b.heading(text.HeadDiff)
		b.diff(s, 8)
	}
}

// kindLine says on which edge the event was seen, and how it went.
func (b *builder) kindLine(s *Subject) string {
	e := &s.Event
	kind := map[trace.Kind]text.ID{
		trace.APIRequest: text.KindRequest, trace.APIStage: text.KindStage, trace.EtcdCommit: text.KindCommit,
		trace.WatchDeliver: text.KindDeliver, trace.SchedPhase: text.KindSched, trace.CRICall: text.KindCRI,
		trace.NetHop: text.KindHop, trace.DNSQuery: text.KindDNS,
	}[e.Kind]
	var parts []string
	if kind != 0 {
		parts = append(parts, b.T(kind))
	}
	switch {
	case s.Held:
		parts = append(parts, b.T(text.NotYet))
	default:
		parts = append(parts, e.Time.Format("15:04:05.000"))
		if e.Open {
			parts = append(parts, b.T(text.UnderWay))
		} else if e.DurationMs > 0 {
			parts = append(parts, fmt.Sprintf("%.1f ms", e.DurationMs))
		}
	}
	if e.Process != "" && e.Process != e.Actor {
		parts = append(parts, b.T(text.InProcess, e.Process))
	}
	if e.ResourceVersion != "" {
		parts = append(parts, "resourceVersion "+e.ResourceVersion)
	}
	return strings.Join(parts, " · ")
}

// mostCauses bounds the walk back to the root; a rollout of one Pod has about twenty.
const mostCauses = 200

// Chain returns e's causes, nearest first; whole is false when one of them is no longer kept.
func Chain(e *trace.Event, events Getter) (chain []trace.Event, whole bool) {
	at := e.Cause
	for at != 0 && len(chain) < mostCauses {
		c, ok := events.Get(at)
		if !ok {
			return chain, false
		}
		chain = append(chain, c)
		if c.Cause >= at { // never from a tap; a damaged recording must not loop
			return chain, false
		}
		at = c.Cause
	}
	return chain, at == 0
}

func (b *builder) causes(s *Subject, chain []trace.Event, whole bool) {
	b.heading(text.HeadWhy)
	link := s.Event.CauseLink
	for i := range chain {
		c := &chain[i]
		mark, word := "◀", b.T(text.Exact)
		if link == trace.Inferred {
			mark, word = "◁", b.T(text.Inferred)
		}
		head := []richtext.Span{{Role: theme.Chain, Text: mark + " "}, {Role: theme.Dim, Text: fmt.Sprintf("#%d %s  ", c.Seq, word)}}
		b.add(0, append(head, Event(c).spans()...)...)
		link = c.CauseLink
	}
	last := s.Event
	if len(chain) > 0 {
		last = chain[len(chain)-1]
	}
	switch {
	case !whole:
		b.say(theme.Dim, b.T(text.CauseGone))
	case last.Root:
		b.say(theme.Dim, b.T(text.RootCause))
	default:
		b.say(theme.Dim, b.T(text.CauseUnknown))
	}
}

// source shows the call stack, at most the given number of frames; 0 means all, with links.
func (b *builder) source(s *Subject, most int) {
	e := &s.Event
	if len(e.Frames) == 0 {
		b.say(theme.Dim, b.T(text.NoSource))
		return
	}
	if most == 0 {
		b.say(theme.Dim, b.T(text.StackOrder))
	}
	for i, f := range e.Frames {
		if most > 0 && i == most {
			b.say(theme.Dim, b.T(text.MoreFrames, len(e.Frames)-most))
			return
		}
		b.add(0, richtext.Span{Role: theme.Object, Text: fmt.Sprintf("%s:%d", f.File, f.Line)},
			richtext.Span{Text: "  "}, richtext.Span{Role: theme.Strong, Text: f.Func})
		if url := SourceURL(s.Version, f); most == 0 && url != "" {
			b.add(2, richtext.Span{Role: theme.Dim, Text: url})
		}
	}
}

// SourceURL returns where upstream shows the frame, "" when that is not known. Modules named k8s.io/... are developed in
// kubernetes/kubernetes, below staging.
func SourceURL(version string, f trace.Frame) string {
	dir := ""
	switch {
	case version == "":
		return ""
	case strings.HasPrefix(f.Module, "k8s.io/"):
		dir = "staging/src/" + f.Module + "/"
	case f.Module != "":
		return ""
	}
	return fmt.Sprintf("https://github.com/kubernetes/kubernetes/blob/%s/%s%s#L%d", version, dir, f.File, f.Line)
}

// states returns the object before and after the event.
func states(e *trace.Event) (before, after *trace.Body) {
	switch d := e.Detail.(type) {
	case *trace.RequestDetail:
		return d.Before, d.After
	case *trace.StageDetail:
		return d.Before, d.After
	case *trace.CommitDetail:
		return d.Before, d.After
	}
	return nil, nil
}

func hasDiff(e *trace.Event) bool {
	before, after := states(e)
	return before != nil || after != nil
}

func (b *builder) diff(s *Subject, most int) {
	before, after := states(&s.Event)
	if before == nil && after == nil {
		if sent := sentBody(&s.Event); s.Held && sent != nil {
			b.say(theme.Dim, b.T(text.WouldSend))
			b.yaml(sent, most)
			return
		}
		b.say(theme.Dim, b.T(text.NoDiff))
		return
	}
	b.difference(before, after, most)
}

// Difference shows what differs between two states of an object, either of which may be nil.
func Difference(p text.Printer, before, after *trace.Body) []richtext.Line {
	b := &builder{Printer: p}
	if before != nil || after != nil {
		b.difference(before, after, 0)
	}
	return b.lines
}

func (b *builder) difference(before, after *trace.Body, most int) {
	was, err := before.JSON()
	if err != nil {
		b.unreadable(err)
		return
	}
	is, err := after.JSON()
	if err != nil {
		b.unreadable(err)
		return
	}
	switch {
	case before == nil:
		b.say(theme.Good, b.T(text.Created))
		b.yaml(after, most)
		return
	case after == nil:
		b.say(theme.Bad, b.T(text.Deleted))
		b.yaml(before, most)
		return
	}
	changes, err := trace.Diff(was, is)
	if err != nil {
		b.unreadable(err)
		return
	}
	if len(changes) == 0 {
		b.say(theme.Dim, b.T(text.SameObject))
	}
	for i, c := range changes {
		if most > 0 && i == most {
			b.say(theme.Dim, b.T(text.MoreChanges, len(changes)-most))
			return
		}
		b.change(c)
	}
}

// change shows one difference: a short value beside its path, an object or a list below it.
func (b *builder) change(c trace.Change) {
	role, mark := theme.Warn, "~ "
	switch c.Op {
	case trace.Added:
		role, mark = theme.Good, "+ "
	case trace.Removed:
		role, mark = theme.Bad, "- "
	}
	spans := []richtext.Span{{Role: role, Text: mark}, {Role: theme.Heading, Text: c.Path}, {Text: ": "}}
	if nested(c.Before) || nested(c.After) {
		b.add(0, spans[:2]...)
		b.value("- ", theme.Bad, c.Before)
		b.value("+ ", theme.Good, c.After)
		return
	}
	if c.Before != nil {
		spans = append(spans, richtext.Span{Role: theme.Bad, Text: short(c.Before)})
	}
	if c.Op == trace.Changed {
		spans = append(spans, richtext.Span{Text: " → "})
	}
	if c.After != nil {
		spans = append(spans, richtext.Span{Role: theme.Good, Text: short(c.After)})
	}
	b.add(0, spans...)
}

func nested(raw json.RawMessage) bool { return len(raw) > 2 && (raw[0] == '{' || raw[0] == '[') }

// value shows one side of a difference as YAML, each line with its mark.
func (b *builder) value(mark string, role theme.Role, raw json.RawMessage) {
	if raw == nil {
		return
	}
	lines, err := YAML(raw)
	if err != nil || !nested(raw) {
		lines = []richtext.Line{richtext.Text(theme.Plain, short(raw))}
	}
	for _, l := range lines {
		l.Indent += 2
		l.Spans = append([]richtext.Span{{Role: role, Text: mark}}, l.Spans...)
		b.lines = append(b.lines, l)
	}
}

// short returns JSON in a form for one line: strings without quotes.
func short(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		return s
	}
	return string(raw)
}

func (b *builder) unreadable(err error) {
	b.add(0, richtext.Span{Role: theme.Bad, Text: b.T(text.Undecoded) + " "}, richtext.Span{Role: theme.Dim, Text: err.Error()})
}

func sentBody(e *trace.Event) *trace.Body {
	switch d := e.Detail.(type) {
	case *trace.RequestDetail:
		return d.Body
	case *trace.CRIDetail:
		return d.Request
	case *trace.DeliverDetail:
		return d.Object
	}
	return nil
}

// yaml shows a body, at most the given number of lines; 0 means all.
func (b *builder) yaml(body *trace.Body, most int) {
	raw, err := body.JSON()
	if err == nil {
		var lines []richtext.Line
		if lines, err = YAML(raw); err == nil {
			if most > 0 && len(lines) > most {
				rest := len(lines) - most
				b.lines = append(b.lines, lines[:most]...)
				b.say(theme.Dim, b.T(text.MoreLines, rest))
				return
			}
			b.lines = append(b.lines, lines...)
			return
		}
	}
	b.unreadable(err)
}

func (b *builder) object(s *Subject) {
	part := func(id text.ID, body *trace.Body) {
		if body != nil {
			b.heading(id)
			b.yaml(body, 0)
		}
	}
	switch d := s.Event.Detail.(type) {
	case *trace.RequestDetail:
		if d.After != nil {
			part(text.HeadStored, d.After)
		} else {
			part(text.HeadAnswer, d.Response)
		}
		part(text.HeadSent, d.Body)
	case *trace.StageDetail:
		part(text.HeadAfter, d.After)
		part(text.HeadBefore, d.Before)
	case *trace.CommitDetail:
		part(text.HeadStored, d.After)
		part(text.HeadBefore, d.Before)
	case *trace.DeliverDetail:
		part(text.HeadDelivered, d.Object)
	case *trace.CRIDetail:
		part(text.HeadSent, d.Request)
		part(text.HeadAnswer, d.Response)
	case *trace.HopDetail:
		if raw := d.Data.Raw(); len(raw) > 0 {
			b.heading(text.HeadBytes)
			b.bytes(raw)
		}
	}
	if len(b.lines) == 0 {
		b.say(theme.Dim, b.T(text.NoObject))
	}
}
