package cluster

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
)

// policyActor is who enforces NetworkPolicies, for all nodes.
const policyActor = "network-policy-agent"

// policyPause is the least time between two looks at all policies and Pods: a rollout changes many Pods at once.
const policyPause = 5 * time.Millisecond

// policyAgent resolves NetworkPolicies to addresses and gives them to the fabric. It watches Pods and namespaces only from
// the first policy on: without one, all it would learn is of no use.
type policyAgent struct {
	network *Network
	changed chan struct{} // has room for one
	active  atomic.Bool   // there has been a policy
}

func newPolicyAgent(n *Network) *policyAgent {
	return &policyAgent{network: n, changed: make(chan struct{}, 1)}
}

// again makes the agent look once more. It costs nothing while there are no policies.
func (a *policyAgent) again() {
	if a.active.Load() {
		poke(a.changed)
	}
}

// run enforces policies until ctx ends.
func (a *policyAgent) run(ctx context.Context) error {
	c := &a.network.config
	if c.PolicyKubeconfig == "" {
		<-ctx.Done() // nobody whose policies could be read
		return nil
	}
	client, err := newClient(c.PolicyKubeconfig, policyActor, c.WrapTransportFor)
	if err != nil {
		return err
	}
	return a.runWith(ctx, client)
}

func (a *policyAgent) runWith(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(forPolicies))
	policies := factory.Networking().V1().NetworkPolicies()
	found := make(chan struct{}, 1)
	registration, err := policies.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { poke(found); poke(a.changed) },
		UpdateFunc: func(any, any) { poke(a.changed) },
		DeleteFunc: func(any) { poke(a.changed) },
	})
	if err != nil {
		return fmt.Errorf("follow NetworkPolicies: %w", err)
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	defer cancel() // Shutdown waits for it
	if !cache.WaitFor(ctx, "", registration.HasSyncedChecker()) {
		return nil
	}
	select {
	case <-found:
	case <-ctx.Done():
		return nil
	}
	pods, namespaces := factory.Core().V1().Pods(), factory.Core().V1().Namespaces()
	synced := []cache.DoneChecker{}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer()} {
		registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { poke(a.changed) },
			UpdateFunc: func(any, any) { poke(a.changed) },
			DeleteFunc: func(any) { poke(a.changed) },
		})
		if err != nil {
			return fmt.Errorf("follow Pods and namespaces for NetworkPolicies: %w", err)
		}
		synced = append(synced, registration.HasSyncedChecker())
	}
	factory.Start(ctx.Done()) // those that do not run yet
	if !cache.WaitFor(ctx, "", synced...) {
		return nil
	}
	a.active.Store(true)
	return a.enforce(ctx, policies.Lister(), pods.Lister(), namespaces.Lister())
}

// enforce gives the fabric what the listers have, whenever something has changed.
func (a *policyAgent) enforce(
	ctx context.Context, policies networkinglisters.NetworkPolicyLister, pods corelisters.PodLister, namespaces corelisters.NamespaceLister,
) error {
	for {
		w, err := a.look(policies, pods, namespaces)
		if err != nil {
			return err
		}
		if err := a.network.fabric.SetPolicies(w.resolve()); err != nil {
			a.network.config.Log.Warn("enforce NetworkPolicies", "error", err)
		}
		pause := time.NewTimer(policyPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
		select {
		case <-a.changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *policyAgent) look(
	policies networkinglisters.NetworkPolicyLister, pods corelisters.PodLister, namespaces corelisters.NamespaceLister,
) (*policyWorld, error) {
	w := &policyWorld{sandboxes: a.network.podAddresses()}
	var err error
	if w.policies, err = policies.List(labels.Everything()); err != nil {
		return nil, fmt.Errorf("list NetworkPolicies: %w", err)
	}
	if len(w.policies) == 0 {
		return w, nil
	}
	if w.pods, err = pods.List(labels.Everything()); err != nil {
		return nil, fmt.Errorf("list Pods for NetworkPolicies: %w", err)
	}
	if w.namespaces, err = namespaces.List(labels.Everything()); err != nil {
		return nil, fmt.Errorf("list namespaces for NetworkPolicies: %w", err)
	}
	return w, nil
}

// forPolicies leaves of a Pod what policies look at: all Pods are kept once more for them.
func forPolicies(o any) (any, error) {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return o, nil
	}
	kept := &corev1.Pod{TypeMeta: pod.TypeMeta}
	kept.Name, kept.Namespace, kept.UID, kept.Labels = pod.Name, pod.Namespace, pod.UID, pod.Labels
	kept.ResourceVersion = pod.ResourceVersion
	kept.Spec.HostNetwork = pod.Spec.HostNetwork
	kept.Status.Phase, kept.Status.PodIPs = pod.Status.Phase, pod.Status.PodIPs
	for _, c := range pod.Spec.InitContainers {
		if len(c.Ports) > 0 && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			kept.Spec.Containers = append(kept.Spec.Containers, corev1.Container{Name: c.Name, Ports: c.Ports})
		}
	}
	for _, c := range pod.Spec.Containers {
		if len(c.Ports) > 0 {
			kept.Spec.Containers = append(kept.Spec.Containers, corev1.Container{Name: c.Name, Ports: c.Ports})
		}
	}
	return kept, nil
}
