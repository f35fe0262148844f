// Package scheduler runs upstream's kube-scheduler with a tap at each extension point: what every filter plugin said of
// every node, what every score plugin gave it, and which node was chosen. Plugins, weights, queue and preemption are
// upstream's own.
//
// engine/lab imports it.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	upstreamprofile "k8s.io/kubernetes/pkg/scheduler/profile"

	"github.com/kubestep/kubestep/engine/tap"
	"github.com/kubestep/kubestep/engine/trace"
)

// actor is who the scheduler's requests, deliveries and phases are by.
const actor = "kube-scheduler"

// Options say what the scheduler needs.
type Options struct {
	// Config reaches the API server as system:kube-scheduler. It is copied; the scheduler adds the tap, the encoding and
	// upstream's limits by itself.
	Config *rest.Config
	// Tap takes the events; nil for none.
	Tap *trace.Tap
	// Seed, when not nil, decides between nodes with the same total score. Otherwise it is the order in which upstream's
	// workers were done with the nodes. It needs a Tap.
	Seed *int64
	Log  *slog.Logger
}

// Scheduler is one scheduler with upstream's default profile.
type Scheduler struct {
	options Options
	config  *rest.Config
	ready   chan struct{}

	preempting *preempting
}

// New checks o and returns a scheduler that does not run yet.
func New(o Options) (*Scheduler, error) {
	if o.Config == nil || o.Log == nil {
		return nil, errors.New("scheduler: Config and Log are needed")
	}
	c := rest.CopyConfig(o.Config)
	c.ContentType = runtime.ContentTypeProtobuf
	c.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	// Upstream's 50 requests a second spare an API server that serves thousands of nodes; here they would make 200 Pods
	// wait for two seconds.
	c.QPS, c.Burst = 500, 1000
	s := &Scheduler{options: o, config: c, ready: make(chan struct{}), preempting: &preempting{}}
	c.Wrap(tap.New(o.Tap, tap.Client{Actor: actor, Cause: s.preempting.cause}))
	return s, nil
}

// Ready is closed when the scheduler has seen what exists and schedules.
func (s *Scheduler) Ready() <-chan struct{} { return s.ready }

// Run schedules until ctx ends, and returns nil then. It is called once. It does what upstream's
// cmd/kube-scheduler/app.Setup and Run do, without leader election and without a serving port.
func (s *Scheduler) Run(ctx context.Context) error {
	defaults, err := latest.Default()
	if err != nil {
		return fmt.Errorf("making the scheduler's default configuration: %w", err)
	}
	// What fails below leaves goroutines behind that end with their context.
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	client, err := kubernetes.NewForConfig(s.clientConfig("scheduler"))
	if err != nil {
		return fmt.Errorf("making the scheduler's client: %w", err)
	}
	eventClient, err := kubernetes.NewForConfig(s.clientConfig(""))
	if err != nil {
		return fmt.Errorf("making the scheduler's client for events: %w", err)
	}
	dynamicClient, err := dynamic.NewForConfig(s.clientConfig(""))
	if err != nil {
		return fmt.Errorf("making the scheduler's client for custom resources: %w", err)
	}
	shared := upstream.NewInformerFactory(client, 0)
	custom := dynamicinformer.NewDynamicSharedInformerFactory(dynamicClient, 0)
	broadcaster := events.NewEventBroadcasterAdapterWithContext(ctx, eventClient)
	defer broadcaster.Shutdown()

	sched, err := newUpstream(ctx, defaults, client, s.config, shared, custom,
		func(name string) events.EventRecorderLogger { return broadcaster.NewRecorder(name) })
	if err != nil {
		return fmt.Errorf("making the scheduler: %w", err)
	}
	if s.options.Tap != nil {
		if err := attach(ctx, sched, defaults, s.options.Tap, s.preempting, s.options.Seed); err != nil {
			return fmt.Errorf("tapping the scheduler's plugins: %w", err)
		}
	}

	broadcaster.StartRecordingToSink(ctx.Done())
	shared.Start(ctx.Done())
	custom.Start(ctx.Done())
	defer func() { // in this order: an informer ends when its context has
		stop()
		shared.Shutdown()
		custom.Shutdown()
	}()
	shared.WaitForCacheSync(ctx.Done())
	custom.WaitForCacheSync(ctx.Done())
	if err := sched.WaitForHandlersSync(ctx); err != nil {
		return nil // stopped before it was ready
	}
	s.options.Log.Info("scheduler is ready")
	close(s.ready)
	sched.Run(ctx)
	return nil
}

func (s *Scheduler) clientConfig(name string) *rest.Config {
	c := rest.CopyConfig(s.config)
	c.UserAgent = tap.UserAgent(actor, name)
	return c
}

func newUpstream(ctx context.Context, c *config.KubeSchedulerConfiguration, client kubernetes.Interface, restConfig *rest.Config,
	shared informers.SharedInformerFactory, custom dynamicinformer.DynamicSharedInformerFactory, recorders upstreamprofile.RecorderFactory,
) (*upstream.Scheduler, error) {
	return upstream.New(ctx, client, shared, custom, recorders,
		upstream.WithComponentConfigVersion(c.APIVersion),
		upstream.WithKubeConfig(restConfig),
		upstream.WithProfiles(c.Profiles...),
		upstream.WithPercentageOfNodesToScore(c.PercentageOfNodesToScore),
		upstream.WithPodMaxBackoffSeconds(c.PodMaxBackoffSeconds),
		upstream.WithPodInitialBackoffSeconds(c.PodInitialBackoffSeconds),
		upstream.WithExtenders(c.Extenders...),
		upstream.WithParallelism(c.Parallelism),
	)
}
