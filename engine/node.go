package engine

import (
	"context"
	"log/slog"
	"net"
	"net/http"

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
	// WrapTransport taps the kubelet's requests. The lab has named the actor already.
	WrapTransport func(http.RoundTripper) http.RoundTripper
	// Tap takes the node's own events: CRI calls and what containers do. Nil for no events.
	Tap *trace.Tap
	// ClusterDNS and ClusterDomain go into Pods' resolv.conf.
	ClusterDNS    net.IP
	ClusterDomain string
	Log           *slog.Logger
}

// NodeRuntime makes nodes. runtime/node implements it; cmd hands it to engine/lab.
type NodeRuntime interface {
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
