// Package schedview answers: why this node? It lists the scheduling attempts and shows what every plugin said of every
// node in the selected one.
//
// The lab screen imports it.
package schedview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/list"
	"github.com/kubestep/kubestep/tui/component/pager"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/describe"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view"
)

// attempt is one try to find a node for one Pod.
type attempt struct {
	pod    trace.Object
	number int
	phases []uint64 // events, in order
	bind   uint64   // the request that bound the Pod
}

// Scheduler is the view.
type Scheduler struct {
	events describe.Getter
	theme  theme.Theme
	say    text.Printer

	attempts []*attempt // by their first event
	byPod    map[string]*attempt
	moment   view.Moment
	words    []string
	visible  []*attempt
	chosen   *attempt
	follow   bool
	list     list.List
	listH    int
	matrix   pager.Pager
	changes  int
	shown    shownKey
}

// shownKey says what the matrix was made from.
type shownKey struct {
	attempt *attempt
	seq     uint64
	changes int
	w, h    int
}

// New returns the view.
func New(events describe.Getter) *Scheduler {
	return &Scheduler{events: events, byPod: map[string]*attempt{}, follow: true}
}

// Dress gives the view its looks and its language.
func (v *Scheduler) Dress(t theme.Theme, p text.Printer) {
	v.theme, v.say = t, p
	v.changes++
}

// mostAttempts bounds what is kept.
const mostAttempts = 5000

// Take takes events that are new or have changed.
func (v *Scheduler) Take(events []trace.Event) {
	for i := range events {
		e := &events[i]
		if d, ok := e.Detail.(*trace.SchedDetail); ok {
			v.phase(e, d)
			v.changes++
		} else if e.Kind == trace.APIRequest && e.Subresource == "binding" {
			if a := v.byPod[podKey(e.Object)]; a != nil && a.bind == 0 && a.phases[0] < e.Seq {
				a.bind = e.Seq
			}
			v.changes++
		}
	}
	if n := len(v.attempts); n > mostAttempts {
		v.attempts = slices.Clone(v.attempts[n/2:])
	}
}

func podKey(o trace.Object) string { return o.Namespace + "/" + o.Name }

func (v *Scheduler) phase(e *trace.Event, d *trace.SchedDetail) {
	a := v.byPod[podKey(e.Object)]
	if a == nil || a.pod.UID != e.Object.UID || a.number < d.Attempt {
		a = &attempt{pod: e.Object, number: d.Attempt}
		v.byPod[podKey(e.Object)] = a
		v.attempts = append(v.attempts, a)
	}
	if at, has := slices.BinarySearch(a.phases, e.Seq); !has {
		a.phases = slices.Insert(a.phases, at, e.Seq)
	}
}

// Show moves the view to a moment.
func (v *Scheduler) Show(m view.Moment) { v.moment = m }

// Filter leaves only attempts for Pods with all the words.
func (v *Scheduler) Filter(words []string) { v.words = words }

func (v *Scheduler) refresh() {
	v.visible = v.visible[:0]
	for _, a := range v.attempts {
		if a.phases[0] <= v.moment.Seq && view.Matches(strings.ToLower(podKey(a.pod)), v.words) {
			v.visible = append(v.visible, a)
		}
	}
	at := slices.Index(v.visible, v.chosen)
	if n := len(v.visible); n > 0 && (v.follow || at < 0) {
		at = n - 1
	}
	if v.chosen = nil; at >= 0 {
		v.chosen, v.list.At = v.visible[at], at
	}
}

// Move moves the selection.
func (v *Scheduler) Move(n int) {
	v.refresh()
	v.list.Move(n, len(v.visible))
	v.choose()
}

func (v *Scheduler) choose() {
	if len(v.visible) > 0 {
		v.chosen = v.visible[v.list.At]
		v.follow = v.list.At == len(v.visible)-1
	}
}

// Do scrolls the matrix.
func (v *Scheduler) Do(a keymap.Action) {
	switch a {
	case keymap.ScrollDown:
		v.matrix.Move(max(v.shown.h-1, 1))
	case keymap.ScrollUp:
		v.matrix.Move(-max(v.shown.h-1, 1))
	}
}

// Works reports whether the matrix has more than is in sight.
func (v *Scheduler) Works(a keymap.Action) bool {
	return (a == keymap.ScrollDown || a == keymap.ScrollUp) && v.matrix.Note() != ""
}

// Click selects the attempt at y.
func (v *Scheduler) Click(_, y int) {
	if y < v.listH {
		v.list.Click(y, len(v.visible))
		v.choose()
	}
}

// Selected returns the event that decided: the binding, or the last phase.
func (v *Scheduler) Selected() view.Selection {
	v.refresh()
	if v.chosen == nil {
		return view.Selection{}
	}
	return view.Selection{Seq: v.decided(v.chosen)}
}

func (v *Scheduler) decided(a *attempt) uint64 {
	if a.bind != 0 && a.bind <= v.moment.Seq {
		return a.bind
	}
	last := uint64(0)
	for _, seq := range a.phases {
		if seq <= v.moment.Seq {
			last = seq
		}
	}
	return last
}

// Page returns nil: the event says it all.
func (v *Scheduler) Page(describe.Page) []richtext.Line { return nil }

// Note says where the matrix is.
func (v *Scheduler) Note() string {
	v.refresh()
	if len(v.visible) == 0 {
		return ""
	}
	note := v.say.T(text.AttemptCount, v.list.At+1, len(v.visible))
	if more := v.matrix.Note(); more != "" {
		note += " · " + more
	}
	return note
}

// result is what an attempt has come to at the moment.
type result struct {
	filter, score *trace.SchedDetail
	node          string
	feasible, all int
	failed        bool
}

func (v *Scheduler) result(a *attempt) (r result) {
	for _, seq := range a.phases {
		e, ok := v.events.Get(seq)
		if !ok || seq > v.moment.Seq {
			continue
		}
		d, ok := e.Detail.(*trace.SchedDetail)
		if !ok {
			continue
		}
		if len(d.Filter) > 0 {
			r.filter = d
		}
		if len(d.Score) > 0 {
			r.score = d
		}
		if d.Node != "" {
			r.node = d.Node
		}
		r.failed = r.failed || e.Verb == "postfilter"
	}
	if r.filter != nil {
		for _, row := range r.filter.Filter {
			if r.all++; row.Status == "" && row.Reason == "" {
				r.feasible++
			}
		}
	}
	if e, ok := v.events.Get(a.bind); ok && a.bind <= v.moment.Seq {
		if d, ok := e.Detail.(*trace.RequestDetail); ok {
			r.node = describe.BindingTarget(d.Body)
		}
	}
	return r
}

// View returns h lines of w cells: the attempts above, the matrix below.
func (v *Scheduler) View(w, h int, focused bool) []string {
	v.refresh()
	if len(v.visible) == 0 {
		return layout.FitLines(richtext.Render(v.theme, []richtext.Line{richtext.Text(theme.Dim, v.say.T(text.NoAttempts))}, w), w, h)
	}
	v.listH = min(len(v.visible), max(h/4, 2))
	out := v.list.View(v.theme, len(v.visible), func(i int) []list.Cell { return v.row(v.visible[i]) }, w, v.listH, focused)
	out = append(out, v.theme.Paint(theme.Border, strings.Repeat("─", w)))
	mh := h - len(out)
	k := shownKey{v.chosen, v.moment.Seq, v.changes, w, mh}
	if k != v.shown {
		if k.attempt != v.shown.attempt {
			v.matrix.Top()
		}
		v.shown = k
		r := v.result(v.chosen)
		lines := describe.Scheduling(v.say, r.filter, r.score, r.node, w)
		if len(lines) == 0 {
			lines = []richtext.Line{richtext.Text(theme.Dim, v.say.T(text.NoScoresYet))}
		}
		v.matrix.Set(v.theme, lines, w, mh)
	}
	return append(out, v.matrix.View(w, mh)...)
}

func (v *Scheduler) row(a *attempt) []list.Cell {
	r := v.result(a)
	outcome, role := v.say.T(text.UnderWay), theme.Warn
	switch {
	case r.node != "":
		outcome, role = "→ "+r.node, theme.Good
	case r.failed || r.all > 0 && r.feasible == 0:
		outcome, role = "✗ "+v.say.T(text.NoNodeFits), theme.Bad
	}
	fits := ""
	if r.all > 0 {
		fits = fmt.Sprintf("%d/%d", r.feasible, r.all)
	}
	name := a.pod.Name
	if a.pod.Namespace != "default" {
		name = a.pod.Namespace + "/" + name
	}
	return []list.Cell{{Role: theme.Dim, Text: fmt.Sprintf("#%d", v.decided(a)), Width: 8}, {Role: theme.Object, Text: name},
		{Role: theme.Dim, Text: v.say.T(text.AttemptNumber, a.number), Width: 11}, {Role: theme.Plain, Text: fits, Width: -8}, {Role: role, Text: outcome, Width: 20}}
}
