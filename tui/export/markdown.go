package export

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/export/tree"
	"github.com/kubestep/kubestep/tui/text"
)

// Trace is what a Markdown document is made of.
type Trace struct {
	Header trace.Header
	// Events are in order of Seq, as a [trace.Batch] is.
	Events []trace.Event
	// All takes in everything; without it, it is what somebody outside the lab asked for and all that this led to.
	All bool
}

// Markdown writes t as a document in p's language: the tree of causes, and where in upstream's source each event of it was
// made.
func Markdown(w io.Writer, p text.Printer, t Trace) error {
	out := bufio.NewWriter(w)
	events := t.Events
	if !t.All {
		events = asked(events)
	}
	fmt.Fprintf(out, "# %s\n\n", p.T(text.ExportTitle))
	rows, guessed := tree.Rows(events, tree.Options{All: t.All})
	facts(out, p, t.Header, events, len(rows))
	fmt.Fprintf(out, "## %s\n\n", p.T(text.ExportWhat))
	if len(rows) == 0 {
		fmt.Fprintf(out, "%s\n", p.T(text.ExportEmpty))
		return out.Flush()
	}
	fence := "```"
	for _, r := range rows {
		for strings.Contains(r.Text, fence) { // what an object's name or an error says must not end the block
			fence += "`"
		}
	}
	fmt.Fprintf(out, "%stext\n", fence)
	for _, r := range rows {
		fmt.Fprintln(out, strings.TrimRight(r.Text, " "))
	}
	fmt.Fprintf(out, "%s\n", fence)
	if guessed {
		fmt.Fprintf(out, "\n%s\n", p.T(text.ExportLegend))
	}
	sources(out, p, t.Header.Kubernetes, events, rows)
	return out.Flush()
}

// own are the actors whose requests nothing caused and nobody asked for: the API server's own objects and what the lab
// installs at its start.
var own = [...]string{"kube-apiserver", "kubestep"}

// asked returns what somebody outside asked for, with all that it led to; no background.
func asked(events []trace.Event) []trace.Event {
	caused := trace.Caused(events, func(e *trace.Event) bool {
		return e.Root && !e.Background && !slices.Contains(own[:], e.Actor) && (e.Writes() || e.Verb == "connect")
	})
	out := caused[:0]
	for _, e := range caused {
		if !e.Background {
			out = append(out, e)
		}
	}
	return out
}

// facts says what the trace is of.
func facts(out io.Writer, p text.Printer, h trace.Header, events []trace.Event, rows int) {
	if h.Kubernetes != "" {
		fmt.Fprintf(out, "- %s\n", p.T(text.ExportFacts, h.Kubernetes, h.Nodes, rows))
	}
	if n := len(events); n > 0 {
		from, to := events[0].Time, events[0].Time
		for i := range events {
			if t := events[i].Time; t.After(to) {
				to = t
			} else if t.Before(from) {
				from = t
			}
		}
		const form = "2006-01-02 15:04:05.000"
		fmt.Fprintf(out, "- %s\n", p.T(text.ExportSpan, from.UTC().Format(form), to.UTC().Format(form), to.Sub(from).Round(time.Millisecond)))
	}
	if len(h.Command) > 0 {
		fmt.Fprintf(out, "- %s\n", p.T(text.ExportCommand, strings.ReplaceAll(strings.Join(h.Command, " "), "`", "'")))
	}
	fmt.Fprintln(out)
}

// sources has a line for each event of the tree whose call stack is known: the innermost function, and where it is.
func sources(out io.Writer, p text.Printer, version string, events []trace.Event, rows []tree.Row) {
	at := make(map[uint64]*trace.Event, len(events))
	for i := range events {
		at[events[i].Seq] = &events[i]
	}
	begun := false
	for _, r := range rows {
		e := at[r.Seq]
		if e == nil || len(e.Frames) == 0 {
			continue
		}
		if !begun {
			fmt.Fprintf(out, "\n## %s\n\n| %s | %s | %s |\n|---|---|---|\n", p.T(text.ExportSource), p.T(text.ExportEvent), p.T(text.ExportFunction), p.T(text.ExportPlace))
			begun = true
		}
		f := e.Frames[0]
		place := fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		if url := describe.SourceURL(version, f); url != "" {
			place = fmt.Sprintf("[%s](%s)", place, url)
		}
		what := strings.TrimSpace(e.Actor + " " + tree.Subject(*e))
		fmt.Fprintf(out, "| #%d %s | `%s` | %s |\n", r.Seq, cell(what), strings.ReplaceAll(f.Func, "|", `\|`), place)
	}
}

// cell makes s fit for a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "\n", " ").Replace(s)
}
