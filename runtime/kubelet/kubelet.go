package kubelet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"

	"github.com/go-logr/logr"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	internalapi "k8s.io/cri-api/pkg/apis"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/credentialprovider"
	upstream "k8s.io/kubernetes/pkg/kubelet"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	kubeletflags "k8s.io/kubernetes/pkg/kubelet/kubeletconfig"
)

// Options says what a kubelet needs. All fields are required that are not marked optional.
type Options struct {
	// Name is the Node's.
	Name string
	// Dir is the node's own directory. The kubelet writes nowhere else.
	Dir string
	// Kubeconfig is a file with the kubelet's client certificate (system:node:NAME, group system:nodes).
	Kubeconfig string
	// ClientCAFile signs who may talk to the kubelet's server; the other two are that server's certificate.
	ClientCAFile, ServingCertFile, ServingKeyFile string
	// Address is the node's InternalIP. No socket of the host has it.
	Address net.IP
	// Runtime and Images are the node's container runtime. It must be ready before Run.
	Runtime internalapi.RuntimeService
	Images  internalapi.ImageManagerService
	// WrapTransport taps the kubelet's requests to the API server. Optional.
	WrapTransport func(http.RoundTripper) http.RoundTripper
	// OnSync is called when the kubelet begins a piece of work on a Pod: "syncPod", "syncTerminatingPod",
	// "syncTerminatedPod". What it returns is the context of the work's CRI calls. Optional.
	OnSync func(ctx context.Context, span, podUID string) context.Context
	// Dial connects to Pods, for probes and lifecycle hooks. Without it they fail and say why.
	Dial DialFunc
	// WithTimeout is on the clock of what Dial reaches, for probes: one that stands still makes no Pod unhealthy. Optional.
	WithTimeout TimeoutFunc
	// ClusterDNS and ClusterDomain go into Pods' resolv.conf. Optional.
	ClusterDNS    net.IP
	ClusterDomain string
	// Process is shared by all kubelets of this process.
	Process *Process
	// Log takes what upstream logs with a context; the rest goes to klog.
	Log *slog.Logger
}

func (o *Options) validate() error {
	var missing []error
	for name, ok := range map[string]bool{
		"Name": o.Name != "", "Dir": filepath.IsAbs(o.Dir), "Kubeconfig": o.Kubeconfig != "",
		"ClientCAFile": o.ClientCAFile != "", "ServingCertFile": o.ServingCertFile != "", "ServingKeyFile": o.ServingKeyFile != "",
		"Address": o.Address != nil, "Runtime": o.Runtime != nil, "Images": o.Images != nil,
		"Process": o.Process != nil, "Log": o.Log != nil,
	} {
		if !ok {
			missing = append(missing, fmt.Errorf("kubelet: Options.%s is missing", name))
		}
	}
	return errors.Join(missing...)
}

// Kubelet is one node's kubelet.
type Kubelet struct {
	o        Options
	files    layout
	config   *kubeletconfig.KubeletConfiguration
	power    *power
	listener *listener
	started  chan struct{}
}

// New checks o and returns a kubelet that does not run yet.
func New(o Options) (*Kubelet, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	files := newLayout(filepath.Clean(o.Dir))
	config, err := configuration(&o, files)
	if err != nil {
		return nil, err
	}
	return &Kubelet{
		o:        o,
		files:    files,
		config:   config,
		power:    newPower(),
		listener: newListener(o.Name),
		started:  make(chan struct{}),
	}, nil
}

// Started is closed when the kubelet runs and its server answers. The Node becomes Ready some time later.
func (k *Kubelet) Started() <-chan struct{} { return k.started }

// DialServer connects to the kubelet's server. It waits, until ctx ends, for the server to run.
func (k *Kubelet) DialServer(ctx context.Context) (net.Conn, error) { return k.listener.dial(ctx) }

// Run starts the kubelet and blocks until ctx ends or it fails. It is called once. When it returns, the server has
// stopped, requests under way have ended and the container runtime is not called any more; power.go says what stays.
func (k *Kubelet) Run(ctx context.Context) error {
	if err := k.files.prepare(); err != nil {
		return err
	}
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(k.o.Log.Handler()))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer k.power.cut()
	defer func() { _ = k.listener.Close() }()

	server, err := k.start(ctx)
	if err != nil {
		return fmt.Errorf("start the kubelet of %s: %w", k.o.Name, err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(server, k.listener) }()
	close(k.started)

	select {
	case <-ctx.Done():
		k.power.cut()
		_ = server.Close() // logs and exec streams would keep a graceful end waiting
		<-served
		return nil
	case err := <-served:
		return fmt.Errorf("kubelet of %s: %w", k.o.Name, err)
	}
}

// start builds upstream's kubelet, lets it run and returns its server. Kubelets of one process start one after the
// other, up to the point where each has registered its metrics.
func (k *Kubelet) start(ctx context.Context) (*http.Server, error) {
	k.o.Process.starting.Lock()
	defer k.o.Process.starting.Unlock()

	clients, err := k.clients(ctx)
	if err != nil {
		return nil, err
	}
	clients.recordEvents()
	auth, err := newAuth(ctx, types.NodeName(k.o.Name), clients.kube, k.config)
	if err != nil {
		return nil, err
	}
	// A process global; each kubelet's directory has the same empty file of credentials.
	credentialprovider.SetPreferredDockercfgPath(k.files.root)

	deps, err := k.dependencies(ctx, clients, auth)
	if err != nil {
		return nil, err
	}
	klet, err := deps.build(ctx, k)
	if err != nil {
		return nil, err
	}
	klet.BirthCry()
	klet.StartGarbageCollection(ctx)
	go klet.Run(ctx, deps.PodConfig.Updates())

	select {
	case <-deps.registered:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := forgetCollectors(); err != nil {
		return nil, err
	}
	return newServer(ctx, klet, k.config, deps.TLSConfig, auth, deps.recorder, k.o.Log), nil
}

// build calls upstream's constructor with the flags that cmd/kubelet has and its configuration file has not, at the
// values that they have there.
func (d *dependencies) build(ctx context.Context, k *Kubelet) (*upstream.Kubelet, error) {
	klet, err := upstream.NewMainKubelet(ctx, k.config, d.Dependencies,
		&kubeletflags.ContainerRuntimeOptions{},
		// Upstream takes a node's address from an interface of the host, from DNS, or, as in clusters whose nodes are named
		// by address, from the host's name. The lab's addresses are on no interface, so the address is the host's name; the
		// label that carries the name is set below.
		k.o.Address.String(),
		types.NodeName(k.o.Name),
		nil,             // node IPs: see above
		"",              // provider ID
		"",              // cloud provider
		k.files.root,    // certificates, none of which are rotated
		k.files.root,    // root directory
		k.files.podLogs, //
		"", "",          // credential provider plugins
		true,              // register the Node
		nil,               // taints
		nil,               // unsafe sysctls
		"",                // mounter in a container
		false,             // kernel memcg notification
		false,             // ignore eviction thresholds in allocatable
		metav1.Duration{}, // minimum age of dead containers to collect
		1,                 // dead containers to keep for each container
		-1,                // dead containers to keep in all
		map[string]string{v1.LabelHostname: k.o.Name},
		50,    // images in the Node's status
		false, // seccomp by default
	)
	if err != nil {
		return nil, err
	}
	if d.Recorder != d.recorder {
		return nil, errors.New("upstream's constructor has changed: the OOM watcher was not left out; see dependencies.go")
	}
	d.klet.Store(klet)
	return klet, nil
}
