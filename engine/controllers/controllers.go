// Package controllers runs upstream's kube-controller-manager: all controllers that run by default, each with its own
// service account and its own name in the trace.
//
// engine/lab imports it.
package controllers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/config"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"

	"github.com/kubestep/kubestep/engine/trace"
)

// process is the program in which all controllers run, and the actor of what they share.
const process = "kube-controller-manager"

// Options say what the controllers need.
type Options struct {
	// Config reaches the API server as system:kube-controller-manager. It is copied; the controllers add the tap, the
	// encoding and their limits by themselves.
	Config *rest.Config
	// Tap takes the events; nil for none.
	Tap *trace.Tap
	Log *slog.Logger
	// CACertFile and CAKeyFile sign certificate requests.
	CACertFile, CAKeyFile string
	// RootCAFile is published to every namespace, for Pods to check the API server by.
	RootCAFile string
	// ServiceAccountKeyFile is the private key that signs long-lived tokens of service accounts.
	ServiceAccountKeyFile string
	// ClusterCIDR is what nodes' spec.podCIDR are cut from, a /24 each: "10.244.0.0/16".
	ClusterCIDR string
	// ServiceCIDR is left out of that, where they overlap. May be empty.
	ServiceCIDR string
}

// Controllers is one controller manager.
type Controllers struct {
	options Options
	config  *config.CompletedConfig
	ready   chan struct{}
}

// New checks o and returns controllers that do not run yet.
func New(o Options) (*Controllers, error) {
	switch {
	case o.Config == nil, o.Log == nil:
		return nil, errors.New("controllers: Config and Log are needed")
	case o.CACertFile == "", o.CAKeyFile == "", o.RootCAFile == "", o.ServiceAccountKeyFile == "", o.ClusterCIDR == "":
		return nil, errors.New("controllers: files of the authority, the service accounts' key and a cluster CIDR are needed")
	}
	c, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("configuring the controllers: %w", err)
	}
	return &Controllers{options: o, config: c, ready: make(chan struct{})}, nil
}

// complete does what options.KubeControllerManagerOptions.Config does, but for a rest.Config that is no file, and without
// a serving port.
func (o Options) complete() (*config.CompletedConfig, error) {
	s, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return nil, err
	}
	known, disabled, aliases := app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases()
	s.Flags(known, disabled, aliases) // some defaults are set only where flags are declared
	s.SecureServing.BindPort = 0
	s.Generic.LeaderElection.LeaderElect = false
	s.KubeCloudShared.UseServiceAccountCredentials = true
	s.KubeCloudShared.AllocateNodeCIDRs = true
	s.KubeCloudShared.ClusterCIDR = o.ClusterCIDR
	s.NodeIPAMController.ServiceCIDR = o.ServiceCIDR
	s.CSRSigningController.ClusterSigningCertFile = o.CACertFile
	s.CSRSigningController.ClusterSigningKeyFile = o.CAKeyFile
	s.SAController.RootCAFile = o.RootCAFile
	s.SAController.ServiceAccountKeyFile = o.ServiceAccountKeyFile
	if err := s.Validate(known, disabled, aliases); err != nil {
		return nil, err
	}
	c := &config.Config{ComponentGlobalsRegistry: s.ComponentGlobalsRegistry}
	if err := s.ApplyTo(c, known, disabled, aliases); err != nil {
		return nil, err
	}
	c.Kubeconfig = rest.CopyConfig(o.Config)
	c.Kubeconfig.DisableCompression = true
	c.Kubeconfig.ContentType = runtime.ContentTypeProtobuf
	c.Kubeconfig.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	// Upstream's 20 requests a second and controller spare an API server that serves thousands of nodes; here they would
	// make a ReplicaSet of 200 wait for ten seconds.
	c.Kubeconfig.QPS, c.Kubeconfig.Burst = 500, 1000
	return c.Complete(), nil
}

// Ready is closed when all controllers run and have seen what exists.
func (c *Controllers) Ready() <-chan struct{} { return c.ready }

// Run runs the controllers until ctx ends and all of them have stopped, and returns nil then. It is called once, when the
// API server authorises system:kube-controller-manager. It does what upstream's cmd/kube-controller-manager/app.Run does,
// without leader election, without a serving port, and with clients that are tapped.
func (c *Controllers) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx) // what fails half-way leaves informers behind, which end with their context
	defer stop()

	root := rootClients{c.options.Tap, c.config.Kubeconfig}
	named, err := newNamedClients(c.options.Tap, c.config.Kubeconfig, root)
	if err != nil {
		return fmt.Errorf("making the controllers' clients: %w", err)
	}
	shared, err := newShared(ctx, c.config, root, named)
	if err != nil {
		return fmt.Errorf("making what the controllers share: %w", err)
	}
	defer func() {
		stop()
		shared.close()
	}()

	tokens, err := newTokenController(ctx, c.config, shared.InformerFactory, root)
	if err != nil {
		return fmt.Errorf("making the service account token controller: %w", err)
	}
	descriptors := app.NewControllerDescriptors()
	delete(descriptors, names.ServiceAccountTokenController) // upstream's cannot be given a client from outside
	others, err := app.BuildControllers(ctx, shared.ControllerContext, descriptors, nil, unserved{})
	if err != nil {
		return fmt.Errorf("making the controllers: %w", err)
	}

	shared.start(ctx)
	go func() {
		synced := shared.InformerFactory.WaitForCacheSync(ctx.Done())
		for kind, ok := range synced {
			if !ok { // stopped before it was ready
				c.options.Log.Debug("controllers stopped before an informer was ready", "type", kind.String())
				return
			}
		}
		c.options.Log.Info("controllers are ready", "controllers", len(others)+1, "informers", len(synced))
		close(c.ready)
	}()
	all := append([]app.Controller{tokens}, others...)
	if !app.RunControllers(ctx, shared.ControllerContext, all, app.ControllerStartJitter, c.config.ControllerShutdownTimeout) {
		return fmt.Errorf("controllers did not stop within %v", c.config.ControllerShutdownTimeout)
	}
	return nil
}
