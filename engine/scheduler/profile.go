package scheduler

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubestep/kubestep/engine/tap"
	"github.com/kubestep/kubestep/engine/trace"
)

// The phases of an attempt, as events name them.
const (
	preFilter  = "prefilter"
	filter     = "filter"
	postFilter = "postfilter"
	preScore   = "prescore"
	score      = "score"
	reserve    = "reserve"
	permit     = "permit"
	preBind    = "prebind"
	bind       = "bind"
	postBind   = "postbind"
	unreserve  = "unreserve"
)

// profile is upstream's framework for one profile with a tap at each phase.
//
// Phases that only calculate (PreFilter to Score) are reported when they have calculated: held, they show their result.
// Phases that act (PostFilter, Reserve to PostBind) are reported before they do: held, nothing has happened. A phase
// without plugins does not happen and is not reported.
type profile struct {
	framework.Framework // upstream's
	tap                 *trace.Tap
	plugins             *config.Plugins // of each phase, in the order in which upstream runs them
	scores              framework.Framework
	seed                *int64
	attempts            *attempts
	preempting          *preempting
}

// begin reports a phase of an attempt. The error is the context's, when that ended while the phase was held.
func (p *profile) begin(ctx context.Context, a *attempt, phase string, frames []trace.Frame, d trace.SchedDetail) (*trace.Span, error) {
	d.Profile, d.Attempt = a.profile, a.number
	e := trace.Event{
		Actor:  actor,
		Kind:   trace.SchedPhase,
		Verb:   phase,
		Object: a.object,
		Frames: frames,
		Detail: &d,
	}
	if e.Cause = a.latest(); e.Cause != 0 {
		e.CauseLink = trace.Exact
	}
	span, err := p.tap.Begin(ctx, e)
	if err != nil {
		return nil, err
	}
	a.advance(span.Seq())
	return span, nil
}

// calculated reports a phase that has calculated since began.
func (p *profile) calculated(ctx context.Context, a *attempt, phase string, began time.Time, frames []trace.Frame, status *fwk.Status, d trace.SchedDetail) error {
	took := time.Since(began)
	span, err := p.begin(ctx, a, phase, frames, d)
	if err != nil {
		return err
	}
	span.End(status.AsError(), func(e *trace.Event) { e.DurationMs = float64(took.Microseconds()) / 1000 })
	return nil
}

// acting reports a phase that is about to act, and runs it. skipped are known before it runs, node at its end at the
// latest.
func (p *profile) acting(ctx context.Context, state fwk.CycleState, phase string, node *string, plugins []config.Plugin, skipped sets.Set[string],
	run func(ctx context.Context) *fwk.Status,
) *fwk.Status {
	a, ok := attemptIn(state)
	if !ok || len(plugins) == 0 {
		return run(ctx)
	}
	span, err := p.begin(ctx, a, phase, tap.Frames(), trace.SchedDetail{Node: *node, Plugins: columns(plugins, skipped)})
	if err != nil {
		return fwk.AsStatus(err)
	}
	status := run(trace.WithCause(ctx, span.Seq()))
	span.End(status.AsError(), func(e *trace.Event) {
		e.Detail = &trace.SchedDetail{
			Profile: a.profile, Attempt: a.number, Node: *node, Plugins: outcomes(plugins, skipped, status),
		}
	})
	return status
}

func (p *profile) RunPreFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (*fwk.PreFilterResult, *fwk.Status, sets.Set[string]) {
	began := time.Now()
	result, status, unschedulable := p.Framework.RunPreFilterPlugins(ctx, state, pod)
	a, ok := attemptIn(state)
	if !ok {
		return result, status, unschedulable
	}
	d := trace.SchedDetail{Plugins: outcomes(p.plugins.PreFilter.Enabled, state.GetSkipFilterPlugins(), status)}
	if err := p.calculated(ctx, a, preFilter, began, tap.Frames(), status, d); err != nil {
		return nil, fwk.AsStatus(err), nil
	}
	return result, status, unschedulable
}

// RunFilterPluginsWithNominatedPods is called for several nodes at once.
func (p *profile) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	began := time.Now()
	status := p.Framework.RunFilterPluginsWithNominatedPods(ctx, state, pod, node)
	if a, ok := attemptIn(state); ok {
		row := filterRow(node.Node().Name, p.plugins.Filter.Enabled, state.GetSkipFilterPlugins(), status)
		a.filtered(row, began, tap.Frames)
	}
	return status
}

// reportFilter reports what the filters have said, if they have said anything since the last report.
func (p *profile) reportFilter(ctx context.Context, state fwk.CycleState, a *attempt) error {
	rows, began, frames := a.takeRows()
	if len(rows) == 0 {
		return nil
	}
	return p.calculated(ctx, a, filter, began, frames, nil, trace.SchedDetail{
		Plugins: columns(p.plugins.Filter.Enabled, state.GetSkipFilterPlugins()),
		Filter:  rows,
	})
}

func (p *profile) RunPostFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, filtered fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	var result *fwk.PostFilterResult
	var nominated string // where the Pod will fit once others have made room
	status := p.acting(ctx, state, postFilter, &nominated, p.plugins.PostFilter.Enabled, nil, func(ctx context.Context) (status *fwk.Status) {
		if seq, ok := trace.CauseFrom(ctx); ok {
			p.preempting.began(seq)
		}
		result, status = p.Framework.RunPostFilterPlugins(ctx, state, pod, filtered)
		if result != nil && result.NominatingInfo != nil {
			nominated = result.NominatedNodeName
		}
		return status
	})
	return result, status
}

func (p *profile) RunPreScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	a, ok := attemptIn(state)
	if !ok {
		return p.Framework.RunPreScorePlugins(ctx, state, pod, nodes)
	}
	if err := p.reportFilter(ctx, state, a); err != nil {
		return fwk.AsStatus(err)
	}
	began := time.Now()
	status := p.Framework.RunPreScorePlugins(ctx, state, pod, nodes)
	d := trace.SchedDetail{Plugins: outcomes(p.plugins.PreScore.Enabled, state.GetSkipScorePlugins(), status)}
	if err := p.calculated(ctx, a, preScore, began, tap.Frames(), status, d); err != nil {
		return fwk.AsStatus(err)
	}
	return status
}

func (p *profile) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, *fwk.Status) {
	a, ok := attemptIn(state)
	if !ok {
		return p.Framework.RunScorePlugins(ctx, state, pod, nodes)
	}
	began := time.Now()
	raw := newRawScores(p.plugins.Score.Enabled, nodes)
	result, status := p.scores.RunScorePlugins(context.WithValue(ctx, rawScoresKey{}, raw), state, pod, nodes)
	if p.seed != nil {
		breakTies(*p.seed, pod, result)
	}
	d := trace.SchedDetail{
		Plugins: columns(p.plugins.Score.Enabled, state.GetSkipScorePlugins()),
		Score:   scoreRows(p.plugins.Score.Enabled, raw, result),
	}
	if err := p.calculated(ctx, a, score, began, tap.Frames(), status, d); err != nil {
		return nil, fwk.AsStatus(err)
	}
	return result, status
}

func (p *profile) RunReservePluginsReserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	return p.acting(ctx, state, reserve, &node, p.plugins.Reserve.Enabled, nil, func(ctx context.Context) *fwk.Status {
		return p.Framework.RunReservePluginsReserve(ctx, state, pod, node)
	})
}

func (p *profile) RunReservePluginsUnreserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) {
	run := func(ctx context.Context) *fwk.Status {
		p.Framework.RunReservePluginsUnreserve(ctx, state, pod, node)
		return nil
	}
	if status := p.acting(ctx, state, unreserve, &node, p.plugins.Reserve.Enabled, nil, run); !status.IsSuccess() {
		run(ctx) // held until the end: what was reserved must be given back all the same
	}
}

func (p *profile) RunPermitPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) (map[string]time.Duration, *fwk.Status) {
	var wait map[string]time.Duration
	status := p.acting(ctx, state, permit, &node, p.plugins.Permit.Enabled, nil, func(ctx context.Context) (status *fwk.Status) {
		wait, status = p.Framework.RunPermitPlugins(ctx, state, pod, node)
		return status
	})
	return wait, status
}

func (p *profile) RunPreBindPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	return p.acting(ctx, state, preBind, &node, p.plugins.PreBind.Enabled, state.GetSkipPreBindPlugins(), func(ctx context.Context) *fwk.Status {
		return p.Framework.RunPreBindPlugins(ctx, state, pod, node)
	})
}

func (p *profile) RunBindPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	return p.acting(ctx, state, bind, &node, p.plugins.Bind.Enabled, nil, func(ctx context.Context) *fwk.Status {
		return p.Framework.RunBindPlugins(ctx, state, pod, node)
	})
}

func (p *profile) RunPostBindPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) {
	p.acting(ctx, state, postBind, &node, p.plugins.PostBind.Enabled, nil, func(ctx context.Context) *fwk.Status {
		p.Framework.RunPostBindPlugins(ctx, state, pod, node)
		return nil
	})
	p.attempts.end(pod.UID) // the last thing that upstream does for a Pod that it has bound
}
