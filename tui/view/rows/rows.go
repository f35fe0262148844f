// Package rows makes rows of lists out of events, and marks out of Pods.
//
// Screens and views import it; it imports describe, text and the list components.
package rows

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/eventlist"
	"github.com/kubestep/kubestep/tui/component/held"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Event returns the row of an event; its time is that since began.
func Event(e *trace.Event, began time.Time) eventlist.Row {
	words := describe.Event(e)
	r := eventlist.Row{Seq: e.Seq, Actor: words.Actor, Short: describe.Short(words.Actor), Verb: words.Verb, Object: words.Object,
		Note: words.Note, Failed: Failed(e), Open: e.Open, Time: fmt.Sprintf("+%.3f", e.Time.Sub(began).Seconds())}
	switch {
	case e.Cause != 0 && e.CauseLink == trace.Inferred:
		r.Cause = fmt.Sprintf("◁%d", e.Cause)
	case e.Cause != 0:
		r.Cause = fmt.Sprintf("◀%d", e.Cause)
	}
	return r
}

// Failed reports whether e did not work.
func Failed(e *trace.Event) bool {
	if e.Error != "" {
		return true
	}
	d, ok := e.Detail.(*trace.RequestDetail)
	return ok && d.Status >= 400
}

// Held returns the rows of what waits at the gate; events finds the causes.
func Held(say text.Printer, waiting []trace.Held, events describe.Getter) []held.Row {
	rows := make([]held.Row, len(waiting))
	for i := range waiting {
		x := &waiting[i]
		words := describe.Event(&x.Event)
		rows[i] = held.Row{Actor: words.Actor, Short: describe.Short(words.Actor), Verb: words.Verb, Object: words.Object, Note: words.Note,
			Since: say.T(text.Since, x.Since.Format(time.TimeOnly))}
		if x.Event.Cause != 0 {
			rows[i].Because, rows[i].Cause = because(say, &x.Event, events)
		}
	}
	return rows
}

func because(say text.Printer, waiting *trace.Event, events describe.Getter) (number, what string) {
	number = say.T(text.HeldBecause, waiting.Cause)
	if e, ok := events.Get(waiting.Cause); ok {
		words := describe.Event(&e)
		if words.Actor = describe.Short(words.Actor); e.Actor == waiting.Actor || e.Kind == trace.WatchDeliver {
			words.Actor = "" // it stands above
		}
		what = words.String()
	}
	return number, what
}

// Pod returns a Pod's shape: full when it is ready, half on the way, a cross when it failed.
func Pod(f *cluster.Facts) (mark string, role theme.Role) {
	state := f.PodState()
	ready, all := f.Ready()
	switch {
	case f.Metadata.DeletionTimestamp != "":
		return "◌", theme.Dim
	case state == "Failed" || state == "Error" || strings.HasSuffix(state, "BackOff") || strings.HasPrefix(state, "ErrImage"):
		return "✗", theme.Bad
	case state == "Succeeded" || state == "Completed":
		return "✓", theme.Dim
	case all > 0 && ready == all:
		return "●", theme.Good
	}
	return "◐", theme.Warn
}
