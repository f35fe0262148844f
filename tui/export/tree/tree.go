// Package tree writes events as a tree of causes, as plain text.
//
// cmd and export import it; of ours it imports engine/trace.
package tree

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// Options says what to print.
type Options struct {
	// All prints every event. Otherwise only acts are printed: what the command asked for, what components wrote, container
	// runtime calls, the scheduler's filtering and scoring, and whatever failed. A commit is shown with its request;
	// reads, Event objects, the stages of a request and what watches delivered are passed over. Of a packet's path, what
	// changes the packet or its place is shown, not how a node decided on it.
	All bool
}

// Line is one event in one line, as in a tree; shown says whether a tree that is not asked for all events has it.
func Line(e trace.Event) (line string, shown bool) {
	return fmt.Sprintf("%-6s%s", number(e.Seq), text(&trace.Node{Event: e})), act(&e)
}

// Subject says what an event does to what: "create pod/default/web-1 (binding)".
func Subject(e trace.Event) string { return subject(&e) }

// Row is one line of a tree.
type Row struct {
	Seq  uint64
	Text string // with the number and the branches before it
}

// Rows returns the events as trees, each row one event with its number, below its cause. guessed says that the mark of a
// likely cause is among them.
func Rows(events []trace.Event, o Options) (rows []Row, guessed bool) {
	p := printer{all: o.All}
	var roots []shown
	for _, n := range trace.Tree(events) {
		roots = append(roots, p.shown(n, true)...)
	}
	bySeq(roots)
	for _, n := range roots {
		p.node(n, "", "")
	}
	return p.rows, p.guessed
}

// Write prints the rows and, if need be, what the mark of a likely cause means. It returns the first error of w.
func Write(w io.Writer, events []trace.Event, o Options) error {
	out := bufio.NewWriter(w)
	rows, guessed := Rows(events, o)
	for _, r := range rows {
		fmt.Fprintln(out, r.Text)
	}
	if guessed {
		fmt.Fprintf(out, "\n%s is a likely cause: the latest that the component had learnt about the object,\nor what came before on the connection.\n", likely)
	}
	return out.Flush()
}

type printer struct {
	rows    []Row
	all     bool
	guessed bool
}

// shown is an event that gets a line.
type shown struct {
	*trace.Node
	exact bool // every link up to the line above is exact
}

// Marks of a cause: known, or inferred.
const (
	known  = "─"
	likely = "┄"
)

// node adds one row and those below it. above is drawn before the rows below, branch before this one.
func (p *printer) node(n shown, branch, above string) {
	p.rows = append(p.rows, Row{n.Event.Seq, fmt.Sprintf("%-6s%s%s", number(n.Event.Seq), branch, text(n.Node))})
	var below []shown
	for _, effect := range n.Effects {
		below = append(below, p.shown(effect, true)...)
	}
	bySeq(below)
	for i, effect := range below {
		corner, bar := "├", "│ "
		if i == len(below)-1 {
			corner, bar = "└", "  "
		}
		mark := known
		if !effect.exact {
			mark, p.guessed = likely, true
		}
		p.node(effect, above+corner+mark, above+bar)
	}
}

// shown returns n when it gets a line, or else those of its effects that do; for the first hop of a flow, its packets.
func (p *printer) shown(n *trace.Node, exact bool) []shown {
	if n.Event.Kind == trace.NetHop && slices.ContainsFunc(n.Effects, hop) {
		return packets(n, exact)
	}
	exact = exact && n.Event.CauseLink != trace.Inferred
	if p.all || act(&n.Event) {
		return []shown{{n, exact}}
	}
	var out []shown
	for _, effect := range n.Effects {
		out = append(out, p.shown(effect, exact)...)
	}
	return out
}

// act reports whether the event is something that somebody did, as against how it came about and got around.
func act(e *trace.Event) bool {
	if e.Error != "" && e.Kind != trace.APIStage { // a stage's is also its request's
		return true
	}
	switch e.Kind {
	case trace.APIRequest:
		asked := e.Root && !e.Object.IsZero() // and not what a client looks up about the API
		return asked || e.Writes() && e.Object.Kind != "Event" || e.Verb == "connect"
	case trace.CRICall:
		return true
	case trace.SchedPhase:
		return e.Verb == "filter" || e.Verb == "score" || e.Verb == "postfilter"
	case trace.APIStage, trace.EtcdCommit, trace.WatchDeliver:
		return false
	case trace.NetHop:
		d, ok := e.Detail.(*trace.HopDetail)
		return !ok || worthALine(d)
	}
	return true
}

func hop(n *trace.Node) bool { return n.Event.Kind == trace.NetHop }

func number(seq uint64) string { return "#" + strconv.FormatUint(seq, 10) }

// text is what a line says of the event itself.
func text(n *trace.Node) string {
	e := &n.Event
	switch d := e.Detail.(type) {
	case *trace.HopDetail:
		return hopLine(d)
	case *trace.DNSDetail:
		return queryLine(e, d)
	}
	words := []string{e.Actor, " " + subject(e)}
	switch d := e.Detail.(type) {
	case *trace.RequestDetail:
		if d.Status >= 400 {
			words = append(words, " "+strconv.Itoa(d.Status))
		}
	case *trace.StageDetail:
		words = append(words, d.Plugin, d.Decision)
	case *trace.SchedDetail:
		if d.Node != "" {
			words = append(words, "→ "+d.Node)
		}
	}
	if rev := revision(n); rev != 0 {
		words = append(words, fmt.Sprintf(" rev %d", rev))
	}
	if e.Open {
		words = append(words, " (still open)")
	}
	if len(e.Frames) > 0 {
		f := e.Frames[0]
		words = append(words, fmt.Sprintf(" %s:%d", path.Base(f.File), f.Line))
	}
	if e.Error != "" {
		words = append(words, " error: "+strings.ReplaceAll(e.Error, "\n", " "))
	}
	return strings.Join(clean(words), " ")
}

func subject(e *trace.Event) string {
	words := []string{e.Verb}
	switch d := e.Detail.(type) {
	case *trace.RequestDetail:
		if e.Object.IsZero() {
			words = append(words, d.URI)
		}
	case *trace.HopDetail:
		return point(d) + "  " + seen(d)
	case *trace.DNSDetail:
		return strings.Join([]string{e.Verb, d.Name, d.Type}, " ")
	case *trace.CRIDetail:
		words = append(words, d.Name)
		if d.Name == "" {
			words = append(words, d.Image)
		}
	case *trace.FaultDetail:
		return e.Verb + " fault " + d.String()
	case *trace.CommitDetail:
		words = append(words, d.Key)
		return strings.Join(clean(words), " ")
	}
	words = append(words, e.Object.String())
	if e.Subresource != "" {
		words = append(words, "("+e.Subresource+")")
	}
	return strings.Join(clean(words), " ")
}

// revision returns the store's revision that the event wrote or delivered, which for a request is its commit's.
func revision(n *trace.Node) int64 {
	if n.Event.EtcdRevision != 0 || n.Event.Kind != trace.APIRequest {
		return n.Event.EtcdRevision
	}
	for _, effect := range n.Effects {
		if effect.Event.Kind == trace.EtcdCommit {
			return effect.Event.EtcdRevision
		}
	}
	return 0
}

func clean(words []string) []string {
	out := words[:0]
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
