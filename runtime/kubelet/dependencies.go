package kubelet

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	upstream "k8s.io/kubernetes/pkg/kubelet"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/kubelet/server"
	"k8s.io/kubernetes/pkg/kubelet/util"
	"k8s.io/kubernetes/pkg/util/oom"
	"k8s.io/kubernetes/pkg/volume"
)

// dependencies are what upstream's kubelet is built from, with what the start needs to know of them.
type dependencies struct {
	*upstream.Dependencies
	recorder record.EventRecorderLogger
	// registered is closed when the kubelet has registered its metrics.
	registered chan struct{}
	klet       atomic.Pointer[upstream.Kubelet]
}

// dependencies fills in all of upstream.Dependencies that has no default.
func (k *Kubelet) dependencies(ctx context.Context, c *clients, auth server.AuthInterface) (*dependencies, error) {
	machine, err := newMachine(k.o.Name, k.files.root)
	if err != nil {
		return nil, err
	}
	d := &dependencies{registered: make(chan struct{})}
	d.recorder = c.broadcaster.NewRecorder(legacyscheme.Scheme, v1.EventSource{Component: server.ComponentKubelet, Host: k.o.Name})

	// NewMainKubelet makes a watcher of the kernel's log for processes killed for want of memory. Those are the host's,
	// not the node's, and an ordinary user cannot read that log, which fails the constructor. It leaves the watcher out
	// for a recorder of one type (pkg/kubelet/oom/oom_watcher_linux.go) - so that is what it finds there, from the call
	// before (GetPodCgroupRoot) to the call after (Tracer), both of which come to us. Everything else gets the real one.
	var hide, restore sync.Once
	hidden := &record.FakeRecorder{}
	onCgroupRoot := func() { hide.Do(func() { d.Recorder = hidden }) }
	onTracer := func() { restore.Do(func() { d.Recorder = d.recorder }) }

	var registered sync.Once
	tracker := util.NewPodStartupLatencyTracker()
	source := podSource{client: c.kube, node: types.NodeName(k.o.Name), nodeKnown: func() bool {
		klet := d.klet.Load()
		if klet == nil {
			return false
		}
		_, err := klet.GetNode(ctx)
		return err == nil
	}}
	volumes := func(pod types.UID) map[string]volume.Volume {
		klet := d.klet.Load()
		if klet == nil {
			return nil
		}
		there, _ := klet.ListVolumesForPod(pod)
		return there
	}
	d.Dependencies = &upstream.Dependencies{
		Auth:              auth,
		CAdvisorInterface: machine,
		ContainerManager: &containerManager{
			ContainerManager: cm.NewStubContainerManager(), machine: machine, onCgroupRoot: onCgroupRoot, volumes: volumes, off: k.power.off,
		},
		EventClient:               c.events,
		HeartbeatClient:           c.heartbeat,
		KubeClient:                c.kube,
		OnHeartbeatFailure:        func() {}, // upstream would close idle connections, which cannot be stale here
		Mounter:                   &mounter{},
		HostUtil:                  hostUtil{onShared: func() { registered.Do(func() { close(d.registered) }) }},
		OOMAdjuster:               oom.NewFakeOOMAdjuster(),
		OSInterface:               nodeOS{containerLogs: k.files.containerLogs},
		PodConfig:                 source.pods(ctx, d.recorder, tracker),
		Recorder:                  d.recorder,
		Subpather:                 subPaths{},
		TracerProvider:            newTracerProvider(k.o.OnSync, onTracer),
		VolumePlugins:             volumePlugins(k.files.hostRoot),
		RemoteRuntimeService:      &runtimeService{RuntimeService: k.o.Runtime, power: k.power, handlers: newHandlers(k.o.Dial, k.o.WithTimeout), address: k.o.Address.String()},
		RemoteImageService:        &imageService{ImageManagerService: k.o.Images, power: k.power},
		PodStartupLatencyTracker:  tracker,
		NodeStartupLatencyTracker: util.NewNodeStartupLatencyTracker(),
		TLSOptions: &server.TLSOptions{
			CertFile:     k.o.ServingCertFile,
			KeyFile:      k.o.ServingKeyFile,
			ClientCAFile: k.o.ClientCAFile,
		},
	}
	if runtime.GOOS != "linux" {
		hide.Do(func() {}) // there is no such watcher elsewhere
	}
	return d, nil
}
