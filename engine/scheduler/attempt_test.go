package scheduler

import (
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubestep/kubestep/engine/trace"
)

var abcd = []config.Plugin{{Name: "A", Weight: 1}, {Name: "B", Weight: 3}, {Name: "C", Weight: 2}, {Name: "D", Weight: 1}}

func failedBy(plugin string, code fwk.Code, reasons ...string) *fwk.Status {
	return fwk.NewStatus(code, reasons...).WithPlugin(plugin)
}

func TestFilterRow(t *testing.T) {
	tests := []struct {
		name    string
		skipped sets.Set[string]
		status  *fwk.Status
		want    string
		code    string
	}{
		{"all pass", nil, nil, "pass pass pass pass", ""},
		{"some have nothing to say", sets.New("A", "C"), nil, "skip pass skip pass", ""},
		{"stops at the first failure", sets.New("A"), failedBy("C", fwk.Unschedulable, "no"), "skip pass fail -", "Unschedulable"},
		{"cannot be resolved", nil, failedBy("A", fwk.UnschedulableAndUnresolvable, "no"), "fail - - -", "UnschedulableAndUnresolvable"},
		{"failure around the plugins", nil, failedBy("", fwk.Error, "no"), "- - - -", "Error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			row := filterRow("node-1", abcd, test.skipped, test.status)
			got := slices.Clone(row.Results)
			for i, r := range got {
				if r == "" {
					got[i] = "-"
				}
			}
			if s := strings.Join(got, " "); s != test.want || row.Node != "node-1" || row.Status != test.code || (row.Reason == "no") != (test.code != "") {
				t.Errorf("the row is %+v, not %s", row, test.want)
			}
		})
	}
}

func TestOutcomes(t *testing.T) {
	tests := []struct {
		name    string
		skipped sets.Set[string]
		status  *fwk.Status
		want    string
	}{
		{"success", sets.New("B"), nil, "Success skipped Success Success"},
		{"waiting is no failure", nil, fwk.NewStatus(fwk.Wait), "Success Success Success Success"},
		{"failure", sets.New("A"), failedBy("C", fwk.Unschedulable, "no"), "skipped Success Unschedulable:no -"},
		{"unknown who failed", nil, fwk.NewStatus(fwk.Error, "no"), "- - - -"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range outcomes(abcd, test.skipped, test.status) {
				switch {
				case p.Skipped:
					got = append(got, "skipped")
				case p.Status == "":
					got = append(got, "-")
				case p.Reason != "":
					got = append(got, p.Status+":"+p.Reason)
				default:
					got = append(got, p.Status)
				}
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("the outcomes are %s, not %s", s, test.want)
			}
		})
	}
}

func TestScoreRows(t *testing.T) {
	nodes := []fwk.NodeInfo{node("node-1"), node("node-2"), node("node-3")}
	raw := newRawScores(abcd, nodes)
	raw.set("B", "node-1", 7)
	raw.set("B", "node-2", 14)
	raw.set("B", "unknown", 1)
	raw.set("unknown", "node-1", 1)
	scores := func(name string, b, d int64) fwk.NodePluginScores {
		return fwk.NodePluginScores{Name: name, TotalScore: b + d, Scores: []fwk.PluginScore{{Name: "B", Score: b}, {Name: "D", Score: d}}}
	}
	rows := scoreRows(abcd, raw, []fwk.NodePluginScores{scores("node-3", 0, 160), scores("node-1", 150, 10), scores("node-2", 300, 10)})
	var order []string
	for _, r := range rows {
		order = append(order, r.Node)
	}
	if got := strings.Join(order, " "); got != "node-2 node-1 node-3" {
		t.Fatalf("the order is %s", got)
	}
	want := []trace.ScoreCell{{}, {Raw: 14, Normalized: 100, Weighted: 300}, {}, {Normalized: 10, Weighted: 10}}
	if !slices.Equal(rows[0].Cells, want) || rows[0].Total != 310 {
		t.Errorf("the row is %+v, not %+v", rows[0], want)
	}
}

func TestAttemptGathersRowsOnce(t *testing.T) {
	a := newAttempt(&v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "uid-1"}}, "default-scheduler", 2)
	began := time.Unix(1, 0)
	frames := func() []trace.Frame { return []trace.Frame{{Func: "f"}} }
	for i, name := range []string{"node-2", "node-1", "node-2"} { // a nominated node is looked at twice
		a.filtered(trace.FilterRow{Node: name, Reason: name}, began.Add(time.Duration(i)), frames)
	}
	rows, from, at := a.takeRows()
	if len(rows) != 2 || rows[0].Node != "node-1" || !from.Equal(began) || len(at) != 1 {
		t.Errorf("rows %v from %v at %v", rows, from, at)
	}
	if rows, _, _ := a.takeRows(); len(rows) != 0 {
		t.Errorf("rows were kept: %v", rows)
	}

	state := framework.NewCycleState()
	if _, ok := attemptIn(state); ok {
		t.Error("a fresh state has an attempt")
	}
	state.Write(attemptKey, a)
	if got, ok := attemptIn(state.Clone()); !ok || got != a {
		t.Error("a copy of the state belongs to another attempt")
	}
}

func node(name string) fwk.NodeInfo {
	n := framework.NewNodeInfo()
	n.SetNode(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}})
	return n
}
