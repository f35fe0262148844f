package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubernetes/pkg/proxy"
	proxyapis "k8s.io/kubernetes/pkg/proxy/apis"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// serviceProxy is one node's kube-proxy: it watches Services and EndpointSlices by itself and installs what upstream's
// change trackers make of them.
//
// Two things differ from upstream's process (cmd/kube-proxy/app/server.go). A change is installed at once, not at most
// once a second: the fabric does not mind. And it does not watch ServiceCIDRs, which are the lab's own.
type serviceProxy struct {
	config  engine.NodeConfig
	actor   string
	install func([]fabric.Service) error
	cidr    func(podCIDR string) // is told the node's, whenever it changes
	changed chan struct{}        // has room for one
	// listen opens a port of the node for health checks; nil when there are none.
	listen func(ctx context.Context, port uint16) (net.Listener, error)

	mu       sync.Mutex
	stopped  bool
	switched chan struct{} // closed and replaced when stopped changes
}

func newServiceProxy(c engine.NodeConfig, install func([]fabric.Service) error, cidr func(podCIDR string)) *serviceProxy {
	return &serviceProxy{
		config: c, actor: "kube-proxy@" + c.Name, install: install, cidr: cidr,
		changed: make(chan struct{}, 1), switched: make(chan struct{}),
	}
}

// again makes the proxy install what it knows once more.
func (p *serviceProxy) again() { poke(p.changed) }

// poke wakes up whoever waits on c, which has room for one.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *serviceProxy) setRunning(running bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped == !running {
		return
	}
	p.stopped = !running
	close(p.switched)
	p.switched = make(chan struct{})
}

// run proxies until ctx ends, with the pauses that setRunning makes.
func (p *serviceProxy) run(ctx context.Context) error {
	if p.config.ProxyKubeconfig == "" {
		<-ctx.Done() // a node without one has no Services
		return nil
	}
	client, err := newClient(p.config.ProxyKubeconfig, p.actor, p.config.WrapTransportFor)
	if err != nil {
		return err
	}
	return p.runWith(ctx, client)
}

func (p *serviceProxy) runWith(ctx context.Context, client kubernetes.Interface) error {
	for ctx.Err() == nil {
		p.mu.Lock()
		stopped, switched := p.stopped, p.switched
		p.mu.Unlock()
		if stopped {
			select {
			case <-switched:
			case <-ctx.Done():
			}
			continue
		}
		life, end := context.WithCancel(ctx)
		go func() {
			defer end()
			select {
			case <-switched:
			case <-life.Done():
			}
		}()
		err := p.proxy(life, client)
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

// newClient returns a client of the API server for a component with a kubeconfig of its own.
func newClient(kubeconfig, actor string, wrap func(actor string) func(http.RoundTripper) http.RoundTripper) (kubernetes.Interface, error) {
	c, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig of %s: %w", actor, err)
	}
	c.ContentType = runtime.ContentTypeProtobuf
	c.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	c.QPS = -1 // it only watches
	c.UserAgent = actor
	if wrap != nil {
		c.Wrap(wrap(actor))
	}
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("make the client of %s: %w", actor, err)
	}
	return client, nil
}

// known is what one life of a proxy's process has learnt.
type known struct {
	services     *proxy.ServiceChangeTracker
	endpoints    *proxy.EndpointsChangeTracker
	servicePorts proxy.ServicePortMap
	endpointsOf  proxy.EndpointsMap

	mu       sync.Mutex
	topology map[string]string // of the node
}

// proxy is one life of the process: it learns everything, then follows.
func (p *serviceProxy) proxy(ctx context.Context, client kubernetes.Interface) error {
	k := &known{
		services:     proxy.NewServiceChangeTracker(corev1.IPv4Protocol, nil, nil),
		endpoints:    proxy.NewEndpointsChangeTracker(corev1.IPv4Protocol, p.config.Name, nil, nil),
		servicePorts: proxy.ServicePortMap{},
		endpointsOf:  proxy.EndpointsMap{},
	}
	var factories []informers.SharedInformerFactory
	factory := func(tweak func(*metav1.ListOptions)) informers.SharedInformerFactory {
		f := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(tweak))
		factories = append(factories, f)
		return f
	}
	// The selectors are kube-proxy's: headless Services are the DNS server's.
	services := factory(func(o *metav1.ListOptions) {
		o.LabelSelector = "!" + proxyapis.LabelServiceProxyName
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.clusterIP", corev1.ClusterIPNone).String()
	}).Core().V1().Services().Informer()
	slices := factory(func(o *metav1.ListOptions) { o.LabelSelector = "!" + corev1.IsHeadlessService }).
		Discovery().V1().EndpointSlices().Informer()
	node := factory(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, p.config.Name).String()
	}).Core().V1().Nodes().Informer()

	var synced []cache.DoneChecker
	for _, follow := range []struct {
		informer cache.SharedIndexInformer
		handler  cache.ResourceEventHandler
	}{{services, p.onServices(k)}, {slices, p.onEndpointSlices(k)}, {node, p.onNode(k)}} {
		registration, err := follow.informer.AddEventHandler(follow.handler)
		if err != nil {
			return fmt.Errorf("follow the cluster as %s: %w", p.actor, err)
		}
		synced = append(synced, registration.HasSyncedChecker())
	}
	for _, f := range factories {
		f.Start(ctx.Done())
		defer f.Shutdown()
	}
	if !cache.WaitFor(ctx, "", synced...) {
		return nil
	}
	var checks *healthChecks
	if p.listen != nil {
		checks = newHealthChecks(p.listen, p.config.Log)
		defer checks.close()
	}
	for {
		k.servicePorts.Update(k.services)
		k.endpointsOf.Update(k.endpoints)
		k.mu.Lock()
		topology := k.topology
		k.mu.Unlock()
		if err := p.install(servicesOf(k.servicePorts, k.endpointsOf, p.config.Name, topology)); err != nil {
			p.config.Log.Warn("install Services", "actor", p.actor, "error", err)
		}
		if checks != nil {
			checks.sync(ctx, k.servicePorts.HealthCheckNodePorts(), k.endpointsOf.LocalReadyEndpoints())
		}
		select {
		case <-p.changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *serviceProxy) onServices(k *known) cache.ResourceEventHandler {
	changed := func(before, now *corev1.Service) {
		if k.services.Update(before, now) {
			p.again()
		}
	}
	return handler[corev1.Service]{
		add:    func(s *corev1.Service) { changed(nil, s) },
		update: changed,
		remove: func(s *corev1.Service) { changed(s, nil) },
	}
}

func (p *serviceProxy) onEndpointSlices(k *known) cache.ResourceEventHandler {
	changed := func(s *discoveryv1.EndpointSlice, removed bool) {
		if k.endpoints.EndpointSliceUpdate(s, removed) {
			p.again()
		}
	}
	return handler[discoveryv1.EndpointSlice]{
		add:    func(s *discoveryv1.EndpointSlice) { changed(s, false) },
		update: func(_, s *discoveryv1.EndpointSlice) { changed(s, false) },
		remove: func(s *discoveryv1.EndpointSlice) { changed(s, true) },
	}
}

func (p *serviceProxy) onNode(k *known) cache.ResourceEventHandler {
	changed := func(n *corev1.Node) {
		topology := map[string]string{}
		if zone, ok := n.Labels[corev1.LabelTopologyZone]; ok { // all that CategorizeEndpoints reads
			topology[corev1.LabelTopologyZone] = zone
		}
		k.mu.Lock()
		k.topology = topology
		k.mu.Unlock()
		p.again()
	}
	return handler[corev1.Node]{
		add: func(n *corev1.Node) {
			changed(n)
			p.cidr(n.Spec.PodCIDR)
		},
		update: func(before, now *corev1.Node) {
			if before.Labels[corev1.LabelTopologyZone] != now.Labels[corev1.LabelTopologyZone] {
				changed(now)
			}
			if before.Spec.PodCIDR != now.Spec.PodCIDR {
				p.cidr(now.Spec.PodCIDR)
			}
		},
		remove: func(*corev1.Node) {},
	}
}

// handler is a [cache.ResourceEventHandler] for one type of object.
type handler[T any] struct {
	add    func(o *T)
	update func(before, now *T)
	remove func(o *T)
}

// OnAdd implements [cache.ResourceEventHandler].
func (h handler[T]) OnAdd(o any, _ bool) {
	if o, ok := o.(*T); ok {
		h.add(o)
	}
}

// OnUpdate implements [cache.ResourceEventHandler].
func (h handler[T]) OnUpdate(before, now any) {
	b, ok := before.(*T)
	if n, also := now.(*T); ok && also {
		h.update(b, n)
	}
}

// OnDelete implements [cache.ResourceEventHandler].
func (h handler[T]) OnDelete(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok { // the watch had missed it
		o = gone.Obj
	}
	if o, ok := o.(*T); ok {
		h.remove(o)
	}
}
