package scheduler

import (
	"encoding/binary"
	"hash/fnv"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// breakTies makes the choice among nodes with the same total score follow from the seed, the Pod's name and the nodes'
// names, through the field that upstream compares next (pkg/scheduler/schedule_one.go, nodeScoreHeap).
func breakTies(seed int64, pod *v1.Pod, scores []fwk.NodePluginScores) {
	for i := range scores {
		h := fnv.New64a()
		var start [8]byte
		binary.LittleEndian.PutUint64(start[:], uint64(seed))
		for _, part := range [][]byte{start[:], []byte(pod.Namespace), {0}, []byte(pod.Name), {0}, []byte(scores[i].Name)} {
			_, _ = h.Write(part) // a hash takes everything
		}
		scores[i].Randomizer = int(h.Sum64() >> 1)
	}
}
