// Package scene plays a recorded-looking run of one Deployment of one Pod for tests of the interface: as a plain store,
// and behind a gate that holds, steps and continues. It stands for a lab in tests only.
package scene

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// item is one event of the play.
type item struct {
	event trace.Event
	label string // other items name it as their cause
	cause string
	// level is the coarsest one that holds the event, "" when nothing does.
	level engine.Level
	// beside the held event before it, this one is held too.
	beside bool
}

// Start is when the play begins.
func Start() time.Time { return time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC) }

const (
	replicaSet = "web-6f8d9c7b5"
	pod        = replicaSet + "-x2x4k"
)

func object(version, kind, name string) trace.Object {
	return trace.Object{APIVersion: version, Kind: kind, Namespace: "default", Name: name, UID: "uid-" + name}
}

func body(v any) *trace.Body {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // the play is wrong
	}
	return trace.JSONBody(raw)
}

type m map[string]any

func deployment(status m) m {
	return m{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": m{"name": "web", "namespace": "default", "uid": "uid-web"},
		"spec": m{"replicas": 1, "template": m{"spec": m{"containers": []m{{"name": "web", "image": "kubestep.dev/web:v1"}}}}}, "status": status}
}

func ownedBy(kind, name string) []m {
	return []m{{"kind": kind, "name": name, "uid": "uid-" + name, "controller": true}}
}

func replicas(status m) m {
	return m{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": m{"name": replicaSet, "namespace": "default", "ownerReferences": ownedBy("Deployment", "web")},
		"spec": m{"replicas": 1}, "status": status}
}

func podObject(node, phase string) m {
	spec := m{"containers": []m{{"name": "web", "image": "kubestep.dev/web:v1"}}}
	if node != "" {
		spec["nodeName"] = node
	}
	status := m{"phase": phase}
	if phase == "Running" {
		status["containerStatuses"] = []m{{"name": "web", "ready": true}}
		status["conditions"] = []m{{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}}
	}
	return m{"apiVersion": "v1", "kind": "Pod", "metadata": m{"name": pod, "namespace": "default", "ownerReferences": ownedBy("ReplicaSet", replicaSet)}, "spec": spec, "status": status}
}

func request(label, cause, actor, verb, resource, sub string, o trace.Object, sent m) item {
	method := map[string]string{"create": "POST", "update": "PUT", "patch": "PATCH", "get": "GET"}[verb]
	status := 200
	if verb == "create" {
		status = 201
	}
	uri := "/api/v1/namespaces/default/" + resource + "/" + o.Name
	return item{label: label, cause: cause, level: engine.Requests, event: trace.Event{Actor: actor, Kind: trace.APIRequest,
		Verb: verb, Subresource: sub, Object: o, DurationMs: 4.2,
		Detail: &trace.RequestDetail{Method: method, URI: uri, Resource: resource, Status: status, Body: body(sent)}}}
}

func (it item) frames(f ...trace.Frame) item {
	it.event.Frames, it.event.Process = f, "kube-controller-manager"
	return it
}

func (it item) of(process string) item { it.event.Process = process; return it }

func (it item) besides() item { it.beside = true; return it }

func commit(label, cause string, revision int64, o trace.Object, before, after m) item {
	d := &trace.CommitDetail{Key: fmt.Sprintf("/registry/%ss/default/%s", strings.ToLower(o.Kind), o.Name), Version: 1, Bytes: 812, After: body(after)}
	if before != nil {
		d.Before, d.Version, d.PrevBytes = body(before), 2, 790
	}
	return item{label: label, cause: cause, event: trace.Event{Actor: "etcd", Kind: trace.EtcdCommit, Verb: "put", Object: o,
		EtcdRevision: revision, ResourceVersion: fmt.Sprint(revision), Detail: d}}
}

// node is a Node that was there before the run.
func node(name string, revision int64) item {
	o := trace.Object{APIVersion: "v1", Kind: "Node", Name: name, UID: "uid-" + name}
	v := m{"apiVersion": "v1", "kind": "Node", "metadata": m{"name": name}, "status": m{"conditions": []m{{"type": "Ready", "status": "True", "reason": "KubeletReady"}}}}
	it := commit("", "", revision, o, nil, v)
	it.event.Background = true
	it.event.Detail.(*trace.CommitDetail).Key = "/registry/minions/" + name
	return it
}

// happened is an Event about the Pod.
func happened(cause, reason, message string, revision int64) item {
	o := trace.Object{APIVersion: "v1", Kind: "Event", Namespace: "default", Name: pod + "." + reason, UID: "uid-" + reason}
	it := commit("", cause, revision, o, nil, m{"kind": "Event", "metadata": m{"name": o.Name}, "involvedObject": m{"kind": "Pod", "name": pod, "uid": "uid-" + pod},
		"reason": reason, "message": message, "type": "Normal", "count": 1, "source": m{"component": "default-scheduler"}})
	it.event.Background = true
	return it
}

func deliver(label, cause, actor, verb string, revision int64, o trace.Object, v m) item {
	return item{label: label, cause: cause, level: engine.Deliveries, event: trace.Event{Actor: actor, Kind: trace.WatchDeliver,
		Verb: verb, Object: o, EtcdRevision: revision,
		Detail: &trace.DeliverDetail{URI: "/api/v1/watch", Client: "shared-informers", Object: body(v)}}}
}

func stage(cause, name, plugin, decision string, o trace.Object) item {
	return item{cause: cause, level: engine.Stages, event: trace.Event{Actor: "kube-apiserver", Kind: trace.APIStage, Verb: name, Object: o,
		Detail: &trace.StageDetail{Plugin: plugin, Decision: decision, User: "kubestep-admin", Groups: []string{"system:masters"}}}}
}

func call(label, cause, method, image string) item {
	return item{label: label, cause: cause, level: engine.Calls, event: trace.Event{Actor: "kubelet@node-2", Kind: trace.CRICall, Verb: method,
		Object: object("v1", "Pod", pod), DurationMs: 12,
		Detail: &trace.CRIDetail{Node: "node-2", Sandbox: "4be1f09a", Name: "web", Image: image, Request: body(m{"config": m{"name": "web"}})}}}
}

func phase(label, cause, verb string, d trace.SchedDetail) item {
	d.Profile, d.Attempt = "default-scheduler", 1
	return item{label: label, cause: cause, level: engine.Deliveries, event: trace.Event{Actor: "kube-scheduler", Kind: trace.SchedPhase, Verb: verb,
		Object: object("v1", "Pod", pod), Detail: &d}}
}

func filterMatrix() trace.SchedDetail {
	return trace.SchedDetail{
		Plugins: []trace.SchedPlugin{{Name: "NodeUnschedulable"}, {Name: "TaintToleration"}, {Name: "NodeResourcesFit"}},
		Filter: []trace.FilterRow{{Node: "node-1", Results: []string{"pass", "fail", ""}, Status: "UnschedulableAndUnresolvable",
			Reason: "node(s) had untolerated taint(s)"}, {Node: "node-2", Results: []string{"pass", "pass", "pass"}},
			{Node: "node-3", Results: []string{"pass", "pass", "pass"}}}}
}

func scoreMatrix() trace.SchedDetail {
	return trace.SchedDetail{Node: "node-2",
		Plugins: []trace.SchedPlugin{{Name: "TaintToleration", Weight: 3}, {Name: "NodeResourcesFit", Weight: 1}, {Name: "PodTopologySpread", Weight: 2}},
		Score: []trace.ScoreRow{
			{Node: "node-2", Total: 592, Cells: []trace.ScoreCell{{Normalized: 100, Weighted: 300}, {Raw: 92, Normalized: 92, Weighted: 92}, {Raw: 4, Normalized: 100, Weighted: 200}}},
			{Node: "node-3", Total: 571, Cells: []trace.ScoreCell{{Normalized: 100, Weighted: 300}, {Raw: 71, Normalized: 71, Weighted: 71}, {Raw: 4, Normalized: 100, Weighted: 200}}}}}
}

// play is the run, in order.
func play() []item {
	d, rs, p := object("apps/v1", "Deployment", "web"), object("apps/v1", "ReplicaSet", replicaSet), object("v1", "Pod", pod)
	create := request("kubectl", "", "kubectl", "create", "deployments", "", d, deployment(m{}))
	create.event.Root = true
	lease := request("", "", "kubelet@node-1", "update", "leases", "", object("coordination.k8s.io/v1", "Lease", "node-1"), m{})
	lease.event.Background, lease.level = true, ""
	return []item{
		node("node-1", 301), node("node-2", 302), node("node-3", 303),
		create,
		stage("kubectl", trace.StageAuthentication, "", "authenticated", d), stage("kubectl", trace.StageAuthorization, "", "allow", d),
		stage("kubectl", trace.StageMutating, "DefaultTolerationSeconds", "admitted", d),
		commit("d1", "kubectl", 318, d, nil, deployment(m{})),
		deliver("d1-dc", "d1", "deployment-controller", "added", 318, d, deployment(m{})),
		lease,
		request("rs", "d1-dc", "deployment-controller", "create", "replicasets", "", rs, replicas(m{})).frames(
			trace.Frame{Func: "deployment.(*DeploymentController).getNewReplicaSet", File: "pkg/controller/deployment/sync.go", Line: 232},
			trace.Frame{Func: "deployment.(*DeploymentController).getAllReplicaSetsAndSyncRevision", File: "pkg/controller/deployment/sync.go", Line: 118},
			trace.Frame{Func: "deployment.(*DeploymentController).rolloutRolling", File: "pkg/controller/deployment/rolling.go", Line: 33},
			trace.Frame{Func: "deployment.(*DeploymentController).syncDeployment", File: "pkg/controller/deployment/deployment_controller.go", Line: 665}),
		commit("rs1", "rs", 319, rs, nil, replicas(m{})),
		deliver("rs1-rc", "rs1", "replicaset-controller", "added", 319, rs, replicas(m{})),
		request("d-status", "d1-dc", "deployment-controller", "update", "deployments", "status", d, deployment(m{"observedGeneration": 1})),
		request("pod", "rs1-rc", "replicaset-controller", "create", "pods", "", p, podObject("", "Pending")).besides().frames(
			trace.Frame{Func: "controller.RealPodControl.createPods", File: "pkg/controller/controller_utils.go", Line: 578},
			trace.Frame{Func: "replicaset.(*ReplicaSetController).manageReplicas", File: "pkg/controller/replicaset/replica_set.go", Line: 633}),
		commit("p1", "pod", 321, p, nil, podObject("", "Pending")),
		deliver("p1-s", "p1", "kube-scheduler", "added", 321, p, podObject("", "Pending")),
		phase("filter", "p1-s", "filter", filterMatrix()),
		phase("score", "filter", "score", scoreMatrix()),
		request("bind", "score", "kube-scheduler", "create", "pods", "binding", p, m{"target": m{"kind": "Node", "name": "node-2"}}).frames(
			trace.Frame{Func: "defaultbinder.DefaultBinder.Bind", File: "pkg/scheduler/framework/plugins/defaultbinder/default_binder.go", Line: 51},
			trace.Frame{Func: "scheduler.(*Scheduler).bind", File: "pkg/scheduler/schedule_one.go", Line: 1095}).of("kube-scheduler"),
		commit("p2", "bind", 322, p, podObject("", "Pending"), podObject("node-2", "Pending")),
		happened("bind", "Scheduled", "Successfully assigned default/"+pod+" to node-2", 323),
		deliver("p2-k", "p2", "kubelet@node-2", "added", 322, p, podObject("node-2", "Pending")),
		call("sandbox", "p2-k", "RunPodSandbox", ""), call("pull", "sandbox", "PullImage", "kubestep.dev/web:v1"),
		call("container", "pull", "CreateContainer", "kubestep.dev/web:v1"), call("start", "container", "StartContainer", ""),
		request("p-status", "start", "kubelet@node-2", "patch", "pods", "status", p, m{"status": m{"phase": "Running"}}),
		commit("p3", "p-status", 324, p, podObject("node-2", "Pending"), podObject("node-2", "Running")),
		deliver("p3-rc", "p3", "replicaset-controller", "modified", 324, p, podObject("node-2", "Running")),
		request("rs-status", "p3-rc", "replicaset-controller", "update", "replicasets", "status", rs, replicas(m{"readyReplicas": 1})),
		commit("rs2", "rs-status", 325, rs, replicas(m{}), replicas(m{"readyReplicas": 1})),
		deliver("rs2-dc", "rs2", "deployment-controller", "modified", 325, rs, replicas(m{"readyReplicas": 1})),
		request("d-done", "rs2-dc", "deployment-controller", "update", "deployments", "status", d, deployment(m{"availableReplicas": 1})),
		commit("d3", "d-done", 326, d, deployment(m{"observedGeneration": 1}), deployment(m{"availableReplicas": 1})),
	}
}

// Recording returns a store with the whole run.
func Recording() *trace.Store {
	l := New()
	l.debug.Mode = engine.Run
	l.begun = true
	l.advance()
	return l.store
}
