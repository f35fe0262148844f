package lab

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"

	"github.com/kubestep/kubestep/engine/addon"
)

// ownClient returns the client with which the lab looks at itself.
func ownClient(c *rest.Config) (kubernetes.Interface, error) {
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("make the lab's own client: %w", err)
	}
	return client, nil
}

// awaitNodes waits until n nodes are Ready and Pods can be made in the default namespace.
func awaitNodes(ctx context.Context, client kubernetes.Interface, n int) error {
	nodes := client.CoreV1().Nodes()
	if err := until(ctx, &corev1.Node{}, list(nodes.List), nodes.Watch, func(all map[string]*corev1.Node) bool {
		ready := 0
		for _, node := range all {
			if isReady(node) {
				ready++
			}
		}
		return ready >= n
	}); err != nil {
		return fmt.Errorf("wait for the nodes: %w", err)
	}
	accounts := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault)
	if err := until(ctx, &corev1.ServiceAccount{}, list(accounts.List), accounts.Watch,
		func(all map[string]*corev1.ServiceAccount) bool { return all["default"] != nil }); err != nil {
		return fmt.Errorf("wait for the service account default: %w", err)
	}
	return nil
}

// install applies the add-ons and waits until they work: their Deployments are in kube-system.
func install(ctx context.Context, c *rest.Config, client kubernetes.Interface, manifest []byte) error {
	// A container learns where the API server is from its environment, and the kubelet puts there what Services it knows
	// when the container is made.
	services := client.CoreV1().Services(metav1.NamespaceDefault)
	if err := until(ctx, &corev1.Service{}, list(services.List), services.Watch,
		func(all map[string]*corev1.Service) bool { return all["kubernetes"] != nil }); err != nil {
		return fmt.Errorf("wait for the service kubernetes: %w", err)
	}
	if err := addon.Apply(ctx, c, manifest); err != nil {
		return err
	}
	deployments := client.AppsV1().Deployments(metav1.NamespaceSystem)
	if err := until(ctx, &appsv1.Deployment{}, list(deployments.List), deployments.Watch,
		func(all map[string]*appsv1.Deployment) bool {
			for _, d := range all {
				if d.Status.ObservedGeneration < d.Generation || d.Status.AvailableReplicas < d.Status.Replicas ||
					d.Status.UpdatedReplicas < *d.Spec.Replicas {
					return false
				}
			}
			return true
		}); err != nil {
		return fmt.Errorf("wait for the add-ons: %w", err)
	}
	return nil
}

type lister = func(context.Context, metav1.ListOptions) (runtime.Object, error)

// list makes a typed client's List one that a ListWatch takes.
func list[T runtime.Object](f func(context.Context, metav1.ListOptions) (T, error)) lister {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return f(ctx, o) }
}

// until watches objects until enough says so of all there are, by name, or ctx ends.
func until[T interface {
	runtime.Object
	GetName() string
}](ctx context.Context, kind T, list lister, watchThem func(context.Context, metav1.ListOptions) (watch.Interface, error),
	enough func(map[string]T) bool,
) error {
	all := map[string]T{}
	take := func(e watch.Event) {
		o, ok := e.Object.(T)
		switch {
		case !ok:
		case e.Type == watch.Deleted:
			delete(all, o.GetName())
		default:
			all[o.GetName()] = o
		}
	}
	synced := func(store cache.Store) (bool, error) {
		for _, o := range store.List() {
			take(watch.Event{Type: watch.Added, Object: o.(T)})
		}
		return enough(all), nil
	}
	_, err := toolswatch.UntilWithSync(ctx, &cache.ListWatch{ListWithContextFunc: list, WatchFuncWithContext: watchThem}, kind,
		synced, func(e watch.Event) (bool, error) {
			take(e)
			return enough(all), nil
		})
	return err
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
