package lab

import (
	"context"
	"fmt"
	"net"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"

	"github.com/kubestep/kubestep/engine"
)

// nodeTable finds a node by its address in the lab's network. It is safe for concurrent use.
type nodeTable struct {
	mu      sync.Mutex
	nodes   map[string]engine.Node
	network engine.Network // nil before it is made
}

// join makes n what leads to Pods and Services.
func (t *nodeTable) join(n engine.Network) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.network = n
}

func (t *nodeTable) add(address net.IP, n engine.Node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nodes == nil {
		t.nodes = map[string]engine.Node{}
	}
	t.nodes[address.String()] = n
}

// kubeletPort is the port of a kubelet's server, as every Node tells it.
const kubeletPort = "10250"

// dial connects the API server to an address of the lab's network. Nothing of it reaches the host's network.
func (t *nodeTable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	t.mu.Lock()
	n, others := t.nodes[host], t.network
	t.mu.Unlock()
	switch {
	case n != nil && port == kubeletPort:
		return n.DialKubelet(ctx)
	case others == nil:
		return nil, fmt.Errorf("connect to %s: the lab's network does not run yet", address)
	}
	return others.DialContext(ctx, network, address)
}

// awaitNodes waits until n nodes are Ready and Pods can be made in the default namespace.
func awaitNodes(ctx context.Context, c *rest.Config, n int) error {
	c.UserAgent = "kubestep"
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return fmt.Errorf("make the lab's own client: %w", err)
	}
	ready := map[string]bool{}
	nodes := client.CoreV1().Nodes()
	_, err = toolswatch.UntilWithSync(ctx, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return nodes.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return nodes.Watch(ctx, o)
		},
	}, &corev1.Node{}, nil, func(e watch.Event) (bool, error) {
		if node, ok := e.Object.(*corev1.Node); ok {
			ready[node.Name] = isReady(node)
		}
		count := 0
		for _, ok := range ready {
			if ok {
				count++
			}
		}
		return count >= n, nil
	})
	if err != nil {
		return fmt.Errorf("wait for the nodes: %w", err)
	}
	accounts := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault)
	name := fields.OneTermEqualSelector("metadata.name", "default").String()
	_, err = toolswatch.UntilWithSync(ctx, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = name
			return accounts.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = name
			return accounts.Watch(ctx, o)
		},
	}, &corev1.ServiceAccount{}, nil, func(e watch.Event) (bool, error) { return e.Type == watch.Added, nil })
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("wait for the service account default: %w", err)
	}
	return nil
}

// isReady reports whether Pods can be put on the node: it is Ready, and the taint that says otherwise has gone. That
// takes the node-lifecycle-controller a moment more, in which the scheduler would still refuse the node. A NoExecute taint
// of the same name, which that controller sets when it finds nodes not ready at its first look and takes back five seconds
// later, keeps no Pod away: they tolerate it for five minutes (the admission plugin DefaultTolerationSeconds).
func isReady(n *corev1.Node) bool {
	for _, t := range n.Spec.Taints {
		if t.Key == corev1.TaintNodeNotReady && t.Effect == corev1.TaintEffectNoSchedule {
			return false
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
