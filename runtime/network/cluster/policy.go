package cluster

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// policyWorld is what NetworkPolicies are about, at one moment.
type policyWorld struct {
	policies   []*networkingv1.NetworkPolicy
	pods       []*corev1.Pod
	namespaces []*corev1.Namespace
	// sandboxes are addresses by Pod UID that the API need not know yet.
	sandboxes map[string]netip.Addr

	byNamespace map[string][]policyPod
}

// policyPod is a Pod that policies can select or name: one with an address of its own that has not ended.
type policyPod struct {
	*corev1.Pod
	address netip.Addr
}

// resolve returns the policies with addresses in the place of selectors, by name. A policy that cannot be read - the API
// server lets none through - allows nothing to what it selects.
//
// What is not obvious follows the API's documentation (k8s.io/api/networking/v1, types.go): no list and an empty one mean
// everything; selectors that select nobody mean nobody.
func (w *policyWorld) resolve() []fabric.Policy {
	w.byNamespace = map[string][]policyPod{}
	for _, pod := range w.pods {
		// The address of a Pod that has ended can be another's. hostNetwork Pods have the node's, and are not subject to
		// policies.
		if pod.Spec.HostNetwork || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if a, ok := w.address(pod); ok {
			w.byNamespace[pod.Namespace] = append(w.byNamespace[pod.Namespace], policyPod{pod, a})
		}
	}
	for _, pods := range w.byNamespace {
		slices.SortFunc(pods, func(a, b policyPod) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(w.namespaces, func(a, b *corev1.Namespace) int { return strings.Compare(a.Name, b.Name) })
	all := make([]fabric.Policy, 0, len(w.policies))
	for _, p := range w.policies {
		all = append(all, w.policy(p))
	}
	slices.SortFunc(all, func(a, b fabric.Policy) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (w *policyWorld) address(pod *corev1.Pod) (netip.Addr, bool) {
	for _, ip := range pod.Status.PodIPs {
		if a, err := netip.ParseAddr(ip.IP); err == nil && a.Is4() {
			return a, true
		}
	}
	a, ok := w.sandboxes[string(pod.UID)]
	return a, ok
}

func (w *policyWorld) policy(p *networkingv1.NetworkPolicy) fabric.Policy {
	selected := w.selectPods(p.Namespace, &p.Spec.PodSelector)
	out := fabric.Policy{Name: p.Namespace + "/" + p.Name, Pods: addressesOf(selected)}
	types := p.Spec.PolicyTypes
	if len(types) == 0 { // as the API server defaults it
		types = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(p.Spec.Egress) > 0 {
			types = append(types, networkingv1.PolicyTypeEgress)
		}
	}
	for _, t := range types {
		switch t {
		case networkingv1.PolicyTypeIngress:
			out.IsolatesIngress = true
			for _, r := range p.Spec.Ingress {
				peers, _ := w.peers(p.Namespace, r.From)
				if ports, some := portsOf(r.Ports, selected); some {
					out.Ingress = append(out.Ingress, fabric.PolicyRule{Peers: peers, Ports: ports})
				}
			}
		case networkingv1.PolicyTypeEgress:
			out.IsolatesEgress = true
			for _, r := range p.Spec.Egress {
				peers, targets := w.peers(p.Namespace, r.To)
				if ports, some := portsOf(r.Ports, targets); some {
					out.Egress = append(out.Egress, fabric.PolicyRule{Peers: peers, Ports: ports})
				}
			}
		}
	}
	return out
}

// peers returns the addresses of a rule's peers, and the Pods that traffic to them can reach, for named ports. No peers
// mean everybody.
func (w *policyWorld) peers(namespace string, peers []networkingv1.NetworkPolicyPeer) (out []fabric.Peer, pods []policyPod) {
	if len(peers) == 0 {
		return nil, w.everybody()
	}
	for _, p := range peers {
		if p.IPBlock != nil {
			if block, err := netip.ParsePrefix(p.IPBlock.CIDR); err == nil {
				peer := fabric.Peer{Block: block}
				for _, text := range p.IPBlock.Except {
					if except, err := netip.ParsePrefix(text); err == nil {
						peer.Except = append(peer.Except, except.Masked())
					}
				}
				out = append(out, peer)
				for _, pod := range w.everybody() {
					if inBlock(peer, pod.address) {
						pods = append(pods, pod)
					}
				}
				continue
			}
		}
		var selected []policyPod
		switch {
		case p.NamespaceSelector != nil:
			within := p.PodSelector
			if within == nil {
				within = &metav1.LabelSelector{}
			}
			for _, name := range w.selectNamespaces(p.NamespaceSelector) {
				selected = append(selected, w.selectPods(name, within)...)
			}
		case p.PodSelector != nil:
			selected = w.selectPods(namespace, p.PodSelector)
		}
		// A peer that selects nobody stays a peer: without it, the rule would mean everybody.
		out = append(out, fabric.Peer{Pods: addressesOf(selected)})
		pods = append(pods, selected...)
	}
	return out, pods
}

func inBlock(p fabric.Peer, a netip.Addr) bool {
	return p.Block.Contains(a) && !slices.ContainsFunc(p.Except, func(x netip.Prefix) bool { return x.Contains(a) })
}

// portsOf returns a rule's ports; some is false when ports were asked for and none exists: the rule allows nothing. A
// named port is the number that each of the targets has for it.
func portsOf(ports []networkingv1.NetworkPolicyPort, targets []policyPod) (out []fabric.PolicyPort, some bool) {
	for _, p := range ports {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		entry := fabric.PolicyPort{Protocol: strings.ToLower(string(protocol))}
		switch {
		case p.Port == nil:
			out = append(out, entry)
		case p.Port.Type == intstr.Int:
			entry.Port = uint16(p.Port.IntVal) //nolint:gosec // validated by the API server, as is the end
			if p.EndPort != nil {
				entry.EndPort = uint16(*p.EndPort) //nolint:gosec // see above
			}
			out = append(out, entry)
		default:
			out = append(out, namedPort(entry, p.Port.StrVal, protocol, targets)...)
		}
	}
	return out, len(ports) == 0 || len(out) > 0
}

// namedPort returns one entry for each number that targets have for a name, in order.
func namedPort(entry fabric.PolicyPort, name string, protocol corev1.Protocol, targets []policyPod) (out []fabric.PolicyPort) {
	byNumber := map[uint16][]netip.Addr{}
	for _, pod := range targets {
		for _, c := range pod.Spec.Containers {
			for _, port := range c.Ports {
				if port.Name == name && cmp.Or(port.Protocol, corev1.ProtocolTCP) == protocol {
					n := uint16(port.ContainerPort) //nolint:gosec // validated by the API server
					byNumber[n] = append(byNumber[n], pod.address)
				}
			}
		}
	}
	for number, pods := range byNumber {
		entry.Port, entry.Pods = number, pods
		out = append(out, entry)
	}
	slices.SortFunc(out, func(a, b fabric.PolicyPort) int { return cmp.Compare(a.Port, b.Port) })
	return out
}

// selectPods returns the Pods of a namespace that a selector selects, by name.
func (w *policyWorld) selectPods(namespace string, s *metav1.LabelSelector) (selected []policyPod) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return nil
	}
	for _, pod := range w.byNamespace[namespace] {
		if selector.Matches(labels.Set(pod.Labels)) {
			selected = append(selected, pod)
		}
	}
	return selected
}

// selectNamespaces returns the names of the namespaces that a selector selects, in order.
func (w *policyWorld) selectNamespaces(s *metav1.LabelSelector) (names []string) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return nil
	}
	for _, ns := range w.namespaces {
		if selector.Matches(labels.Set(ns.Labels)) {
			names = append(names, ns.Name)
		}
	}
	return names
}

// everybody returns all Pods, by namespace and name.
func (w *policyWorld) everybody() (all []policyPod) {
	for _, ns := range slices.Sorted(maps.Keys(w.byNamespace)) {
		all = append(all, w.byNamespace[ns]...)
	}
	return all
}

func addressesOf(pods []policyPod) []netip.Addr {
	all := make([]netip.Addr, len(pods))
	for i, pod := range pods {
		all[i] = pod.address
	}
	return all
}
