// Package describe puts events into words: a line for a list, and the pages of an inspector.
//
// Screens import it; it imports engine/trace, text, theme and component/richtext, and knows no screen.
package describe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// Words is an event in a line: who does what to what. They are the field's own terms and the same in every language.
type Words struct {
	Actor, Verb, Object string
	// Note is the outcome in a word or two: "→ node-2", "201", "rev 318".
	Note string
}

// String returns the words as one line.
func (w Words) String() string {
	parts := make([]string, 0, 4)
	for _, p := range []string{w.Actor, w.Verb, w.Object, w.Note} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "  ")
}

// Short returns an actor's name for where there is little room.
func Short(actor string) string {
	if name, ok := strings.CutSuffix(actor, "-controller"); ok {
		return name + "-ctl"
	}
	return actor
}

// Event returns e in words.
func Event(e *trace.Event) Words {
	w := Words{Actor: e.Actor, Verb: e.Verb, Object: object(e)}
	switch d := e.Detail.(type) {
	case *trace.RequestDetail:
		w.Note = requestNote(e, d)
	case *trace.StageDetail:
		w.Note = strings.TrimSpace(d.Plugin + " " + d.Decision)
	case *trace.CommitDetail:
		if e.Object.Name == "" { // not every key holds an object with a name
			w.Object = d.Key
		}
		if e.EtcdRevision != 0 {
			w.Note = fmt.Sprintf("rev %d", e.EtcdRevision)
		}
	case *trace.SchedDetail:
		w.Note = schedNote(e.Verb, d)
	case *trace.CRIDetail:
		w.Note = criNote(e.Verb, d)
	case *trace.HopDetail:
		w.Object, w.Note = hopWords(d)
	case *trace.DNSDetail:
		w.Object, w.Note = dnsWords(d)
	case *trace.FaultDetail:
		w.Note = d.What()
	}
	if e.Kind == trace.WatchDeliver {
		w.Verb = "◂ " + e.Verb
	}
	return w
}

// object returns "pods/web-7x/binding": the resource, the name and the subresource; the namespace only when it is not
// the default one.
func object(e *trace.Event) string {
	resource := ""
	if d, ok := e.Detail.(*trace.RequestDetail); ok {
		resource = d.Resource
	}
	if resource == "" {
		resource = plural(e.Object.Kind)
	}
	var parts []string
	if ns := e.Object.Namespace; ns != "" && ns != "default" {
		parts = append(parts, ns)
	}
	for _, p := range []string{resource, name(e), e.Subresource} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "/")
}

// name returns the object's name; for one that is to be named by the API server, and so has none yet, what its name will
// begin with: "web-76dd6bbb88-?".
func name(e *trace.Event) string {
	d, ok := e.Detail.(*trace.RequestDetail)
	if e.Object.Name != "" || !ok || e.Verb != "create" || d.Body == nil {
		return e.Object.Name
	}
	raw, err := d.Body.JSON()
	if err != nil {
		return ""
	}
	var sent struct {
		Metadata struct {
			GenerateName string `json:"generateName"`
		} `json:"metadata"`
	}
	if json.Unmarshal(raw, &sent) != nil || sent.Metadata.GenerateName == "" {
		return ""
	}
	return sent.Metadata.GenerateName + "?"
}

// plural returns the resource's name for a kind, as the API's own rule (meta.UnsafeGuessKindToResource) guesses it.
func plural(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case s == "" || s == "endpoints":
		return s
	case strings.HasSuffix(s, "s") || strings.HasSuffix(s, "ch"):
		return s + "es"
	case strings.HasSuffix(s, "y"):
		return strings.TrimSuffix(s, "y") + "ies"
	}
	return s + "s"
}

func requestNote(e *trace.Event, d *trace.RequestDetail) string {
	var notes []string
	if e.Subresource == "binding" {
		if node := BindingTarget(d.Body); node != "" {
			notes = append(notes, "→ "+node)
		}
	}
	if d.Status != 0 {
		notes = append(notes, fmt.Sprint(d.Status))
	}
	return strings.Join(notes, " ")
}

// BindingTarget returns the node that a Binding asks for, "" when body is none.
func BindingTarget(body *trace.Body) string {
	raw, err := body.JSON()
	if err != nil {
		return ""
	}
	var b struct {
		Target struct {
			Name string `json:"name"`
		} `json:"target"`
	}
	if json.Unmarshal(raw, &b) != nil {
		return ""
	}
	return b.Target.Name
}

func schedNote(phase string, d *trace.SchedDetail) string {
	switch {
	case len(d.Filter) > 0:
		return fmt.Sprintf("%d/%d", fits(d), len(d.Filter))
	case len(d.Score) > 0:
		if d.Node == "" && best(d) > 1 {
			return fmt.Sprintf("%d × %d", best(d), d.Score[0].Total)
		}
		return fmt.Sprintf("→ %s %d", cmp.Or(d.Node, d.Score[0].Node), d.Score[0].Total)
	case d.Node != "":
		return "→ " + d.Node
	}
	return ""
}

// best returns how many nodes share the highest total. The scheduler takes one of them at random (selectHost in
// pkg/scheduler/schedule_one.go).
func best(d *trace.SchedDetail) int {
	n := 0
	for n < len(d.Score) && d.Score[n].Total == d.Score[0].Total {
		n++
	}
	return n
}

// criNote says which container it is about, and its image where that is what counts.
func criNote(verb string, d *trace.CRIDetail) string {
	parts := []string{}
	if d.Name != "" {
		parts = append(parts, d.Name)
	}
	if d.Image != "" && (verb == "PullImage" || verb == "CreateContainer" || d.Name == "") {
		parts = append(parts, d.Image)
	}
	if d.Signal != "" {
		parts = append(parts, d.Signal)
	}
	if d.ExitCode != nil {
		parts = append(parts, fmt.Sprintf("exit %d", *d.ExitCode))
	}
	return strings.Join(parts, " ")
}
