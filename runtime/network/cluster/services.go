package cluster

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/proxy"

	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// servicesOf returns upstream's view of Services and endpoints from one node as the fabric wants it, by name. The fabric
// forwards TCP and UDP; ports of other protocols are left out.
func servicesOf(ports proxy.ServicePortMap, endpoints proxy.EndpointsMap, node string, topology map[string]string) []fabric.Service {
	var all []fabric.Service
	for name, port := range ports {
		protocol := strings.ToLower(string(port.Protocol()))
		if protocol != "tcp" && protocol != "udp" {
			continue
		}
		s := fabric.Service{
			Name:          name.NamespacedName.String(),
			PortName:      name.Port,
			Protocol:      protocol,
			Port:          uint16(port.Port()), //nolint:gosec // validated by the API server, as the one below
			NodePort:      uint16(port.NodePort()),
			ClusterIP:     address(port.ClusterIP()),
			InternalLocal: port.InternalPolicyLocal(),
			ExternalLocal: port.ExternalPolicyLocal(),
			Endpoints:     endpointsOf(port, endpoints[name], node, topology),
		}
		for _, ip := range port.ExternalIPs() {
			s.ExternalIPs = append(s.ExternalIPs, address(ip))
		}
		for _, ip := range port.LoadBalancerVIPs() {
			s.LoadBalancerIPs = append(s.LoadBalancerIPs, address(ip))
		}
		for _, from := range port.LoadBalancerSourceRanges() {
			ones, _ := from.Mask.Size()
			s.SourceRanges = append(s.SourceRanges, netip.PrefixFrom(address(from.IP), ones))
		}
		if port.SessionAffinityType() == corev1.ServiceAffinityClientIP {
			s.Affinity = time.Duration(port.StickyMaxAgeSeconds()) * time.Second
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b fabric.Service) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.PortName+"/"+a.Protocol, b.PortName+"/"+b.Protocol)
	})
	return all
}

// endpointsOf returns a port's endpoints, without those that topology hints keep from this node. Which of them count by
// their conditions and the traffic policies is the fabric's to say.
func endpointsOf(port proxy.ServicePort, list []proxy.Endpoint, node string, topology map[string]string) []fabric.Endpoint {
	if port.UsesClusterEndpoints() {
		// Only then do hints count; and endpoints anywhere are reachable, so that leaving some out hides no "there are
		// endpoints, but none here".
		_, _, list, _ = proxy.CategorizeEndpoints(list, port, node, topology)
	}
	var all []fabric.Endpoint
	for _, e := range list {
		at, err := netip.ParseAddrPort(e.String())
		if err != nil {
			continue // the tracker has made the text from an address and a port
		}
		there := fabric.Endpoint{Addr: at, Ready: e.IsReady(), Serving: e.IsServing(), Terminating: e.IsTerminating()}
		if e.IsLocal() {
			there.Node = node
		}
		all = append(all, there)
	}
	return all
}

// address returns an IPv4 address, an invalid one for none.
func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
