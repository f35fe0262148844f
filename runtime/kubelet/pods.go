package kubelet

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/kubernetes/pkg/kubelet/config"
	kubetypes "k8s.io/kubernetes/pkg/kubelet/types"
	"k8s.io/kubernetes/pkg/kubelet/util"
)

// nodePoll is how often podSource looks whether the node is known. Upstream looks once a second, which is a second in
// which a node that is Ready runs no Pod.
const nodePoll = 20 * time.Millisecond

// podSource tells the kubelet about the Pods bound to its node, as upstream's config.NewSourceApiserver does: it watches
// them and hands on the whole set with every change. It differs in that the probes of each Pod are made to go through
// the container runtime; see probes.go.
type podSource struct {
	client kubernetes.Interface
	node   types.NodeName
	// nodeKnown reports whether the kubelet has its Node; before that it would refuse Pods.
	nodeKnown func() bool
}

// pods returns the kubelet's source of Pods, which starts when nodeKnown holds and ends with ctx.
func (s *podSource) pods(ctx context.Context, recorder record.EventRecorderLogger, tracker util.PodStartupLatencyTracker) *config.PodConfig {
	c := config.NewPodConfig(recorder, tracker)
	updates := c.Channel(ctx, kubetypes.ApiserverSource)
	send := func(objects []any) {
		pods := make([]*v1.Pod, 0, len(objects))
		for _, o := range objects {
			pod := o.(*v1.Pod) //nolint:forcetypeassert // the reflector refuses others
			throughRuntime(pod)
			pods = append(pods, pod)
		}
		select {
		// The channel's element type has no exported name; this literal is assignable to it.
		case updates <- struct{ Pods []*v1.Pod }{pods}:
		case <-ctx.Done():
		}
	}
	go func() {
		for tick := time.NewTicker(nodePoll); !s.nodeKnown(); {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		bound := fields.OneTermEqualSelector("spec.nodeName", string(s.node))
		lw := cache.NewListWatchFromClient(s.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, bound)
		cache.NewReflector(lw, &v1.Pod{}, cache.NewUndeltaStore(send, cache.MetaNamespaceKeyFunc), 0).RunWithContext(ctx)
	}()
	return c
}
