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

// key tells attempts apart.
func (a *attempt) key() string { return fmt.Sprint(podKey(a.pod), a.pod.UID, a.number) }

// Scheduler is the view.
type Scheduler struct {
	view.Base
	events describe.Getter

	attempts []*attempt // by their first event
	byPod    map[string]*attempt
	visible  list.Keyed[*attempt]
	listH    int
	matrix   pager.Sheet
}

// New returns the view.
func New(events describe.Getter) *Scheduler {
	return &Scheduler{events: events, byPod: map[string]*attempt{}, visible: list.Keyed[*attempt]{Key: (*attempt).key, End: list.Last}}
}

// mostAttempts bounds what is kept.
const mostAttempts = 5000

// Take takes events that are new or have changed.
func (v *Scheduler) Take(events []trace.Event) {
	for i := range events {
		e := &events[i]
		if d, ok := e.Detail.(*trace.SchedDetail); ok {
			v.phase(e, d)
			v.Touch()
		} else if e.Kind == trace.APIRequest && e.Subresource == "binding" {
			if a := v.byPod[podKey(e.Object)]; a != nil && a.bind == 0 && a.phases[0] < e.Seq {
				a.bind = e.Seq
			}
			v.Touch()
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

func (v *Scheduler) refresh() {
	if !v.Stale() {
		return
	}
	var visible []*attempt
	for _, a := range v.attempts {
		if a.phases[0] <= v.Moment.Seq && view.Matches(strings.ToLower(podKey(a.pod)), v.Words) {
			visible = append(visible, a)
		}
	}
	v.visible.Set(visible)
}

// Move moves the selection.
func (v *Scheduler) Move(n int) {
	v.refresh()
	v.visible.Move(n)
}

// Do scrolls the matrix.
func (v *Scheduler) Do(a keymap.Action) {
	switch a {
	case keymap.ScrollDown:
		v.matrix.Page(1)
	case keymap.ScrollUp:
		v.matrix.Page(-1)
	}
}

// Works reports whether the matrix has more than is in sight.
func (v *Scheduler) Works(a keymap.Action) bool {
	return (a == keymap.ScrollDown || a == keymap.ScrollUp) && v.matrix.Overflows()
}

// Click selects the attempt at y.
func (v *Scheduler) Click(_, y int) {
	if v.refresh(); y < v.listH {
		v.visible.Click(y)
	}
}

// Selected returns the event that decided: the binding, or the last phase.
func (v *Scheduler) Selected() view.Selection {
	v.refresh()
	a, ok := v.visible.Selected()
	if !ok {
		return view.Selection{}
	}
	return view.Selection{Seq: v.decided(a)}
}

func (v *Scheduler) decided(a *attempt) uint64 {
	if a.bind != 0 && a.bind <= v.Moment.Seq {
		return a.bind
	}
	last := uint64(0)
	for _, seq := range a.phases {
		if seq <= v.Moment.Seq {
			last = seq
		}
	}
	return last
}

// Note says where the matrix is.
func (v *Scheduler) Note() string {
	v.refresh()
	if v.visible.Len() == 0 {
		return ""
	}
	note := v.Say.T(text.AttemptCount, v.visible.At()+1, v.visible.Len())
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
		if !ok || seq > v.Moment.Seq {
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
	if e, ok := v.events.Get(a.bind); ok && a.bind <= v.Moment.Seq {
		if d, ok := e.Detail.(*trace.RequestDetail); ok {
			r.node = describe.BindingTarget(d.Body)
		}
	}
	return r
}

// View returns h lines of w cells: the attempts above, the matrix below.
func (v *Scheduler) View(w, h int, focused bool) []string {
	v.refresh()
	chosen, ok := v.visible.Selected()
	if !ok {
		return v.Nothing(text.NoAttempts, w, h)
	}
	v.listH = min(v.visible.Len(), max(h/4, 2))
	out := v.visible.View(v.Theme, v.row, w, v.listH, focused)
	out = append(out, v.Theme.Paint(theme.Border, strings.Repeat("─", w)))
	mh := h - len(out)
	v.matrix.Show(v.Theme, chosen, [2]uint64{uint64(v.Version), v.Moment.Seq}, w, mh, func() []richtext.Line {
		r := v.result(chosen)
		lines := describe.Scheduling(v.Say, r.filter, r.score, r.node, w)
		if len(lines) == 0 {
			lines = []richtext.Line{richtext.Text(theme.Dim, v.Say.T(text.NoScoresYet))}
		}
		return lines
	})
	return append(out, v.matrix.View(w, mh)...)
}

func (v *Scheduler) row(a *attempt) []list.Cell {
	r := v.result(a)
	outcome, role := v.Say.T(text.UnderWay), theme.Warn
	switch {
	case r.node != "":
		outcome, role = "→ "+r.node, theme.Good
	case r.failed || r.all > 0 && r.feasible == 0:
		outcome, role = "✗ "+v.Say.T(text.NoNodeFits), theme.Bad
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
		{Role: theme.Dim, Text: v.Say.T(text.AttemptNumber, a.number), Width: 11}, {Role: theme.Plain, Text: fits, Width: -8}, {Role: role, Text: outcome, Width: 20}}
}
