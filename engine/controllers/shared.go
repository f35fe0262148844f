package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/config"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
)

// shared is what all controllers use: informers, the mapping of kinds to resources, the graph of owners.
type shared struct {
	app.ControllerContext
	name *cache.InformerName
}

// newShared does what upstream's app.CreateControllerContext does, but for two things: it does not wait for the API
// server's /healthz, which tries once a second, because the caller knows when the API server is ready; and the clients are
// tapped.
func newShared(ctx context.Context, c *config.CompletedConfig, root rootClients, named *namedClients) (*shared, error) {
	client, err := kubernetes.NewForConfig(root.as(process, "shared-informers"))
	if err != nil {
		return nil, fmt.Errorf("client of the informers: %w", err)
	}
	metadataClient, err := metadata.NewForConfig(metadata.ConfigFor(root.as(process, "metadata-informers")))
	if err != nil {
		return nil, fmt.Errorf("client of the metadata informers: %w", err)
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(root.as(process, "controller-discovery"))
	if err != nil {
		return nil, fmt.Errorf("client for discovery: %w", err)
	}
	name, err := cache.NewInformerName(process)
	if err != nil {
		return nil, fmt.Errorf("a process can run one controller manager: %w", err)
	}

	resync := app.ResyncPeriod(c)
	typed := informers.NewSharedInformerFactoryWithOptions(client, resync(),
		informers.WithTransform(withoutManagedFields), informers.WithInformerName(name))
	untyped := metadatainformer.NewSharedInformerFactoryWithOptions(metadataClient, resync(),
		metadatainformer.WithTransform(withoutManagedFields))
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discoveryClient))
	go wait.UntilWithContext(ctx, func(context.Context) { mapper.Reset() }, 30*time.Second)

	s := &shared{
		name: name,
		ControllerContext: app.ControllerContext{
			ClientBuilder:                   named,
			InformerFactory:                 typed,
			ObjectOrMetadataInformerFactory: informerfactory.NewInformerFactory(typed, untyped),
			ComponentConfig:                 c.ComponentConfig,
			RESTMapper:                      mapper,
			InformersStarted:                make(chan struct{}),
			ResyncPeriod:                    resync,
			ControllerManagerMetrics:        controllersmetrics.NewControllerManagerMetrics(process),
		},
	}
	ignored := map[schema.GroupResource]struct{}{}
	for _, r := range c.ComponentConfig.GarbageCollectorController.GCIgnoredResources {
		ignored[schema.GroupResource{Group: r.Group, Resource: r.Resource}] = struct{}{}
	}
	s.GraphBuilder = garbagecollector.NewDependencyGraphBuilder(
		ctx, metadataClient, mapper, ignored, s.ObjectOrMetadataInformerFactory, s.InformersStarted)
	controllersmetrics.Register()
	return s, nil
}

// start starts the informers. All controllers must have been built.
func (s *shared) start(ctx context.Context) {
	s.InformerFactory.Start(ctx.Done())
	s.ObjectOrMetadataInformerFactory.Start(ctx.Done())
	close(s.InformersStarted)
}

// close waits for the informers to stop, whose context must have ended or must end soon, and gives their name back.
func (s *shared) close() {
	s.InformerFactory.Shutdown()
	s.name.Release()
}

// withoutManagedFields drops what takes the most memory and no controller looks at.
func withoutManagedFields(object any) (any, error) {
	if o, err := meta.Accessor(object); err == nil && o.GetManagedFields() != nil {
		o.SetManagedFields(nil)
	}
	return object, nil
}

// unserved takes the controllers' health checks: nothing serves them here.
type unserved struct{}

// AddHealthChecker implements app.HealthCheckAdder.
func (unserved) AddHealthChecker(...healthz.HealthChecker) {}
