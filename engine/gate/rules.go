package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// NeverHeld reports whether e passes whatever the mode and the breakpoints are, with a reason for a reader. While the
// lab is paused, for an hour if need be, these keep the cluster alive: leases and other heartbeats, a request's own
// authentication, the set-up of lists and watches. Events (the Kubernetes objects) are reports that clients drop when
// they are slow.
func NeverHeld(e *trace.Event) (reason string, never bool) {
	switch {
	case e.Background:
		return "it is background traffic: health checks, discovery, list and watch set-up", true
	case e.Kind == trace.EtcdCommit:
		return "a commit is seen when it has happened; hold the request, or its stage \"storage\"", true
	case e.Verb == "watch" && e.Kind == trace.APIRequest:
		return "it only sets up a watch; hold what it delivers: watch.deliver", true
	case e.Actor == "kube-apiserver" && e.Kind != trace.APIStage:
		return "it is the API server talking to itself; hold its stages: api.stage", true
	case e.Kind == trace.NetFault:
		return "it is done by whoever says so, outside the lab", true
	case e.Kind == trace.CRICall && (e.Verb == "signal" || e.Verb == "exit"):
		return "a runtime tells of it when it has happened", true
	}
	switch k := e.Object.Kind; {
	case k == "Lease":
		return "leases are the nodes' heartbeats: held, the nodes would go NotReady", true
	case k == "Event":
		return "Event objects only report what has happened, and clients drop them rather than wait", true
	case k == "TokenReview", strings.HasSuffix(k, "AccessReview"), k == "SelfSubjectRulesReview",
		k == "SelfSubjectReview":
		return "token and access reviews are part of other requests", true
	case e.Subresource == "token":
		return "a token is asked for while a volume is mounted, and the kubelet gives that up after two minutes", true
	case k == "Node" && e.Subresource == "status" && strings.HasPrefix(e.Actor, "kubelet"):
		return "node status updates are heartbeats: held, the nodes would go NotReady", true
	}
	return "", false
}

// levels are in order, from coarse to fine.
var levels = []engine.Level{engine.Requests, engine.Calls, engine.Hops, engine.Deliveries, engine.Stages}

// finder returns an event by its number, as [trace.Store.Get] does.
type finder func(seq uint64) (trace.Event, bool)

// rules decide what is held. They are immutable, so that arriving events read them without a lock.
type rules struct {
	mode   engine.Mode
	level  engine.Level
	breaks []*Pattern
	follow []*Pattern // name Pods; they hold nothing
	runTo  *Pattern
}

// idle reports whether nothing can be held.
func (r *rules) idle() bool { return r.mode == engine.Run && len(r.breaks) == 0 && r.runTo == nil }

// hold says whether e must wait, and whether it is what run-to runs to.
func (r *rules) hold(e *trace.Event, find finder) (hold, arrived bool) {
	if _, never := NeverHeld(e); never {
		return false, false
	}
	byLevel := r.levelHolds(e, find)
	stops := func(p *Pattern) bool {
		return p.Match(e) && (byLevel || p.names(fieldVerb, e.Verb) || p.names(fieldKind, string(e.Kind)) && !reads(e, find))
	}
	if r.runTo != nil && stops(r.runTo) {
		return true, true
	}
	return r.mode == engine.Paused && byLevel || slices.ContainsFunc(r.breaks, stops), false
}

// mayHoldStages reports whether some stage of a request could be held.
func (r *rules) mayHoldStages() bool {
	if r.level == engine.Stages {
		return !r.idle()
	}
	named := func(p *Pattern) bool {
		return p.names(fieldKind, string(trace.APIStage)) ||
			slices.ContainsFunc(verbs[trace.APIStage], func(verb string) bool { return p.names(fieldVerb, verb) })
	}
	return r.runTo != nil && named(r.runTo) || slices.ContainsFunc(r.breaks, named)
}

// levelHolds reports whether the level is fine enough for e.
func (r *rules) levelHolds(e *trace.Event, find finder) bool {
	needs := engine.Requests
	switch e.Kind {
	case trace.APIRequest:
	case trace.CRICall:
		needs = engine.Calls
	case trace.NetHop:
		needs = engine.Hops
	case trace.WatchDeliver, trace.SchedPhase:
		needs = engine.Deliveries
	case trace.APIStage:
		needs = engine.Stages
	default: // a kind of a later version: only breakpoints that name it
		return false
	}
	return slices.Index(levels, r.level) >= slices.Index(levels, needs) && !reads(e, find) && !heartbeat(e, find)
}

// heartbeat reports whether e delivers a commit that is background, such as a Node's status. Held, it would come from
// every node to every watcher every few seconds.
func heartbeat(e *trace.Event, find finder) bool {
	if e.Kind != trace.WatchDeliver {
		return false
	}
	commit, ok := find(e.Cause)
	return ok && commit.Kind == trace.EtcdCommit && commit.Background
}

// reads reports whether e changes nothing, neither by itself nor as a part of what it is in.
func reads(e *trace.Event, find finder) bool {
	switch e.Kind {
	case trace.APIRequest:
		return !e.Writes()
	case trace.CRICall:
		return !slices.Contains(changingCalls, e.Verb)
	case trace.APIStage:
		request, ok := find(e.Cause)
		return ok && request.Kind == trace.APIRequest && !request.Writes()
	}
	return false
}

// changingCalls are the CRI methods that change something and are not a probe or what the learner types (ExecSync, Exec,
// Attach, PortForward).
var changingCalls = []string{"RunPodSandbox", "StopPodSandbox", "RemovePodSandbox", "UpdatePodSandboxResources",
	"CreateContainer", "StartContainer", "StopContainer", "RemoveContainer", "UpdateContainerResources",
	"CheckpointContainer", "PullImage", "RemoveImage"}

// holdable returns an error when nothing that p matches is ever held, as a breakpoint that is never hit misleads.
func (p *Pattern) holdable() error {
	kind, verb, resource, actor := p.only(fieldKind), p.only(fieldVerb), p.only(fieldResource), p.only(fieldActor)
	if kind == "" && verb != "" {
		kind = string(verbKind(verb))
	}
	e := trace.Event{Actor: actor, Kind: trace.Kind(kind), Verb: verb, Subresource: p.only(fieldSub),
		Object: trace.Object{Kind: properKind(resource)}}
	if reason, never := NeverHeld(&e); never && kind+verb+resource != "" {
		return fmt.Errorf("%w: what pattern %q matches is never held: %s", engine.ErrUsage, p, reason)
	}
	return nil
}

// only returns the one value that the pattern lets the field have, "" when there may be others.
func (p *Pattern) only(f field) string {
	if values := p.literals(f); len(values) == 1 {
		return values[0]
	}
	return ""
}

// properKind returns a kind in the case that the API writes it in, for those kinds that NeverHeld tells apart.
func properKind(kind string) string {
	for _, k := range []string{"Lease", "Event", "Node", "TokenReview", "SubjectAccessReview", "LocalSubjectAccessReview",
		"SelfSubjectAccessReview", "SelfSubjectRulesReview"} {
		if strings.EqualFold(k, kind) {
			return k
		}
	}
	return ""
}
