package engine

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"

	"github.com/kubestep/kubestep/engine/trace"
)

// NodeConfig is what a lab gives a node.
type NodeConfig struct {
	Name string // "node-1"
	// Index counts nodes from 1; addresses and ports follow from it.
	Index int
	// Dir is the node's own directory, made with mode 0700. Its path is short enough for Unix sockets below it.
	Dir string
	// Kubeconfig is a file with the kubelet's own client certificate (system:node:NAME, group system:nodes).
	Kubeconfig string
	// ClientCAFile signs who may talk to the kubelet's server; ServingCertFile and ServingKeyFile are that server's.
	ClientCAFile, ServingCertFile, ServingKeyFile string
	// Address is the node's InternalIP: an address of the lab's network, which no host socket has.
	Address net.IP
	// ProxyKubeconfig is a file with the client certificate of the node's service proxy (user system:kube-proxy).
	ProxyKubeconfig string
	// WrapTransport taps the kubelet's requests. The lab has named the actor already.
	WrapTransport func(http.RoundTripper) http.RoundTripper
	// WrapTransportFor taps the requests of another component of the node: "kube-proxy@node-1". Nil taps none.
	WrapTransportFor func(actor string) func(http.RoundTripper) http.RoundTripper
	// Tap takes the node's own events: CRI calls and what containers do. Nil for no events.
	Tap *trace.Tap
	// ClusterDNS and ClusterDomain go into Pods' resolv.conf.
	ClusterDNS    net.IP
	ClusterDomain string
	Log           *slog.Logger
}

// NetworkMode is how packets get from node to node.
type NetworkMode string

// The modes, named as flannel names its backends.
const (
	// VXLAN puts them into a tunnel between the nodes.
	VXLAN NetworkMode = "vxlan"
	// HostGW sends them as they are, by routes to the other nodes' addresses.
	HostGW NetworkMode = "host-gw"
)

// NetworkModes returns all modes, the default first.
func NetworkModes() []NetworkMode { return []NetworkMode{VXLAN, HostGW} }

// NetworkConfig is what a lab gives the network that joins its nodes.
type NetworkConfig struct {
	// Mode is one of [NetworkModes]; empty means the first.
	Mode NetworkMode
	// PodCIDR, ServiceCIDR and NodeCIDR hold the addresses of Pods, Services and nodes.
	PodCIDR, ServiceCIDR, NodeCIDR netip.Prefix
	// APIServer is where in the network the API server answers: an address of NodeCIDR that no node has.
	APIServer netip.AddrPort
	// DialAPIServer connects to the API server.
	DialAPIServer func(ctx context.Context) (net.Conn, error)
	// PolicyKubeconfig is a file with the client certificate of whoever enforces NetworkPolicies.
	PolicyKubeconfig string
	// WrapTransportFor taps the requests of a component of the network. Nil taps none.
	WrapTransportFor func(actor string) func(http.RoundTripper) http.RoundTripper
	// Tap takes what happens in the network: the path of packets that are followed. These are, in both directions, those
	// of connections that a process opens which a client has started by exec, and those of the Pods that FollowPods names.
	// All others move unseen, as there are thousands each second in a lab that does nothing.
	Tap *trace.Tap
	// FollowPods, asked for each packet, returns which Pods ("default/client") are followed; nil for none. It may be nil.
	FollowPods func() func(pod string) bool
	// Seed makes the network's choices repeatable: ports, endpoints.
	Seed uint64
	Log  *slog.Logger
}

// Network joins the nodes of a lab and their Pods.
type Network interface {
	// Run carries packets and blocks until ctx ends, or it fails. It is called once. Nodes stop before it does.
	Run(ctx context.Context) error
	// DialContext connects to an address of the network, of a node, a Pod or a Service, on behalf of the API server: for
	// the proxy subresources, webhooks and aggregated servers. Kubelets are not reached by it; see [Node].
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// NodeRuntime makes nodes and the network between them. runtime/node implements it; cmd hands it to engine/lab.
type NodeRuntime interface {
	// NewNetwork checks c and returns a network without nodes that does not run yet. It is called once, before NewNode;
	// nodes that are made without it have no network.
	NewNetwork(c NetworkConfig) (Network, error)
	// NewNode checks c and returns a node that does not run yet.
	NewNode(c NodeConfig) (Node, error)
}

// Node is one machine of the cluster.
type Node interface {
	// Run starts the node and blocks until ctx ends and all of it has stopped, or it fails. It is called once.
	Run(ctx context.Context) error
	// Started is closed when the kubelet runs. The Node object becomes Ready some time later.
	Started() <-chan struct{}
	// DialKubelet connects to the kubelet's server, as the API server does for logs and exec.
	DialKubelet(ctx context.Context) (net.Conn, error)
}
