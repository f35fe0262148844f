package scheduler

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// TestBreakTies shows that the choice does not depend on the order of the nodes, and differs between Pods and seeds.
func TestBreakTies(t *testing.T) {
	winner := func(seed int64, pod string, nodes ...string) string {
		var scores []fwk.NodePluginScores
		for _, n := range nodes {
			scores = append(scores, fwk.NodePluginScores{Name: n})
		}
		breakTies(seed, &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: pod}}, scores)
		best := slices.MaxFunc(scores, func(a, b fwk.NodePluginScores) int { return a.Randomizer - b.Randomizer })
		return best.Name
	}
	byPod, bySeed := map[string]bool{}, map[string]bool{}
	for i := range int64(50) {
		pod := string(rune('a' + i))
		one, other := winner(1, pod, "node-1", "node-2", "node-3"), winner(1, pod, "node-3", "node-1", "node-2")
		if one != other {
			t.Errorf("pod %s: %s or %s, by the order of the nodes", pod, one, other)
		}
		byPod[one] = true
		bySeed[winner(i, "web", "node-1", "node-2", "node-3")] = true
	}
	if len(byPod) != 3 || len(bySeed) != 3 {
		t.Errorf("50 Pods went to %d nodes, 50 seeds chose %d, want 3 each", len(byPod), len(bySeed))
	}
}
