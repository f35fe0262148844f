package kubelet

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
)

// clients are the kubelet's three, as in cmd/kubelet/app/server.go: for work, for heartbeats and for Events.
type clients struct {
	kube, heartbeat kubernetes.Interface
	events          corev1.EventsGetter
	broadcaster     record.EventBroadcaster
}

func (k *Kubelet) clients(ctx context.Context) (*clients, error) {
	base, err := k.clientConfig()
	if err != nil {
		return nil, err
	}
	kube, err := kubernetes.NewForConfig(base)
	if err != nil {
		return nil, fmt.Errorf("build the kubelet's client: %w", err)
	}
	// Upstream gives heartbeats a timeout, so that a dead connection is noticed within a lease. Here the connection does
	// not leave the process, and a request that is held at the gate must not time out.
	beats := rest.CopyConfig(base)
	beats.QPS = -1
	heartbeat, err := kubernetes.NewForConfig(beats)
	if err != nil {
		return nil, fmt.Errorf("build the kubelet's client for heartbeats: %w", err)
	}
	told := rest.CopyConfig(base)
	told.QPS, told.Burst = float32(k.config.EventRecordQPS), int(k.config.EventBurst)
	events, err := corev1.NewForConfig(told)
	if err != nil {
		return nil, fmt.Errorf("build the kubelet's client for Events: %w", err)
	}
	return &clients{kube: kube, heartbeat: heartbeat, events: events, broadcaster: record.NewBroadcaster(record.WithContext(ctx))}, nil
}

// recordEvents starts to send what the kubelet has to tell.
func (c *clients) recordEvents() {
	c.broadcaster.StartRecordingToSink(&corev1.EventSinkImpl{Interface: c.events.Events("")})
}

// clientConfig reads the kubeconfig and puts the tap and the power switch around its transport.
func (k *Kubelet) clientConfig() (*rest.Config, error) {
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: k.o.Kubeconfig}, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubelet's kubeconfig: %w", err)
	}
	c.ContentType = k.config.ContentType
	c.AcceptContentTypes = k.config.ContentType + ",application/json"
	c.QPS, c.Burst = float32(k.config.KubeAPIQPS), int(k.config.KubeAPIBurst)
	c.UserAgent = "kubelet/" + k.o.Name
	if k.o.WrapTransport != nil {
		c.Wrap(k.o.WrapTransport)
	}
	c.Wrap(k.power.transport)
	return c, nil
}
