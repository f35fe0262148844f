package cluster

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/runtime/network/fabric"
)

const deadline = 20 * time.Second

// installed takes what a proxy installs.
type installed chan []string

func (c installed) install(services []fabric.Service) error {
	var lines []string
	for _, s := range services {
		lines = append(lines, line(s))
	}
	c <- lines
	return nil
}

// expect waits until exactly these lines are installed.
func (c installed) expect(t *testing.T, want ...string) {
	t.Helper()
	var last []string
	timeout := time.NewTimer(deadline)
	defer timeout.Stop()
	for {
		select {
		case last = <-c:
			if slices.Equal(last, want) {
				return
			}
		case <-timeout.C:
			t.Fatalf("installed\n%s\nwant\n%s", strings.Join(last, "\n"), strings.Join(want, "\n"))
		}
	}
}

// watching waits until so many watches have been opened: a fake client loses what changes between list and watch.
func watching(t *testing.T, client *fake.Clientset, count int) {
	t.Helper()
	for end := time.Now().Add(deadline); ; runtime.Gosched() {
		n := 0
		for _, a := range client.Actions() {
			if a.GetVerb() == "watch" {
				n++
			}
		}
		if n >= count {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d watches, want %d", n, count)
		}
	}
}

func webService() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.10", ClusterIPs: []string{"10.96.0.10"},
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}},
		},
	}
}

func webEndpoints(addresses ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "web-1", Labels: map[string]string{discoveryv1.LabelServiceName: "web"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080), Protocol: ptr.To(corev1.ProtocolTCP)}},
	}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}})
	}
	return s
}

// TestProxyFollows has a proxy learn, be stopped, and catch up.
func TestProxyFollows(t *testing.T) {
	const web = "default/web:http tcp 10.96.0.10:80"
	client := fake.NewClientset(webService(), webEndpoints("10.244.1.2"))
	got, cidrs := make(installed, 100), make(chan string, 10)
	p := newServiceProxy(engine.NodeConfig{Name: "node-1"}, got.install, func(cidr string) { cidrs <- cidr })
	run(t, func(ctx context.Context) error { return p.runWith(ctx, client) })
	got.expect(t, web+" > 10.244.1.2:8080")
	watching(t, client, 3)

	slices := client.DiscoveryV1().EndpointSlices("default")
	update := func(addresses ...string) {
		t.Helper()
		_, err := slices.Update(t.Context(), webEndpoints(addresses...), metav1.UpdateOptions{})
		check(t, err)
	}
	update("10.244.1.2", "10.244.2.2")
	got.expect(t, web+" > 10.244.1.2:8080 > 10.244.2.2:8080")

	_, err := client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Spec: corev1.NodeSpec{PodCIDR: "10.244.1.0/24"},
	}, metav1.CreateOptions{})
	check(t, err)
	if cidr := <-cidrs; cidr != "10.244.1.0/24" {
		t.Errorf("the node's Pod CIDR is %q", cidr)
	}

	p.setRunning(false)
	p.setRunning(false)
	update("10.244.3.2")
	p.setRunning(true)
	got.expect(t, web+" > 10.244.3.2:8080") // and nothing of what it had known
	watching(t, client, 6)

	check(t, client.CoreV1().Services("default").Delete(t.Context(), "web", metav1.DeleteOptions{}))
	got.expect(t)
}

// TestPolicyAgentFollows has an agent that knows of no Pods until there is a policy, and then of all.
func TestPolicyAgentFollows(t *testing.T) {
	n := newNetwork(t)
	node, off := newNode(t, n, "node-1", 11, "10.244.1.0/24")
	defer off()
	client, web := newPod(t, node, "client"), newPod(t, node, "web")
	serve(t, web, "hello")
	api := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	agent := newPolicyAgent(n)
	run(t, func(ctx context.Context) error { return agent.runWith(ctx, api) })

	reaches := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		c, err := client.Dial(ctx, "tcp", "10.244.1.3:80")
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	await := func(what string, want bool) {
		t.Helper()
		for end := time.Now().Add(deadline); reaches() != want; {
			if time.Now().After(end) {
				t.Fatalf("%s: reaches is %v", what, !want)
			}
		}
	}
	await("without policies", true)
	policy := policies(t, `default|{podSelector: {matchLabels: {app: web}}}`)[0]
	_, err := api.NetworkingV1().NetworkPolicies("default").Create(t.Context(), policy, metav1.CreateOptions{})
	check(t, err)
	await("no Pod has the label", true)
	// The address comes from the sandbox: the Pod's status does not tell it yet.
	_, err = api.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web", Labels: map[string]string{"app": "web"}},
	}, metav1.CreateOptions{})
	check(t, err)
	await("selected", false)
	check(t, api.NetworkingV1().NetworkPolicies("default").Delete(t.Context(), policy.Name, metav1.DeleteOptions{}))
	await("the policy is gone", true)
}
