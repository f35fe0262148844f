package node_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/utils/ptr"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/program"
)

// callerImage asks the API server as programs in a cluster do: with what the kubelet has put into the container.
var callerImage = program.Definition{
	Name: "kubestep.dev/caller:v1",
	Config: ocispec.ImageConfig{
		Env: []string{"PATH=/bin"}, Entrypoint: []string{"/bin/caller"},
	},
	Programs: map[string]program.Program{"caller": func(ctx context.Context, w *program.World) int {
		if err := callAPI(ctx, w); err != nil {
			fmt.Fprintln(w.Stderr, err)
			return 1
		}
		return 0
	}},
}

func callAPI(ctx context.Context, w *program.World) error {
	read := func(name string) ([]byte, error) {
		f, err := w.Files.OpenFile("/var/run/secrets/kubernetes.io/serviceaccount/"+name, 0, 0)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(f)
	}
	token, err := read("token")
	if err != nil {
		return err
	}
	ca, err := read("ca.crt")
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return fmt.Errorf("not a certificate: %q", ca)
	}
	for _, name := range []string{w.Getenv("KUBERNETES_SERVICE_HOST"), "kubernetes.default.svc"} {
		client := &http.Client{Transport: &http.Transport{
			DialContext: w.Network.Dial, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name},
		}}
		url := "https://" + w.Getenv("KUBERNETES_SERVICE_HOST") + ":" + w.Getenv("KUBERNETES_SERVICE_PORT") +
			"/apis/authentication.k8s.io/v1/selfsubjectreviews"
		body := strings.NewReader(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+string(token))
		r.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		client.CloseIdleConnections()
		if err != nil || resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("%s: %s, %w", resp.Status, answer, err)
		}
		fmt.Fprintf(w.Stdout, "%s\n", answer)
	}
	return nil
}

func podReady(p *v1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == v1.PodReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

const webService = "10.96.0.80"

// services makes a Service with an endpoint on another node than its client, and wants each node's proxy to have learnt of
// it by itself.
func services(t *testing.T, l *lab) {
	far := pod("far", "kubestep.dev/web:v1")
	far.Spec.NodeName = "node-2"
	far.Labels = map[string]string{"app": "far"}
	l.create(t, far)
	ip := l.awaitPod(t, "far", "to run", running).Status.PodIP
	_, err := l.client.CoreV1().Services("default").Create(t.Context(), &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "far"},
		Spec: v1.ServiceSpec{
			Type: v1.ServiceTypeNodePort, ClusterIP: webService,
			Ports: []v1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080), NodePort: 30080}},
		},
	}, metav1.CreateOptions{})
	check(t, err)
	_, err = l.client.DiscoveryV1().EndpointSlices("default").Create(t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "far-1", Labels: map[string]string{discoveryv1.LabelServiceName: "far"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080), Protocol: ptr.To(v1.ProtocolTCP)}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{ip}, NodeName: ptr.To("node-2")}},
	}, metav1.CreateOptions{})
	check(t, err)
	l.create(t, pod("near", "kubestep.dev/sleep:v1"))
	l.awaitPod(t, "near", "to run", running)
	for _, url := range []string{"http://" + ip + ":8080", "http://" + webService, "http://192.168.100.11:30080", "http://192.168.100.12:30080"} {
		l.await(url+" to answer", func() error {
			out, err := l.tryExec(t, "near", "wget", "-qO-", url)
			if err == nil && !strings.Contains(out, "host: far") {
				err = fmt.Errorf("it says %q", out)
			}
			return err
		})
	}
	told := map[string]bool{}
	for _, e := range l.tap.Store().Since(0).Events {
		if e.Kind == trace.WatchDeliver && e.Object.Kind == "EndpointSlice" && e.Object.Name == "far-1" {
			told[e.Actor] = true
		}
	}
	if !told["kube-proxy@node-1"] || !told["kube-proxy@node-2"] {
		t.Errorf("who was told of the endpoints: %v", told)
	}
}

// inside has a program ask the API server who it is.
func inside(t *testing.T, l *lab) {
	l.await("endpoints of the Service kubernetes", func() error {
		s, err := l.client.DiscoveryV1().EndpointSlices("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
		if err == nil && (len(s.Endpoints) != 1 || s.Endpoints[0].Addresses[0] != apiAddress.Addr().String() ||
			*s.Ports[0].Port != int32(apiAddress.Port())) {
			t.Fatalf("endpoints %v, ports %v; want %v", s.Endpoints, s.Ports, apiAddress)
		}
		return err
	})
	p := pod("caller", callerImage.Name)
	p.Spec.RestartPolicy = v1.RestartPolicyOnFailure
	l.create(t, p)
	l.awaitPod(t, "caller", "to succeed", func(p *v1.Pod) bool { return p.Status.Phase == v1.PodSucceeded })
	raw, err := l.client.CoreV1().Pods("default").GetLogs("caller", &v1.PodLogOptions{}).DoRaw(t.Context())
	check(t, err)
	if n := bytes.Count(raw, []byte(`"username":"system:serviceaccount:default:default"`)); n != 2 {
		t.Errorf("the API server said %s", raw)
	}
}

// proxied goes through the API server to a Pod.
func proxied(t *testing.T, l *lab) {
	raw, err := l.client.CoreV1().Pods("default").ProxyGet("http", "far", "8080", "/", nil).DoRaw(t.Context())
	if err != nil || !bytes.Contains(raw, []byte("host: far")) {
		t.Errorf("the Pod answers %q, %v", raw, err)
	}
}

// forwarded connects a port of this machine to one of a Pod's, as kubectl port-forward does.
func forwarded(t *testing.T, l *lab) {
	url := l.client.CoreV1().RESTClient().Post().Namespace("default").Resource("pods").Name("far").SubResource("portforward").URL()
	dialer, err := portforward.NewSPDYOverWebsocketDialer(url, l.config)
	check(t, err)
	stop, up := make(chan struct{}), make(chan struct{})
	var errs bytes.Buffer
	f, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:8080"}, stop, up, io.Discard, &errs)
	check(t, err)
	ended := make(chan error, 1)
	go func() { ended <- f.ForwardPorts() }()
	defer func() {
		close(stop)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-up:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	ports, err := f.GetPorts()
	check(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local), nil)
	check(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	check(t, err)
	raw, err := io.ReadAll(resp.Body)
	check(t, errors.Join(err, resp.Body.Close()))
	if !bytes.Contains(raw, []byte("host: far")) {
		t.Errorf("through the port comes %q", raw)
	}
}

// policy lets only one Pod reach another, and then nobody's policy at all.
func policy(t *testing.T, l *lab) {
	friend := pod("friend", "kubestep.dev/sleep:v1")
	friend.Labels = map[string]string{"friend": "yes"}
	l.create(t, friend)
	l.awaitPod(t, "friend", "to run", running)
	reach := func(from string) error {
		_, err := l.tryExec(t, from, "wget", "-T", "1", "-qO-", "http://"+webService)
		return err
	}
	policies := l.client.NetworkingV1().NetworkPolicies("default")
	_, err := policies.Create(t.Context(), &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "friends"},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "far"}},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{
				PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"friend": "yes"}},
			}}}},
		},
	}, metav1.CreateOptions{})
	check(t, err)
	l.await("a stranger to be kept out", func() error {
		if reach("near") == nil {
			return errors.New("it comes through")
		}
		return nil
	})
	check(t, reach("friend"))
	check(t, policies.Delete(t.Context(), "friends", metav1.DeleteOptions{}))
	l.await("the policy to be gone", func() error { return reach("near") })
}
