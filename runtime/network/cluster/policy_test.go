package cluster

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// policies reads the specs of NetworkPolicies in namespace x; "namespace: y" before a spec puts it there.
func policies(t *testing.T, specs ...string) (all []*networkingv1.NetworkPolicy) {
	t.Helper()
	for i, text := range specs {
		p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "x", Name: "p" + string(rune('0'+i))}}
		if ns, rest, ok := strings.Cut(text, "|"); ok {
			p.Namespace, text = ns, rest
		}
		if err := yaml.UnmarshalStrict([]byte(text), &p.Spec); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all = append(all, p)
	}
	return all
}

// in reports whether a member is one of those listed; "x/*" is a whole namespace.
func in(who string, list ...string) bool {
	for _, l := range list {
		if who == l || strings.HasSuffix(l, "/*") && strings.HasPrefix(who, strings.TrimSuffix(l, "*")) {
			return true
		}
	}
	return false
}

const (
	tcp80 = "serve-80-tcp"
	tcp81 = "serve-81-tcp"
	udp80 = "serve-80-udp"
)

type reach func(from, to, port string) bool

// only lets those through who go elsewhere, and those that allowed names.
func onlyTo(to string, allowed func(from, port string) bool) reach {
	return func(f, t, p string) bool { return !in(t, to) || allowed(f, p) }
}

func onlyFrom(from string, allowed func(to, port string) bool) reach {
	return func(f, t, p string) bool { return !in(f, from) || allowed(t, p) }
}

func both(a, b reach) reach { return func(f, t, p string) bool { return a(f, t, p) && b(f, t, p) } }

func nobody(string, string) bool { return false }
func those(list ...string) func(string, string) bool {
	return func(who, _ string) bool { return in(who, list...) }
}
func on(names ...string) func(string, string) bool {
	return func(_, port string) bool { return in(port, names...) }
}
func thoseOn(port string, list ...string) func(string, string) bool {
	return func(who, p string) bool { return p == port && in(who, list...) }
}

// TestPolicies has what upstream's conformance tests of NetworkPolicies have, and what the API's documentation says
// besides. Each case is tried with packets between all Pods on all ports.
func TestPolicies(t *testing.T) {
	m := newMatrix(t)
	for _, c := range []struct {
		name  string
		specs []string
		want  reach
	}{
		{"no policies", nil, func(string, string, string) bool { return true }},
		{"deny all ingress in a namespace", []string{`{podSelector: {}, policyTypes: [Ingress]}`}, onlyTo("x/*", nobody)},
		{"policy types default to ingress", []string{`{podSelector: {}}`}, onlyTo("x/*", nobody)},
		{"deny all egress of a namespace", []string{`{podSelector: {}, policyTypes: [Egress]}`}, onlyFrom("x/*", nobody)},
		{"deny both", []string{`{podSelector: {}, policyTypes: [Ingress, Egress]}`},
			both(onlyTo("x/*", nobody), onlyFrom("x/*", nobody))},
		{"egress rules make egress a type", []string{`{podSelector: {matchLabels: {pod: a}}, egress: [{to: [{podSelector: {matchLabels: {pod: b}}}]}]}`},
			both(onlyTo("x/a", nobody), onlyFrom("x/a", those("x/b")))},
		{"ingress rules without the type count for nothing", []string{`{podSelector: {}, policyTypes: [Egress], ingress: [{}], egress: [{}]}`},
			func(string, string, string) bool { return true }},
		{"a policy that selects nobody", []string{`{podSelector: {matchLabels: {pod: none}}}`}, func(string, string, string) bool { return true }},
		{"selected by expression", []string{`{podSelector: {matchExpressions: [{key: pod, operator: In, values: [a, b]}]}}`},
			both(onlyTo("x/a", nobody), onlyTo("x/b", nobody))},
		{"selected by absence", []string{`{podSelector: {matchExpressions: [{key: pod, operator: NotIn, values: [a, b]}]}}`}, onlyTo("x/c", nobody)},
		{"selected by existence", []string{`{podSelector: {matchExpressions: [{key: pod, operator: Exists}]}}`}, onlyTo("x/*", nobody)},
		{"selector with two terms", []string{`{podSelector: {matchLabels: {pod: a}, matchExpressions: [{key: pod, operator: NotIn, values: [a]}]}}`},
			func(string, string, string) bool { return true }},
		{"another namespace is not concerned", []string{`y|{podSelector: {}}`}, onlyTo("y/*", nobody)},

		{"allow all ingress", []string{`{podSelector: {}, ingress: [{}]}`}, func(string, string, string) bool { return true }},
		{"allow all egress", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{}]}`}, func(string, string, string) bool { return true }},
		{"allow all overrides deny all", []string{`{podSelector: {}}`, `{podSelector: {}, ingress: [{}]}`}, func(string, string, string) bool { return true }},
		{"from an empty list is from everybody", []string{`{podSelector: {}, ingress: [{from: [], ports: []}]}`}, func(string, string, string) bool { return true }},
		{"from Pods of the same namespace", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}`},
			onlyTo("x/a", those("x/b"))},
		{"from all Pods of the same namespace", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {}}]}]}`},
			onlyTo("x/a", those("x/*"))},
		{"from nobody that exists", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: {pod: none}}}]}]}`},
			onlyTo("x/a", nobody)},
		{"from a namespace", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}]}`},
			onlyTo("x/a", those("y/*"))},
		{"from all namespaces", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {}}]}]}`},
			onlyTo("x/a", those("x/*", "y/*", "z/*"))},
		{"from namespaces by expression", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}}]}]}`},
			onlyTo("x/a", those("y/*", "z/*"))},
		{"from Pods and namespaces together", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}, podSelector: {matchLabels: {pod: b}}}]}]}`},
			onlyTo("x/a", those("y/b"))},
		{"from Pods or namespaces", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}, {podSelector: {matchLabels: {pod: b}}}]}]}`},
			onlyTo("x/a", those("y/*", "x/b"))},
		{"from a namespace that does not exist", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: none}}}]}]}`},
			onlyTo("x/a", nobody)},

		{"from a block", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{ipBlock: {cidr: 10.244.1.0/24}}]}]}`},
			onlyTo("x/a", those("x/b", "y/b", "z/b"))},
		{"from a block with exceptions", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{ipBlock: {cidr: 10.244.0.0/16, except: [10.244.1.0/24, 10.244.2.3/32]}}]}]}`},
			onlyTo("x/a", those("x/a", "y/a", "z/a", "x/c", "z/c"))},
		{"an exception of one peer is no exception of another", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{ipBlock: {cidr: 10.244.0.0/16, except: [10.244.1.0/24]}}, {podSelector: {matchLabels: {pod: b}}}]}]}`},
			onlyTo("x/a", func(who, _ string) bool { return !in(who, "y/b", "z/b", outside) })},
		{"from a block of IPv6", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{ipBlock: {cidr: "::/0"}}]}]}`}, onlyTo("x/a", nobody)},
		{"from everywhere", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}`},
			func(string, string, string) bool { return true }},
		{"to a block", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.50.0/24}}]}]}`},
			onlyFrom("x/a", those(outside))},
		{"to everywhere but the cluster", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.244.0.0/16]}}]}]}`},
			onlyFrom("x/*", those(outside))},

		{"on a port", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 81}]}]}`}, onlyTo("x/a", on(tcp81))},
		{"a port is of TCP", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80}]}]}`}, onlyTo("x/a", on(tcp80))},
		{"on a port of UDP", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80, protocol: UDP}]}]}`}, onlyTo("x/a", on(udp80))},
		{"on a port of SCTP", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80, protocol: SCTP}]}]}`}, onlyTo("x/a", nobody)},
		{"on all ports of a protocol", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: TCP}]}]}`}, onlyTo("x/a", on(tcp80, tcp81))},
		{"on two ports", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 81}, {port: 80, protocol: UDP}]}]}`}, onlyTo("x/a", on(tcp81, udp80))},
		{"on a range of ports", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 81, endPort: 90}]}]}`}, onlyTo("x/a", on(tcp81))},
		{"on a range that begins and ends with a port", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80, endPort: 81}]}]}`}, onlyTo("x/a", on(tcp80, tcp81))},
		{"on a named port", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: serve-81-tcp}]}]}`}, onlyTo("x/a", on(tcp81))},
		{"a named port has a protocol", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: serve-80-udp}]}]}`}, onlyTo("x/a", nobody)},
		{"on a named port of UDP", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: serve-80-udp, protocol: UDP}]}]}`}, onlyTo("x/a", on(udp80))},
		{"on a port that nobody names", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: metrics}]}]}`}, onlyTo("x/a", nobody)},
		{"from somebody on a port", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}], ports: [{port: 80}]}]}`},
			onlyTo("x/a", thoseOn(tcp80, "y/*"))},
		{"rules of one policy add up", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}], ports: [{port: 80}]}, {from: [{podSelector: {}}], ports: [{port: 81}]}]}`},
			onlyTo("x/a", func(who, p string) bool {
				return p == tcp80 && in(who, "y/*") || p == tcp81 && in(who, "x/*")
			})},
		{"policies add up", []string{`{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}]}`,
			`{podSelector: {}, ingress: [{ports: [{port: 81}]}]}`},
			both(onlyTo("x/a", func(who, p string) bool { return in(who, "y/*") || p == tcp81 }),
				func(f, to, p string) bool { return !in(to, "x/b", "x/c") || p == tcp81 })},

		{"to Pods of the same namespace", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {pod: b}}}]}]}`},
			onlyFrom("x/a", those("x/b"))},
		{"to a namespace on a port", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {ns: z}}}], ports: [{port: 81}]}]}`},
			onlyFrom("x/a", thoseOn(tcp81, "z/*"))},
		{"to a named port of Pods", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {ns: "y"}}}], ports: [{port: serve-80-tcp}]}]}`},
			onlyFrom("x/a", thoseOn(tcp80, "y/*"))},
		{"to a named port of everybody", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{ports: [{port: serve-80-tcp}]}]}`},
			onlyFrom("x/a", thoseOn(tcp80, "x/*", "y/*", "z/*"))},
		{"to a named port in a block", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.244.1.0/24}}], ports: [{port: serve-81-tcp}]}]}`},
			onlyFrom("x/a", thoseOn(tcp81, "x/b", "y/b", "z/b"))},
		{"both ends must allow", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}]}`,
			`y|{podSelector: {matchLabels: {pod: b}}}`},
			both(onlyFrom("x/a", those("y/*")), onlyTo("y/b", nobody))},
		{"both ends allow, each on its terms", []string{`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{ports: [{port: 80}, {port: 81}]}]}`,
			`y|{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: x}}}], ports: [{port: 81}, {port: 80, protocol: UDP}]}]}`},
			both(onlyFrom("x/a", on(tcp80, tcp81)), onlyTo("y/*", func(who, p string) bool { return in(who, "x/*") && p != tcp80 }))},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.t = t
			m.expect(policies(t, c.specs...), c.want)
		})
	}
}

// TestPolicyWorld has what makes a Pod one that policies are about.
func TestPolicyWorld(t *testing.T) {
	pod := func(name string, edit func(p *corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "x", Name: name, UID: "uid-1"},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: "10.244.0.5"}}},
		}
		edit(p)
		return p
	}
	for _, c := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"running", pod("p", func(*corev1.Pod) {}), "10.244.0.5"},
		{"terminating", pod("p", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }), "10.244.0.5"},
		{"succeeded", pod("p", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), ""},
		{"failed", pod("p", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }), ""},
		{"in the node's network", pod("p", func(p *corev1.Pod) { p.Spec.HostNetwork = true }), ""},
		{"not known to the API yet", pod("p", func(p *corev1.Pod) { p.Status.PodIPs = nil }), "10.244.0.9"},
		{"without a sandbox", pod("p", func(p *corev1.Pod) { p.Status.PodIPs, p.UID = nil, "uid-2" }), ""},
		{"with an IPv6 address first", pod("p", func(p *corev1.Pod) { p.Status.PodIPs = []corev1.PodIP{{IP: "fd00::1"}, {IP: "10.244.0.5"}} }), "10.244.0.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, err := forPolicies(c.pod)
			check(t, err)
			w := policyWorld{policies: policies(t, `{podSelector: {}}`), pods: []*corev1.Pod{kept.(*corev1.Pod)},
				sandboxes: sandboxAddresses("uid-1", "10.244.0.9")}
			got := ""
			for _, a := range w.resolve()[0].Pods {
				got += a.String()
			}
			if got != c.want {
				t.Errorf("addresses %q, want %q", got, c.want)
			}
		})
	}
}

// TestNamedPortsOfEachPod has two Pods that give one name to different numbers.
func TestNamedPortsOfEachPod(t *testing.T) {
	numbered := func(name, ip string, number int32) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "x", Name: name},
			Spec: corev1.PodSpec{InitContainers: []corev1.Container{{
				RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways), Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: number}},
			}}},
			Status: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: ip}}},
		}
	}
	w := policyWorld{policies: policies(t, `{podSelector: {}}`)}
	w.policies[0].Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{
		Ports: []networkingv1.NetworkPolicyPort{{Port: ptr.To(intstr.FromString("http"))}},
	}}
	for _, p := range []*corev1.Pod{numbered("new", "10.244.0.2", 8080), numbered("old", "10.244.0.3", 80)} {
		kept, err := forPolicies(p)
		check(t, err)
		w.pods = append(w.pods, kept.(*corev1.Pod))
	}
	got := w.resolve()[0].Ingress[0].Ports
	if len(got) != 2 || got[0].Port != 80 || got[0].Pods[0].String() != "10.244.0.3" ||
		got[1].Port != 8080 || got[1].Pods[0].String() != "10.244.0.2" {
		t.Errorf("ports are %+v", got)
	}
}
