package lab

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/pki"
	"github.com/kubestep/kubestep/engine/tap"
)

// apiServerPort is where Pods find the API server, on controlPlaneIP.
const apiServerPort = 6443

func apiServerAddress() netip.AddrPort {
	a, _ := netip.AddrFromSlice(controlPlaneIP)
	return netip.AddrPortFrom(a.Unmap(), apiServerPort)
}

// startNetwork makes what joins the nodes.
func (c *cluster) startNetwork(ctx context.Context) error {
	policy := filepath.Join(c.dir, "network-policy.kubeconfig")
	if err := pki.WriteKubeconfig(policy, c.api.URL(), c.certs.CA, pki.NetworkPolicyUser, c.certs.NetworkPolicy); err != nil {
		return err
	}
	if err := pki.WriteKubeconfig(c.proxyKubeconfig(), c.api.URL(), c.certs.CA, "system:kube-proxy", c.certs.Proxy); err != nil {
		return err
	}
	config := engine.NetworkConfig{
		Mode:    c.options.Network,
		PodCIDR: netip.MustParsePrefix(podCIDR), ServiceCIDR: netip.MustParsePrefix(serviceCIDR),
		NodeCIDR: netip.MustParsePrefix(nodeNetwork), APIServer: apiServerAddress(), DialAPIServer: c.dialAPIServer,
		PolicyKubeconfig: policy, WrapTransportFor: c.wrapTransportFor, Tap: c.tap, FollowPods: c.gate.FollowPods, Log: c.options.Log.With("part", "network"),
	}
	if c.options.Seed != nil {
		config.Seed = uint64(*c.options.Seed) //nolint:gosec // any number will do
	}
	network, err := c.options.Runtime.NewNetwork(config)
	if err != nil {
		return fmt.Errorf("make the lab's network: %w", err)
	}
	c.nodes.join(network)
	c.faults.join(network)
	c.parts.start(ctx, part{name: "network", run: network.Run})
	return nil
}

// proxyKubeconfig is the file that all nodes' service proxies share.
func (c *cluster) proxyKubeconfig() string { return filepath.Join(c.dir, "kube-proxy.kubeconfig") }

// dialAPIServer connects what comes from inside the lab's network to the server.
func (c *cluster) dialAPIServer(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", c.api.Address())
}

// wrapTransportFor taps the requests of a component.
func (c *cluster) wrapTransportFor(actor string) func(http.RoundTripper) http.RoundTripper {
	if c.tap == nil {
		return func(rt http.RoundTripper) http.RoundTripper { return rt }
	}
	return tap.New(c.tap, tap.Client{Actor: actor})
}
