package apiserver

import (
	"context"
	"net"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// dialInsideLab makes the server reach nodes, Pods and Services through the lab's network: their addresses mean nothing,
// or something else, to the host.
func (s *Server) dialInsideLab(c *app.Config) {
	dial := s.config.options.DialNode
	// pkg/kubelet/client asks this for each transport it makes: logs, exec, attach, port-forward.
	c.KubeAPIs.Extra.KubeletClientConfig.Lookup = func(egressselector.NetworkContext) (utilnet.DialFunc, error) {
		return dial, nil
	}
	// One transport is shared by the proxy subresources, webhooks and the aggregator; its dialer is read when each of
	// them first connects. They also call this server itself, by its own address.
	self := s.listener.Addr().String()
	c.KubeAPIs.ControlPlane.ProxyTransport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == self {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
		return dial(ctx, network, address)
	}
}

// advertise makes upstream believe that the server listens on the port that Pods see: it writes that port into the Service
// kubernetes.default and its endpoints (pkg/controlplane/instance.go, publicServicePort). By now the server's own client
// has the real one.
func (s *Server) advertise(c *app.Config) {
	at := s.config.options.Advertise
	if !at.IsValid() {
		return
	}
	c.KubeAPIs.ControlPlane.Generic.SecureServing.Listener = advertised{s.listener, net.TCPAddrFromAddrPort(at)}
}

// advertised is a listener that tells another address than its own.
type advertised struct {
	net.Listener
	at net.Addr
}

// Addr implements [net.Listener].
func (a advertised) Addr() net.Addr { return a.at }
