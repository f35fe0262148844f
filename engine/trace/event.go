package trace

import "time"

// Kind says on which edge an event was seen.
type Kind string

// The kinds of event, one for each edge that is tapped.
const (
	// APIRequest is one HTTP request of one component to the API server.
	APIRequest Kind = "api.request"
	// APIStage is one step of one request inside the API server: authentication, fairness, authorization, one admission
	// plugin, storage.
	APIStage Kind = "api.stage"
	// EtcdCommit is one key written or deleted in etcd.
	EtcdCommit Kind = "etcd.commit"
	// WatchDeliver is one object change that reached one component over one watch.
	WatchDeliver Kind = "watch.deliver"
	// SchedPhase is one extension point of one scheduling attempt.
	SchedPhase Kind = "sched.phase"
	// CRICall is one call of the kubelet to its container runtime, or something a runtime did by itself (verb "signal",
	// "exit").
	CRICall Kind = "cri.call"
	// NetHop is one packet at one point of its path through the lab's network.
	NetHop Kind = "net.hop"
	// DNSQuery is one question about one name to one DNS server: at the resolver that asks it (verb "ask"), or at the
	// server that answers it (verb "serve").
	DNSQuery Kind = "dns.query"
	// NetFault is something that somebody has broken on purpose (verb "set"), or mended (verb "heal"): a link, a node, a
	// service proxy. Its object is the Node or the Pod. It is told when it has been done, and never held.
	NetFault Kind = "net.fault"
)

// Object names the Kubernetes object an event is about. Fields that are not known are empty; the zero Object means that
// the event is about no object.
type Object struct {
	APIVersion string `json:"apiVersion,omitempty"` // "apps/v1", "v1"
	Kind       string `json:"kind,omitempty"`       // "ReplicaSet"
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
	UID        string `json:"uid,omitempty"`
}

// IsZero reports whether o names nothing.
func (o Object) IsZero() bool { return o == Object{} }

// String returns "kind/namespace/name" in lower case, leaving out what is empty.
func (o Object) String() string {
	s := lower(o.Kind)
	if o.Namespace != "" {
		s += "/" + o.Namespace
	}
	if o.Name != "" {
		s += "/" + o.Name
	}
	return s
}

// Frame is one function on the call stack that led to an event, innermost first in [Event.Frames].
type Frame struct {
	Func string `json:"func"` // "deployment.(*DeploymentController).getNewReplicaSet"
	File string `json:"file"` // path inside the upstream module: "pkg/controller/deployment/sync.go"
	Line int    `json:"line"`
	// Module is the upstream module when that is not k8s.io/kubernetes: "k8s.io/kubectl".
	Module string `json:"module,omitempty"`
}

// Link says how an event's cause is known.
type Link string

const (
	// Exact causes were carried along: an audit ID, a revision, a context.
	Exact Link = "exact"
	// Inferred causes are the latest thing the actor learnt about the object, its owner or its dependents.
	Inferred Link = "inferred"
)

// Event is one thing one actor did. Events are values: a reader may keep and change its copy, but must not change what
// Frames, Refs and Detail point at.
type Event struct {
	// Seq orders events by when they were allowed to happen, from 1. A cause always has a smaller Seq than its effect.
	// Zero means not yet allowed: the event is held at the gate.
	Seq uint64 `json:"seq"`
	// Time is when the event began (for a held one: when it was released).
	Time time.Time `json:"time"`
	// Actor is the component as a learner knows it: "kubectl", "deployment-controller", "kubelet@node-1".
	Actor string `json:"actor"`
	// Process is the program the actor runs in when that differs from Actor: controllers share the informers of
	// "kube-controller-manager".
	Process string `json:"process,omitempty"`
	Kind    Kind   `json:"kind"`
	// Verb is the request's verb (get, list, watch, create, update, patch, delete, deletecollection, connect), the
	// stage's, phase's or CRI method's name, "put" or "delete" for a commit, the watch event's type in lower case.
	Verb string `json:"verb"`
	// Subresource is "status", "binding", "exec"...; empty for the object itself.
	Subresource string `json:"subresource,omitempty"`
	Object      Object `json:"object,omitzero"`
	// ResourceVersion is the object's after the event, when it is known.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// EtcdRevision is the store's revision that the event wrote or delivered; 0 when it did neither. With it,
	// engine/history shows the cluster as it was.
	EtcdRevision int64  `json:"etcdRevision,omitempty"`
	Cause        uint64 `json:"cause,omitempty"`
	CauseLink    Link   `json:"causeLink,omitempty"`
	// Frames is the upstream call stack, innermost first.
	Frames     []Frame `json:"frames,omitempty"`
	Detail     Detail  `json:"detail,omitempty"`
	DurationMs float64 `json:"durationMs,omitempty"`
	Error      string  `json:"error,omitempty"`
	// Open is set while the event has begun and not ended.
	Open bool `json:"open,omitempty"`
	// Background marks what goes on all the time and teaches nothing by itself: leases, health checks, discovery, list
	// and watch set-up. It is never held, and shown only on demand.
	Background bool `json:"background,omitempty"`
	// Root marks what nothing in the lab caused: somebody outside asked for it.
	Root bool `json:"root,omitempty"`
	// Refs are the other objects this one hangs together with; causes are inferred through them.
	Refs Refs `json:"refs,omitzero"`
}

// Refs names the objects an event's object hangs together with, by UID.
type Refs struct {
	// Owners are the UIDs in metadata.ownerReferences.
	Owners []string `json:"owners,omitempty"`
	// Involved are the UIDs of what the object is about: the Pod of a Binding or a token request, the object of an
	// Event, the targets of an EndpointSlice.
	Involved []string `json:"involved,omitempty"`
	// Terminating is set when the object has a deletionTimestamp.
	Terminating bool `json:"terminating,omitempty"`
}

// IsZero reports whether r names nothing.
func (r Refs) IsZero() bool { return len(r.Owners) == 0 && len(r.Involved) == 0 && !r.Terminating }

// Writes reports whether e asks the API server to change something.
func (e *Event) Writes() bool {
	if e.Kind != APIRequest {
		return false
	}
	switch e.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return false
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
