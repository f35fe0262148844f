package controllers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kubestep/kubestep/engine/trace"
)

// TestDeployment follows a Deployment of three Pods through the control plane.
func TestDeployment(t *testing.T) {
	c := newCluster(t)
	c.addNode("node-1")
	c.addNode("node-2")
	c.until("the default service account", has(trace.APIRequest, "service-account-controller", "create", "", "ServiceAccount", "default"))
	c.until("Pod networks of the nodes", func(events []trace.Event) bool {
		return c.podCIDR("node-1") != "" && c.podCIDR("node-2") != ""
	})

	c.deploy("web", 3)
	events := c.until("three bindings that everybody knows of", func(events []trace.Event) bool {
		bound := pick(events, func(e trace.Event) bool { return e.Verb == "bind" && !e.Open })
		learnt := pick(events, func(e trace.Event) bool {
			return e.Kind == trace.WatchDeliver && e.Actor == "kube-controller-manager" && e.Verb == "modified" && e.Object.Kind == "Pod"
		})
		return len(bound) == 3 && len(learnt) >= 3
	})

	t.Run("stacks", func(t *testing.T) {
		for actor, want := range map[string]struct{ verb, kind, file string }{
			"deployment-controller": {"create", "ReplicaSet", "pkg/controller/deployment/"},
			"replicaset-controller": {"create", "Pod", "pkg/controller/replicaset/"},
			"kube-scheduler":        {"create", "Pod", "pkg/scheduler/framework/plugins/defaultbinder/"},
		} {
			found := pick(events, func(e trace.Event) bool {
				return e.Actor == actor && e.Kind == trace.APIRequest && e.Verb == want.verb && e.Object.Kind == want.kind
			})
			if len(found) == 0 {
				t.Errorf("%s did not %s a %s", actor, want.verb, want.kind)
			}
			for _, e := range found {
				if !slices.ContainsFunc(e.Frames, func(f trace.Frame) bool { return strings.HasPrefix(f.File, want.file) && f.Line > 0 }) {
					t.Errorf("no frame of %s is in %s: %+v", actor, want.file, e.Frames)
				}
			}
		}
	})
	t.Run("identities", func(t *testing.T) {
		for _, e := range pick(events, func(e trace.Event) bool { return e.Kind == trace.APIRequest && e.Actor != "kubectl" }) {
			if d := e.Detail.(*trace.RequestDetail); d.Status == 401 || d.Status == 403 {
				t.Errorf("%s may not %s %s: %s", e.Actor, e.Verb, d.URI, e.Error)
			}
		}
		rs := pick(events, has1(trace.APIRequest, "deployment-controller", "create", "", "ReplicaSet"))[0]
		users := pick(events, func(e trace.Event) bool {
			d, ok := e.Detail.(*trace.StageDetail)
			return ok && e.Cause == rs.Seq && d.User == "system:serviceaccount:kube-system:deployment-controller"
		})
		if len(users) == 0 {
			t.Error("the ReplicaSet was not created by the controller's service account")
		}
		agent := rs.Detail.(*trace.RequestDetail).UserAgent
		if !strings.HasPrefix(agent, "kube-controller-manager/v1.36.3 ") || rs.Process != "kube-controller-manager" {
			t.Errorf("user agent %q, process %q", agent, rs.Process)
		}
	})
	t.Run("causes", func(t *testing.T) { causes(t, events) })
	t.Run("scheduling", func(t *testing.T) { scheduling(t, events) })
	t.Run("unschedulable", c.unschedulable)
	t.Run("preemption", c.preemption)
	t.Run("held phases", c.heldPhases)
}

// causes checks that deliveries are linked to their commits, and that all of it goes back to the one request.
func causes(t *testing.T, events []trace.Event) {
	bySeq := map[uint64]trace.Event{}
	for _, e := range events {
		bySeq[e.Seq] = e
	}
	delivered := 0
	for _, e := range events {
		if e.Kind != trace.WatchDeliver || e.Background || e.Object.Namespace != "default" || e.Object.Kind != "Pod" {
			continue
		}
		delivered++
		if commit := bySeq[e.Cause]; commit.Kind != trace.EtcdCommit || e.CauseLink != trace.Exact || commit.EtcdRevision != e.EtcdRevision {
			t.Errorf("delivery %d of %s at %d is caused (%s) by %d, a %s at %d",
				e.Seq, e.Object, e.EtcdRevision, e.CauseLink, e.Cause, commit.Kind, commit.EtcdRevision)
		}
	}
	if delivered < 6 { // three Pods, to the controllers and to the scheduler
		t.Errorf("only %d Pods were delivered", delivered)
	}
	for _, e := range pick(events, func(e trace.Event) bool { return e.Subresource == "binding" }) {
		phase := bySeq[e.Cause]
		if phase.Kind != trace.SchedPhase || phase.Verb != "bind" || e.CauseLink != trace.Exact || phase.Object.UID != e.Object.UID {
			t.Errorf("the binding of %s is caused (%s) by %+v", e.Object, e.CauseLink, phase)
		}
		var chain []string
		actors := map[string]bool{}
		at := e
		for ; at.Cause != 0; at = bySeq[at.Cause] {
			chain = append(chain, fmt.Sprintf("%d %s %s %s %s", at.Seq, at.Actor, at.Kind, at.Verb, at.Object))
			actors[at.Actor] = true
		}
		if at.Actor != "kubectl" || at.Object.Kind != "Deployment" || !actors["deployment-controller"] || !actors["replicaset-controller"] {
			t.Errorf("the binding of %s leads back to %s %s by way of\n%s", e.Object, at.Actor, at.Object, strings.Join(chain, "\n"))
		}
	}
}

func (c *cluster) addNode(name string) {
	c.t.Helper()
	ctx := c.t.Context()
	n := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}}}
	n, err := c.admin.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
	check(c.t, err)
	resources := v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("8Gi"), v1.ResourcePods: resource.MustParse("110"),
	}
	status := fmt.Sprintf(`{"status":{"capacity":{"cpu":%[1]q,"memory":%[2]q,"pods":%[3]q},"allocatable":{"cpu":%[1]q,"memory":%[2]q,"pods":%[3]q},
		"conditions":[{"type":"Ready","status":"True","reason":"Test","lastHeartbeatTime":%[4]q,"lastTransitionTime":%[4]q}]}}`,
		resources.Cpu(), resources.Memory(), resources.Pods(), n.CreationTimestamp.Format("2006-01-02T15:04:05Z"))
	_, err = c.admin.CoreV1().Nodes().PatchStatus(ctx, name, []byte(status))
	check(c.t, err)
	c.until("the node to be free of taints", func([]trace.Event) bool {
		n, err := c.admin.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		check(c.t, err)
		return len(n.Spec.Taints) == 0
	})
}

func (c *cluster) podCIDR(node string) string {
	n, err := c.admin.CoreV1().Nodes().Get(c.t.Context(), node, metav1.GetOptions{})
	check(c.t, err)
	return n.Spec.PodCIDR
}

func (c *cluster) deploy(name string, replicas int32) {
	c.t.Helper()
	labels := map[string]string{"app": name}
	_, err := c.admin.AppsV1().Deployments("default").Create(c.t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(replicas),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: v1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "web", Image: "kubestep.dev/web:v1"}}},
			},
		},
	}, metav1.CreateOptions{})
	check(c.t, err)
}

func pick(events []trace.Event, match func(e trace.Event) bool) []trace.Event {
	var out []trace.Event
	for _, e := range events {
		if match(e) {
			out = append(out, e)
		}
	}
	return out
}

func has1(kind trace.Kind, actor, verb, subresource, object string) func(e trace.Event) bool {
	return func(e trace.Event) bool {
		return e.Kind == kind && e.Actor == actor && e.Verb == verb && e.Subresource == subresource && e.Object.Kind == object && !e.Open
	}
}

func has(kind trace.Kind, actor, verb, subresource, object, namespace string) func(events []trace.Event) bool {
	match := has1(kind, actor, verb, subresource, object)
	return func(events []trace.Event) bool {
		return slices.ContainsFunc(events, func(e trace.Event) bool { return match(e) && e.Object.Namespace == namespace })
	}
}
