package scheduler

import (
	"slices"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/kubestep/kubestep/engine/trace"
)

// attempt is one try to place one Pod. It lives in the cycle state that upstream hands from phase to phase, and so as
// long as that.
type attempt struct {
	object  trace.Object
	profile string
	number  int

	mu   sync.Mutex // filters run for many nodes at once
	last uint64     // the latest phase
	rows map[string]trace.FilterRow
	from time.Time // when the first node was filtered
	at   []trace.Frame
}

// attemptKey is where the attempt is in the cycle state.
const attemptKey fwk.StateKey = "kubestep.dev/attempt"

// Clone implements fwk.StateData. Copies of a state, which upstream makes to try things out, belong to the same attempt.
func (a *attempt) Clone() fwk.StateData { return a }

// attemptIn returns the attempt that a state belongs to; ok is false for states that upstream makes for something else.
func attemptIn(state fwk.CycleState) (a *attempt, ok bool) {
	data, err := state.Read(attemptKey)
	if err != nil {
		return nil, false
	}
	a, ok = data.(*attempt)
	return a, ok
}

func newAttempt(pod *v1.Pod, profile string, number int) *attempt {
	return &attempt{
		object: trace.Object{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID),
		},
		profile: profile,
		number:  number,
		rows:    map[string]trace.FilterRow{},
	}
}

func (a *attempt) latest() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

func (a *attempt) advance(seq uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = max(a.last, seq)
}

// filtered takes in what the filters said of one node.
func (a *attempt) filtered(row trace.FilterRow, began time.Time, frames func() []trace.Frame) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.from.IsZero() {
		a.from, a.at = began, frames()
	}
	a.rows[row.Node] = row
}

// takeRows returns the rows gathered so far, by node, and forgets them; began is when the first node was filtered.
func (a *attempt) takeRows() (rows []trace.FilterRow, began time.Time, frames []trace.Frame) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, row := range a.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(x, y trace.FilterRow) int { return strings.Compare(x.Node, y.Node) })
	began, frames = a.from, a.at
	a.rows, a.from, a.at = map[string]trace.FilterRow{}, time.Time{}, nil
	return rows, began, frames
}

// filterRow says what the filters said of one node. Upstream runs them in order, leaves out those whose PreFilter had
// nothing to say, and stops at the first that fails (framework/runtime/framework.go, RunFilterPlugins): the status of the
// whole tells what each of them said.
func filterRow(node string, plugins []config.Plugin, skipped sets.Set[string], status *fwk.Status) trace.FilterRow {
	row := trace.FilterRow{Node: node, Results: make([]string, len(plugins))}
	failed := len(plugins)
	if !status.IsSuccess() {
		row.Status, row.Reason = status.Code().String(), status.Message()
		failed = slices.IndexFunc(plugins, func(p config.Plugin) bool { return p.Name == status.Plugin() })
	}
	for i, p := range plugins {
		switch {
		case i > failed: // not reached; and where no plugin failed but something around them, none is known to have run
		case i == failed:
			row.Results[i] = "fail"
		case skipped.Has(p.Name):
			row.Results[i] = "skip"
		default:
			row.Results[i] = "pass"
		}
	}
	return row
}

// columns returns the plugins of a phase in upstream's order.
func columns(plugins []config.Plugin, skipped sets.Set[string]) []trace.SchedPlugin {
	out := make([]trace.SchedPlugin, len(plugins))
	for i, p := range plugins {
		out[i] = trace.SchedPlugin{Name: p.Name, Weight: p.Weight, Skipped: skipped.Has(p.Name)}
	}
	return out
}

// outcomes returns the plugins of a phase that runs them one after the other until one fails, with what each of them
// said. Where upstream's status names no plugin, what each of them said is not known, and is left empty.
func outcomes(plugins []config.Plugin, skipped sets.Set[string], status *fwk.Status) []trace.SchedPlugin {
	out := columns(plugins, skipped)
	failed := len(out)
	if !status.IsSuccess() && !status.IsWait() {
		failed = slices.IndexFunc(plugins, func(p config.Plugin) bool { return p.Name == status.Plugin() })
	}
	for i := range out {
		switch {
		case i > failed:
		case i == failed:
			out[i].Status, out[i].Reason = status.Code().String(), status.Message()
		case !out[i].Skipped:
			out[i].Status = fwk.Success.String()
		}
	}
	return out
}
