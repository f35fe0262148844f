package controllers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubestep/kubestep/engine/trace"
)

// scheduling checks what the scheduler says of the three Pods.
func scheduling(t *testing.T, events []trace.Event) {
	pods := map[string][]trace.Event{}
	for _, e := range pick(events, func(e trace.Event) bool { return e.Kind == trace.SchedPhase }) {
		pods[e.Object.Name] = append(pods[e.Object.Name], e)
	}
	if len(pods) != 3 {
		t.Fatalf("%d Pods were scheduled", len(pods))
	}
	for name, phases := range pods {
		var verbs []string
		for i, e := range phases {
			verbs = append(verbs, e.Verb)
			d := e.Detail.(*trace.SchedDetail)
			if e.Open || e.Error != "" || d.Attempt != 1 || d.Profile != "default-scheduler" || e.Object.UID == "" {
				t.Errorf("%s: %s is %+v", name, e.Verb, e)
			}
			if i > 0 && (e.Cause != phases[i-1].Seq || e.CauseLink != trace.Exact) {
				t.Errorf("%s: the cause of %s is %d, %s", name, e.Verb, e.Cause, e.CauseLink)
			}
			if chosen := d.Node == "node-1" || d.Node == "node-2"; chosen != (i >= 4) {
				t.Errorf("%s: %s has node %q", name, e.Verb, d.Node)
			}
		}
		// There are no Permit or PostBind plugins by default.
		if got, want := strings.Join(verbs, " "), "prefilter filter prescore score reserve prebind bind"; got != want {
			t.Errorf("%s went through %s, not %s", name, got, want)
			continue
		}
		filterMatrix(t, phases[1].Detail.(*trace.SchedDetail))
		scoreMatrix(t, phases[3].Detail.(*trace.SchedDetail))
	}
}

func filterMatrix(t *testing.T, d *trace.SchedDetail) {
	t.Helper()
	// pkg/scheduler/apis/config/v1/default_plugins.go
	want := []string{"NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit",
		"VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "PodTopologySpread", "InterPodAffinity"}
	for _, name := range want {
		if !slices.ContainsFunc(d.Plugins, func(p trace.SchedPlugin) bool { return p.Name == name }) {
			t.Errorf("there is no column for %s: %v", name, d.Plugins)
		}
	}
	if len(d.Filter) != 2 || d.Filter[0].Node != "node-1" || d.Filter[1].Node != "node-2" {
		t.Fatalf("the rows are %v", d.Filter)
	}
	for _, row := range d.Filter {
		if len(row.Results) != len(d.Plugins) || row.Status != "" {
			t.Fatalf("row %+v has not one result for each of %v", row, d.Plugins)
		}
		for i, result := range row.Results {
			want := "pass"
			if d.Plugins[i].Skipped {
				want = "skip"
			}
			if result != want {
				t.Errorf("%s says %q of %s, not %q", d.Plugins[i].Name, result, row.Node, want)
			}
		}
		if fit := slices.IndexFunc(d.Plugins, func(p trace.SchedPlugin) bool { return p.Name == "NodeResourcesFit" }); row.Results[fit] != "pass" {
			t.Errorf("NodeResourcesFit says %q", row.Results[fit])
		}
	}
}

func scoreMatrix(t *testing.T, d *trace.SchedDetail) {
	t.Helper()
	weights := map[string]int32{"TaintToleration": 3, "NodeAffinity": 2, "NodeResourcesFit": 1, "PodTopologySpread": 2,
		"InterPodAffinity": 2, "NodeResourcesBalancedAllocation": 1, "ImageLocality": 1}
	for name, weight := range weights {
		if !slices.ContainsFunc(d.Plugins, func(p trace.SchedPlugin) bool { return p.Name == name && p.Weight == weight }) {
			t.Errorf("there is no column for %s of weight %d: %v", name, weight, d.Plugins)
		}
	}
	if len(d.Score) != 2 || d.Score[0].Total < d.Score[1].Total {
		t.Fatalf("the rows are %v", d.Score)
	}
	raw := false
	for _, row := range d.Score {
		var total int64
		for i, cell := range row.Cells {
			p := d.Plugins[i]
			if cell.Weighted != cell.Normalized*int64(p.Weight) || cell.Normalized < 0 || cell.Normalized > 100 {
				t.Errorf("%s gives %s %+v", p.Name, row.Node, cell)
			}
			if p.Skipped && cell != (trace.ScoreCell{}) {
				t.Errorf("%s was skipped and gives %s %+v", p.Name, row.Node, cell)
			}
			raw = raw || cell.Raw != 0 && p.Name == "NodeResourcesFit" && cell.Raw == cell.Normalized
			total += cell.Weighted
		}
		if total != row.Total || len(row.Cells) != len(d.Plugins) {
			t.Errorf("the cells of %s come to %d, not %d", row.Node, total, row.Total)
		}
	}
	if !raw {
		t.Errorf("NodeResourcesFit, which does not normalise, gave no raw score: %+v", d.Score)
	}
}

// unschedulable checks the story of a Pod that fits nowhere.
func (c *cluster) unschedulable(t *testing.T) {
	p := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "huge"},
		Spec: v1.PodSpec{Containers: []v1.Container{{Name: "c", Image: "kubestep.dev/web:v1", Resources: v1.ResourceRequirements{
			Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("99")},
		}}}},
	}
	_, err := c.admin.CoreV1().Pods("default").Create(t.Context(), p, metav1.CreateOptions{})
	check(t, err)
	events := c.until("the scheduler to give up", func(events []trace.Event) bool {
		return len(pick(events, func(e trace.Event) bool {
			return e.Actor == "kube-scheduler" && e.Verb == "patch" && e.Object.Name == "huge" && !e.Open
		})) > 0
	})
	phases := pick(events, func(e trace.Event) bool { return e.Kind == trace.SchedPhase && e.Object.Name == "huge" })
	if len(phases) < 3 || phases[1].Verb != "filter" || phases[2].Verb != "postfilter" {
		t.Fatalf("the phases are %+v", phases)
	}
	d := phases[1].Detail.(*trace.SchedDetail)
	for _, row := range d.Filter {
		failed := slices.Index(row.Results, "fail")
		if failed < 0 || d.Plugins[failed].Name != "NodeResourcesFit" || row.Status != "Unschedulable" && row.Status != "UnschedulableAndUnresolvable" ||
			!strings.Contains(row.Reason, "Insufficient cpu") {
			t.Errorf("the row of %s is %+v", row.Node, row)
			continue
		}
		for i, result := range row.Results {
			if before := i < failed; before != (result == "pass" || result == "skip") && i != failed {
				t.Errorf("%s: %s says %q", row.Node, d.Plugins[i].Name, result)
			}
		}
	}
	patch := pick(events, func(e trace.Event) bool {
		return e.Actor == "kube-scheduler" && e.Verb == "patch" && e.Object.Name == "huge"
	})[0]
	if patch.Cause != phases[2].Seq || patch.CauseLink != trace.Exact {
		t.Errorf("the Pod is told why because of %d (%s), not of postfilter, %d", patch.Cause, patch.CauseLink, phases[2].Seq)
	}
}

// preemption checks that the deletion of a victim follows from the attempt that needs its room.
func (c *cluster) preemption(t *testing.T) {
	ctx := t.Context()
	_, err := c.admin.SchedulingV1().PriorityClasses().Create(ctx,
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 1000}, metav1.CreateOptions{})
	check(t, err)
	pod := func(name, class string) {
		p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.PodSpec{
			NodeSelector: map[string]string{"kubernetes.io/hostname": "node-1"}, PriorityClassName: class,
			Containers: []v1.Container{{Name: "c", Image: "kubestep.dev/web:v1", Resources: v1.ResourceRequirements{
				Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("3")},
			}}},
		}}
		c.until("the priority class to be known", func([]trace.Event) bool {
			_, err := c.admin.CoreV1().Pods("default").Create(ctx, p, metav1.CreateOptions{})
			if !apierrors.IsForbidden(err) {
				check(t, err)
			}
			return err == nil
		})
	}
	pod("victim", "")
	c.until("the victim's binding", func(events []trace.Event) bool {
		return len(pick(events, func(e trace.Event) bool { return e.Subresource == "binding" && e.Object.Name == "victim" && !e.Open })) == 1
	})
	pod("important", "high")
	events := c.until("the victim's deletion", func(events []trace.Event) bool {
		return len(pick(events, func(e trace.Event) bool {
			return e.Verb == "delete" && e.Object.Name == "victim" && e.Kind == trace.APIRequest && !e.Open
		})) == 1
	})
	phase := pick(events, func(e trace.Event) bool { return e.Verb == "postfilter" && e.Object.Name == "important" })[0]
	if d := phase.Detail.(*trace.SchedDetail); d.Node != "node-1" || phase.Open {
		t.Errorf("postfilter is %+v, %+v", phase, d)
	}
	for _, e := range pick(events, func(e trace.Event) bool {
		return e.Actor == "kube-scheduler" && e.Object.Name == "victim" && e.Seq > phase.Seq && e.Writes()
	}) {
		if e.Cause != phase.Seq || e.CauseLink != trace.Inferred {
			t.Errorf("%s %s of the victim is caused (%s) by %d, not by postfilter, %d", e.Verb, e.Subresource, e.CauseLink, e.Cause, phase.Seq)
		}
	}
}

// heldPhases checks that a phase that is held has not happened, and that the Pod is placed once it is released.
func (c *cluster) heldPhases(t *testing.T) {
	bindings := func(events []trace.Event) int {
		return len(pick(events, func(e trace.Event) bool { return e.Subresource == "binding" && !e.Open }))
	}
	before := bindings(c.store.Since(0).Events)
	held, release := c.gate.hold(func(e *trace.Event) bool { return e.Kind == trace.SchedPhase && e.Verb == "score" })
	c.deploy("held", 1)
	select {
	case e := <-held:
		if d := e.Detail.(*trace.SchedDetail); len(d.Score) != 2 || d.Node != "" {
			t.Errorf("the held phase is %+v", d)
		}
	case <-time.After(patience):
		t.Fatal("no phase was held")
	}
	if n := bindings(c.store.Since(0).Events); n != before {
		t.Errorf("there are %d bindings, and were %d before the Pod was held", n, before)
	}
	release()
	c.until("the held Pod's binding", func(events []trace.Event) bool { return bindings(events) > before })
}
