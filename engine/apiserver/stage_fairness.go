package apiserver

import (
	"context"
	"errors"
	"time"

	flowcontrol "k8s.io/api/flowcontrol/v1"
	utilflowcontrol "k8s.io/apiserver/pkg/util/flowcontrol"
	"k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing"
	"k8s.io/apiserver/pkg/util/flowcontrol/request"

	"github.com/kubestep/kubestep/engine/trace"
)

// fairnessTap reports the flow schema and priority level that a request falls into, and whether it got its turn.
type fairnessTap struct{ utilflowcontrol.Interface }

// queueWait is how long a request waits for its turn, upstream's quarter of a minute. Upstream counts from when the
// request came (pkg/server/filters/priority-and-fairness.go, getRequestWaitContext), which would leave nothing to one that
// was held before.
const queueWait = 15 * time.Second

var errNoTurn = errors.New("too many requests of this priority level are waiting")

func (f fairnessTap) Handle(ctx context.Context, digest utilflowcontrol.RequestDigest,
	note func(*flowcontrol.FlowSchema, *flowcontrol.PriorityLevelConfiguration, string),
	estimate func() request.WorkEstimate, queued fairqueuing.QueueNoteFn, execute func(),
) {
	t := staged(ctx)
	if t == nil {
		f.Interface.Handle(ctx, digest, note, estimate, queued, execute)
		return
	}
	// Held here, the request has neither a lock nor a seat. ctx is that of waiting in the queue, and short.
	held := untilGone{context.WithoutCancel(ctx), t.gone}
	span, err := t.begin(held, trace.StageFairness, &trace.StageDetail{})
	if err != nil {
		return // without a turn: the caller answers 429
	}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueWait)
	defer cancel()
	detail := &trace.StageDetail{Decision: "rejected"}
	noted := func(schema *flowcontrol.FlowSchema, level *flowcontrol.PriorityLevelConfiguration, distinguisher string) {
		detail.FlowSchema, detail.PriorityLevel = schema.Name, level.Name
		note(schema, level, distinguisher)
	}
	f.Interface.Handle(waiting, digest, noted, estimate, queued, func() {
		detail.Decision = "admitted"
		end(span, nil, detail)
		execute()
	})
	if detail.Decision == "rejected" {
		end(span, errNoTurn, detail)
	}
}
