package scheduler

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubestep/kubestep/engine/trace"
)

// attach puts the tap between the scheduler and the frameworks of its profiles. The scheduler must not run yet.
//
// Upstream calls a framework once per phase; Scheduler.Profiles, SchedulePod and FailureHandler are the exported fields
// through which it does so (pkg/scheduler/scheduler.go).
func attach(ctx context.Context, sched *upstream.Scheduler, c *config.KubeSchedulerConfiguration, t *trace.Tap, pre *preempting, seed *int64) error {
	attempts := &attempts{byPod: map[types.UID]*attempt{}}
	for i := range c.Profiles {
		name := c.Profiles[i].SchedulerName
		inner := sched.Profiles[name]
		scores, err := newScorer(ctx, inner, &c.Profiles[i], int(c.Parallelism))
		if err != nil {
			return fmt.Errorf("profile %q: %w", name, err)
		}
		sched.Profiles[name] = &profile{
			Framework: inner, tap: t, plugins: inner.ListPlugins(), scores: scores, attempts: attempts,
			preempting: pre, seed: seed,
		}
	}

	schedule := sched.SchedulePod
	sched.SchedulePod = func(ctx context.Context, f framework.Framework, state fwk.CycleState, info *framework.QueuedPodInfo) (upstream.ScheduleResult, error) {
		p, ok := f.(*profile)
		if !ok {
			return schedule(ctx, f, state, info)
		}
		a := newAttempt(info.Pod, f.ProfileName(), info.Attempts)
		state.Write(attemptKey, a)
		attempts.begin(info.Pod.UID, a)
		result, err := schedule(ctx, f, state, info)
		// With one feasible node there is no scoring, and with none there may be no PostFilter: the filters' verdict is
		// reported here at the latest.
		if held := p.reportFilter(ctx, state, a); held != nil {
			return upstream.ScheduleResult{}, held
		}
		return result, err
	}

	fail := sched.FailureHandler
	sched.FailureHandler = func(ctx context.Context, f framework.Framework, info *framework.QueuedPodInfo, status *fwk.Status, nominating *fwk.NominatingInfo, start time.Time) {
		if a := attempts.end(info.Pod.UID); a != nil {
			ctx = trace.WithCause(ctx, a.latest()) // of the patch that tells the Pod why
		}
		fail(ctx, f, info, status, nominating, start)
	}
	return nil
}

// attempts are those under way, by Pod: what comes after the last phase has no cycle state at hand.
type attempts struct {
	mu    sync.Mutex
	byPod map[types.UID]*attempt
}

func (as *attempts) begin(pod types.UID, a *attempt) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.byPod[pod] = a
}

// end forgets the Pod's attempt and returns it, nil when there is none.
func (as *attempts) end(pod types.UID) *attempt {
	as.mu.Lock()
	defer as.mu.Unlock()
	a := as.byPod[pod]
	delete(as.byPod, pod)
	return a
}
