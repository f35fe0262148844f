package objectview

import (
	"cmp"
	"fmt"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Page shows the object itself: its conditions and Events before why it was last written, and its YAML.
func (v *Objects) Page(p describe.Page) []richtext.Line {
	v.refresh()
	l, ok := v.lines.Selected()
	if !ok {
		return nil
	}
	switch p {
	case describe.Why:
		return v.about(&l)
	case describe.Object:
		raw, err := v.cluster.Body(l.rev).JSON()
		if err != nil || raw == nil {
			return []richtext.Line{richtext.Text(theme.Dim, v.Say.T(text.BodyGone))}
		}
		if lines, err := describe.YAML(raw); err == nil {
			return lines
		}
	}
	return nil
}

func (v *Objects) about(l *line) []richtext.Line {
	status, role := v.status(l.key, l.rev)
	out := []richtext.Line{{Hang: 2, Spans: []richtext.Span{{Role: theme.Heading, Text: l.key.Object.Kind + " "},
		{Role: theme.Strong, Text: l.key.Object.Name}, {Text: "  "}, {Role: role, Text: status}}}}
	for _, c := range v.cluster.Facts(l.rev).Status.Conditions {
		mark, role := "○ ", theme.Dim
		if c.Status == "True" {
			mark, role = "✓ ", theme.Good
		}
		out = append(out, richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: role, Text: mark}, {Text: c.Type + " " + c.Status},
			{Role: theme.Dim, Text: "  " + c.Reason + "  " + c.Message}}})
	}
	if events := v.eventsOf(l.key.Object); len(events) > 0 {
		out = append(out, richtext.Line{}, richtext.Text(theme.Heading, v.Say.T(text.HeadEvents)))
		for _, f := range events {
			role := theme.Dim
			if f.Type == "Warning" {
				role = theme.Bad
			}
			reason := f.Reason
			if f.Count > 1 {
				reason += fmt.Sprintf(" ×%d", f.Count)
			}
			out = append(out, richtext.Line{Hang: 2, Spans: []richtext.Span{{Role: role, Text: f.Type + " "}, {Role: theme.Strong, Text: reason},
				{Text: "  " + f.Message}, {Role: theme.Dim, Text: "  " + cmp.Or(f.Source.Component, f.ReportingComponent)}}})
		}
	}
	return append(out, richtext.Line{}, richtext.Text(theme.Heading, v.Say.T(text.HeadLastWrite)))
}

// eventsOf returns the Events about an object, in the order of their keys. The kubelet's Events about its Node give the
// node's name where others have the UID (nodeRef in pkg/kubelet/kubelet.go of upstream), so for Nodes the name counts.
func (v *Objects) eventsOf(o trace.Object) []*cluster.Facts {
	var out []*cluster.Facts
	for _, k := range v.cluster.Keys("/registry/events/", v.Moment.Seq) {
		r, ok := k.At(v.Moment.Seq)
		if !ok {
			continue
		}
		f := v.cluster.Facts(r)
		about := f.InvolvedObject
		if about.UID == o.UID && o.UID != "" || about.Kind == "Node" && o.Kind == "Node" && about.Name == o.Name {
			out = append(out, f)
		}
	}
	return out
}
