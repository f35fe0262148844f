package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/component-base/version"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/apiserver"
	"github.com/kubestep/kubestep/engine/controllers"
	"github.com/kubestep/kubestep/engine/etcd"
	"github.com/kubestep/kubestep/engine/history"
	"github.com/kubestep/kubestep/engine/kubeglobal"
	"github.com/kubestep/kubestep/engine/pki"
	"github.com/kubestep/kubestep/engine/scheduler"
)

// The phases of a start, as [engine.Status] shows them. A phase is done when others can use what it started.
const (
	phaseEtcd        = "etcd"
	phaseAPIServer   = "apiserver"
	phaseControllers = "controllers"
	phaseScheduler   = "scheduler"
	phaseNodes       = "nodes"
	phaseAddons      = "addons"
)

// phases returns the phases of a lab's start.
func (o *Options) phases() []string {
	all := []string{phaseEtcd, phaseAPIServer, phaseControllers, phaseScheduler, phaseNodes}
	if o.Addons != nil {
		all = append(all, phaseAddons)
	}
	return all
}

// cluster is what the steps of a start hand to each other.
type cluster struct {
	*Lab
	dir   string
	parts *parts
	certs *pki.Files
	etcd  *etcd.Member
	api   *apiserver.Server
	nodes nodeTable

	ready   chan error // the outcome of what makes the lab ready
	awaited int        // how many outcomes there will be
}

// start brings the cluster up, in the order in which its parts need each other, and returns when it is ready.
func (l *Lab) start(ctx context.Context, dir string, parts *parts) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of what still waits when a step has failed; parts have contexts of their own
	c := &cluster{Lab: l, dir: dir, parts: parts}
	if err := kubeglobal.Setup(kubeglobal.Options{
		Log: l.options.LibraryLog, Stderr: l.options.Stderr, Seed: l.options.Seed, Fatal: parts.fatal,
	}); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		c.startEtcd, c.makeCertificates, c.startAPIServer, c.watchReady, c.startOthers, c.awaitReady,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) startEtcd(ctx context.Context) error {
	config, err := etcd.Options{
		Dir: filepath.Join(c.dir, "etcd"), SocketDir: filepath.Join(c.options.RunDir, "etcd"),
		Keep: c.options.DataDir != "", Log: c.options.LibraryLog,
	}.Complete()
	if err != nil {
		return err
	}
	if c.etcd, err = etcd.New(config); err != nil {
		return err
	}
	c.parts.start(ctx, part{phaseEtcd, c.etcd.Run})
	return nil
}

func (c *cluster) makeCertificates(context.Context) error {
	o := pki.Options{Dir: filepath.Join(c.dir, "pki"), ServiceIP: kubernetesServiceIP, ServerIP: controlPlaneIP}
	for i := 1; i <= c.options.Nodes; i++ {
		o.Nodes = append(o.Nodes, pki.Node{Name: nodeName(i), Address: nodeAddress(i)})
	}
	var err error
	c.certs, err = pki.Ensure(o)
	return err
}

func (c *cluster) startAPIServer(ctx context.Context) error {
	config, err := apiserver.Options{
		Port: c.options.Port, Etcd: c.etcd.Endpoint(), Certificates: c.certs, ServiceRange: serviceCIDR,
		Advertise: apiServerAddress(), DialNode: c.nodes.dial, AuditPolicyFile: c.options.AuditPolicyFile, AuditLogFile: c.options.AuditLogFile,
		Tap: c.tap, EveryPlugin: c.gate.MayHoldStages, Log: c.options.Log,
	}.Complete()
	if err != nil {
		return err
	}
	if c.api, err = apiserver.New(config); err != nil {
		return err
	}
	if err := c.parts.wait(ctx, c.etcd.Ready()); err != nil {
		return err
	}
	c.status.done(phaseEtcd)
	c.history.set(history.New(c.etcd.Client(), c.store))
	if c.tap != nil {
		c.parts.start(ctx, part{name: "commits", run: func(ctx context.Context) error { return c.etcd.Report(ctx, c.tap) }})
	}
	c.parts.start(ctx, part{phaseAPIServer, c.api.Run})
	if err := c.parts.wait(ctx, c.api.Ready()); err != nil {
		return err
	}
	c.status.done(phaseAPIServer)
	return nil
}

// startOthers starts what needs only the API server: all at once.
func (c *cluster) startOthers(ctx context.Context) error {
	manager, err := controllers.New(controllers.Options{
		Config: c.client(c.certs.ControllerManager), Tap: c.tap, Log: c.options.Log,
		CACertFile: c.certs.CA.CertFile, CAKeyFile: c.certs.CA.KeyFile, RootCAFile: c.certs.CA.CertFile,
		ServiceAccountKeyFile: c.certs.ServiceAccountKeyFile, ClusterCIDR: podCIDR, ServiceCIDR: serviceCIDR,
	})
	if err != nil {
		return err
	}
	sched, err := scheduler.New(scheduler.Options{
		Config: c.client(c.certs.Scheduler), Tap: c.tap, Seed: c.options.Seed, Log: c.options.Log,
	})
	if err != nil {
		return err
	}
	c.parts.start(ctx, part{phaseControllers, manager.Run})
	c.parts.start(ctx, part{phaseScheduler, sched.Run})
	if err := c.startNetwork(ctx); err != nil {
		return err
	}
	for i := 1; i <= c.options.Nodes; i++ {
		if err := c.startNode(ctx, i); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	failed := make(chan error, 2)
	for _, p := range []struct {
		phase string
		ready <-chan struct{}
	}{{phaseControllers, manager.Ready()}, {phaseScheduler, sched.Ready()}} {
		wg.Go(func() {
			err := c.parts.wait(ctx, p.ready)
			if err == nil {
				c.status.done(p.phase)
			}
			failed <- err
		})
	}
	wg.Wait()
	for range 2 {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) startNode(ctx context.Context, index int) error {
	name := nodeName(index)
	certs := c.certs.Nodes[name]
	dir := filepath.Join(c.dir, "nodes", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of %s: %w", name, err)
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := pki.WriteKubeconfig(kubeconfig, c.api.URL(), c.certs.CA, name, certs.Client); err != nil {
		return err
	}
	config := engine.NodeConfig{
		Name: name, Index: index, Dir: dir, Kubeconfig: kubeconfig,
		ClientCAFile: c.certs.CA.CertFile, ServingCertFile: certs.Serving.CertFile, ServingKeyFile: certs.Serving.KeyFile,
		Address: nodeAddress(index), Tap: c.tap, ClusterDNS: dnsServiceIP, ClusterDomain: clusterDomain,
		ProxyKubeconfig: c.proxyKubeconfig(), WrapTransport: c.wrapTransportFor("kubelet@" + name),
		WrapTransportFor: c.wrapTransportFor, Log: c.options.Log.With("node", name),
	}
	node, err := newMachine(ctx, config, c.options.Runtime)
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	c.nodes.add(config.Address, node)
	c.faults.add(node)
	c.parts.start(ctx, part{name, node.run})
	return nil
}

// watchReady looks for what makes a lab ready, from the moment when the API server answers.
func (c *cluster) watchReady(ctx context.Context) error {
	config := c.client(c.certs.Admin)
	config.UserAgent = "kubestep"
	client, err := ownClient(config)
	if err != nil {
		return err
	}
	c.ready = make(chan error, 2)
	c.awaited = 1
	go func() {
		err := awaitNodes(ctx, client, c.options.Nodes)
		if err == nil {
			c.status.done(phaseNodes)
		}
		c.ready <- err
	}()
	if c.options.Addons != nil {
		c.awaited++
		go func() {
			err := install(ctx, config, client, c.options.Addons)
			if err == nil {
				c.status.done(phaseAddons)
			}
			c.ready <- err
		}()
	}
	return nil
}

// awaitReady waits until every node is Ready, Pods can be made and the add-ons work, and says so.
func (c *cluster) awaitReady(context.Context) error {
	for range c.awaited {
		select {
		case err := <-c.ready:
			if err != nil {
				return err
			}
		case err := <-c.parts.failed:
			return err
		}
	}
	kubeconfig := filepath.Join(c.dir, "kubeconfig")
	if err := pki.WriteKubeconfig(kubeconfig, c.api.URL(), c.certs.CA, "kubernetes-admin", c.certs.Admin); err != nil {
		return err
	}
	if c.options.Seed != nil {
		// What was drawn while everything started at once came in no order; from here on it does.
		kubeglobal.Reseed(*c.options.Seed)
	}
	c.status.ready(func(now *engine.Status) {
		now.Kubeconfig, now.Version, now.Nodes = kubeconfig, version.Get().GitVersion, c.options.Nodes
		now.Network = c.options.Network
		if c.options.Seed != nil {
			now.Seed = *c.options.Seed
		}
	})
	return nil
}

// client returns how the owner of a client certificate reaches the API server.
func (c *cluster) client(cert pki.Pair) *rest.Config {
	return &rest.Config{
		Host: c.api.URL(),
		TLSClientConfig: rest.TLSClientConfig{
			CAFile: c.certs.CA.CertFile, CertFile: cert.CertFile, KeyFile: cert.KeyFile,
		},
	}
}

func nodeName(index int) string { return fmt.Sprintf("node-%d", index) }

// nodeAddress returns a node's address in nodeNetwork.
func nodeAddress(index int) net.IP { return net.IPv4(192, 168, 50, byte(10+index)) }
