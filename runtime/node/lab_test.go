package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/apiserver"
	"github.com/kubestep/kubestep/engine/etcd"
	"github.com/kubestep/kubestep/engine/kubeglobal"
	"github.com/kubestep/kubestep/engine/pki"
	"github.com/kubestep/kubestep/engine/tap"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/node"
	"github.com/kubestep/kubestep/runtime/program"
)

const deadline = 30 * time.Second

// lab is a store, an API server and nodes, without controllers and scheduler: the test does what they would do.
type lab struct {
	t      *testing.T
	dir    string
	tap    *trace.Tap
	config *rest.Config
	client *kubernetes.Clientset
	nodes  map[string]*machine
	// network joins the nodes.
	network engine.Network
}

type machine struct {
	engine.Node
	dir      string
	powerOff context.CancelFunc
	ended    chan error
}

var (
	addresses  = map[string]net.IP{"node-1": net.IPv4(192, 168, 100, 11), "node-2": net.IPv4(192, 168, 100, 12)}
	podCIDRs   = map[string]string{"node-1": "10.244.1.0/24", "node-2": "10.244.2.0/24"}
	serviceIP  = net.IPv4(10, 96, 0, 1)
	apiAddress = netip.MustParseAddrPort("192.168.100.2:6443")
)

func startLab(t *testing.T) *lab {
	t.Helper()
	dir := t.TempDir()
	logs, err := os.Create(filepath.Join(dir, "log"))
	check(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			raw, _ := os.ReadFile(logs.Name())
			t.Logf("%s", raw[max(0, len(raw)-20_000):])
		}
	})
	check(t, kubeglobal.Setup(kubeglobal.Options{Log: logs}))
	log := slog.New(slog.NewTextHandler(logs, nil))
	l := &lab{t: t, dir: dir, tap: trace.NewTap(trace.NewStore(trace.Limits{}), nil), nodes: map[string]*machine{}}

	var machines []pki.Node
	for name, address := range addresses {
		machines = append(machines, pki.Node{Name: name, Address: address})
	}
	files, err := pki.Ensure(pki.Options{Dir: filepath.Join(dir, "pki"), ServiceIP: serviceIP, Nodes: machines})
	check(t, err)
	etcdConfig, err := etcd.Options{Dir: filepath.Join(dir, "etcd"), Log: logs}.Complete()
	check(t, err)
	member, err := etcd.New(etcdConfig)
	check(t, err)
	l.run("etcd", member.Run, member.Ready())

	serverConfig, err := apiserver.Options{
		Etcd: member.Endpoint(), Certificates: files, ServiceRange: "10.96.0.0/16", Tap: l.tap, Log: log, DialNode: l.dial,
		Advertise: apiAddress,
	}.Complete()
	check(t, err)
	server, err := apiserver.New(serverConfig)
	check(t, err)
	l.run("API server", server.Run, server.Ready())

	kubeconfig := filepath.Join(dir, "admin.kubeconfig")
	check(t, pki.WriteKubeconfig(kubeconfig, server.URL(), files.CA, "admin", files.Admin))
	l.config, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	check(t, err)
	l.config.QPS = -1
	l.client, err = kubernetes.NewForConfig(l.config)
	check(t, err)

	wrap := func(actor string) func(http.RoundTripper) http.RoundTripper {
		return tap.New(l.tap, tap.Client{Actor: actor})
	}
	credentials := func(name string, pair pki.Pair) string {
		file := filepath.Join(dir, name+".kubeconfig")
		check(t, pki.WriteKubeconfig(file, server.URL(), files.CA, name, pair))
		return file
	}
	images, err := program.NewRegistry(callerImage)
	check(t, err)
	runtime := node.New(node.Options{Images: images})
	l.network, err = runtime.NewNetwork(engine.NetworkConfig{
		PodCIDR: netip.MustParsePrefix("10.244.0.0/16"), ServiceCIDR: netip.MustParsePrefix("10.96.0.0/16"),
		NodeCIDR: netip.MustParsePrefix("192.168.100.0/24"), APIServer: apiAddress,
		DialAPIServer: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Address())
		},
		PolicyKubeconfig: credentials("policy", files.NetworkPolicy), WrapTransportFor: wrap, Tap: l.tap, Log: log,
	})
	check(t, err)
	l.run("network", l.network.Run, nil)
	proxy := credentials("proxy", files.Proxy)
	began := time.Now()
	for name, address := range addresses {
		m := &machine{dir: filepath.Join(dir, name), ended: make(chan error, 1)}
		m.Node, err = runtime.NewNode(engine.NodeConfig{
			Name:             name,
			Dir:              m.dir,
			Kubeconfig:       credentials(name, files.Nodes[name].Client),
			ProxyKubeconfig:  proxy,
			ClientCAFile:     files.CA.CertFile,
			ServingCertFile:  files.Nodes[name].Serving.CertFile,
			ServingKeyFile:   files.Nodes[name].Serving.KeyFile,
			Address:          address,
			WrapTransport:    wrap("kubelet@" + name),
			WrapTransportFor: wrap,
			Tap:              l.tap,
			ClusterDNS:       net.IPv4(10, 96, 0, 10),
			ClusterDomain:    "cluster.local",
			Log:              log,
		})
		check(t, err)
		ctx, powerOff := context.WithCancel(context.WithoutCancel(t.Context()))
		m.powerOff = powerOff
		l.nodes[name] = m
		go func() { m.ended <- m.Run(ctx) }()
		t.Cleanup(powerOff)
	}
	l.giveCIDRs()
	l.await("both nodes Ready", func() error {
		for name := range addresses {
			n, err := l.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if !ready(n.Status.Conditions) {
				return fmt.Errorf("%s: %v", name, n.Status.Conditions)
			}
		}
		return nil
	})
	t.Logf("nodes Ready after %v", time.Since(began).Round(time.Millisecond))
	l.namespace()
	return l
}

// giveCIDRs does what the node-ipam-controller would. No node is Ready without.
func (l *lab) giveCIDRs() {
	l.t.Helper()
	for name, cidr := range podCIDRs {
		l.await("the registration of "+name, func() error {
			n, err := l.client.CoreV1().Nodes().Get(l.t.Context(), name, metav1.GetOptions{})
			if err == nil && ready(n.Status.Conditions) {
				l.t.Errorf("%s is Ready without a Pod CIDR", name)
			}
			return err
		})
		patch := fmt.Sprintf(`{"spec":{"podCIDR":%q,"podCIDRs":[%q]}}`, cidr, cidr)
		_, err := l.client.CoreV1().Nodes().Patch(l.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		check(l.t, err)
	}
}

// namespace makes what controllers put into every namespace.
func (l *lab) namespace() {
	l.t.Helper()
	ctx, core := l.t.Context(), l.client.CoreV1()
	_, err := core.Namespaces().Create(ctx, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		check(l.t, err)
	}
	_, err = core.ServiceAccounts("default").Create(ctx, &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{})
	check(l.t, err)
	_, err = core.ConfigMaps("default").Create(ctx, &v1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt"}, Data: map[string]string{"ca.crt": string(l.config.CAData)},
	}, metav1.CreateOptions{})
	check(l.t, err)
}

// dial is the network between the API server and the nodes.
func (l *lab) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	for name, ip := range addresses {
		if ip.String() == host && port == "10250" {
			return l.nodes[name].DialKubelet(ctx)
		}
	}
	return l.network.DialContext(ctx, network, address)
}

// run runs a part of the lab until the test has ended, and waits until it is ready if it says when.
func (l *lab) run(name string, part func(context.Context) error, ready <-chan struct{}) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(l.t.Context()))
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	l.t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(deadline):
			l.t.Errorf("%s did not stop", name)
		}
	})
	if ready == nil {
		return
	}
	select {
	case <-ready:
	case err := <-done:
		l.t.Fatalf("%s ended: %v", name, err)
	case <-time.After(deadline):
		l.t.Fatalf("%s did not become ready", name)
	}
}

// await waits until try returns nil.
func (l *lab) await(what string, try func() error) {
	l.t.Helper()
	await(l.t, what, try)
}

func await(t *testing.T, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	err := errors.New("not tried")
	for ctx.Err() == nil {
		if err = try(); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	t.Fatalf("waiting for %s: %v", what, err)
}

func ready(conditions []v1.NodeCondition) bool {
	for _, c := range conditions {
		if c.Type == v1.NodeReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
