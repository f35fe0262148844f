package cluster

import (
	"net/netip"
	"slices"
)

// NameOf returns what has an address right after the event with the given number: "client" for a Pod of the default
// namespace, "kube-system/coredns-5d..." for one of another, "svc/web" for a Service, "node-1" for a Node; "" when nothing
// of the cluster's has it. A Pod that has ended has no address any more, though its status still says one.
func (c *Cluster) NameOf(a netip.Addr, seq uint64) string {
	address := a.String()
	find := func(prefix, mark string, has func(f *Facts) bool) string {
		for _, k := range c.Keys(prefix, seq) {
			r, ok := k.At(seq)
			if !ok || !has(c.Facts(r)) {
				continue
			}
			name := k.Object.Name
			if ns := k.Object.Namespace; ns != "" && ns != "default" {
				name = ns + "/" + name
			}
			return mark + name
		}
		return ""
	}
	if name := find("/registry/services/specs/", "svc/", func(f *Facts) bool { return f.Spec.ClusterIP == address }); name != "" {
		return name
	}
	if name := find("/registry/pods/", "", func(f *Facts) bool {
		return f.Status.PodIP == address && f.Status.Phase != "Succeeded" && f.Status.Phase != "Failed"
	}); name != "" {
		return name
	}
	return find("/registry/minions/", "", func(f *Facts) bool {
		return slices.ContainsFunc(f.Status.Addresses, func(x Address) bool { return x.Address == address })
	})
}
