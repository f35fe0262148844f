package apiserver

import (
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/kubestep/kubestep/engine/trace"
)

// testCustomResource has a CRD served, and one of its objects applied from the server's side.
func testCustomResource(t *testing.T, l *lab) {
	crds, err := apiextensions.NewForConfig(l.config(l.certs.Admin))
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "widgets.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.com", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Kind: "Widget"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"size": {Type: "integer"}},
				}},
			}},
		},
	}
	if _, err := crds.ApiextensionsV1().CustomResourceDefinitions().Create(t.Context(), crd, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	l.await("the CRD's establishment by the server itself", func(e trace.Event) bool {
		d, ok := e.Detail.(*trace.CommitDetail)
		if !ok || e.Object.Kind != "CustomResourceDefinition" || d.After == nil {
			return false
		}
		after, err := d.After.JSON()
		return err == nil && strings.Contains(string(after), `"type":"Established"`)
	})
	client, err := dynamic.NewForConfig(l.config(l.certs.Admin))
	if err != nil {
		t.Fatal(err)
	}
	widgets := client.Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}).Namespace("default")
	widget := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "w"}, "size": int64(1),
	}}
	ctx := t.Context()
	for end := time.Now().Add(deadline); ; { // served a moment after it is established
		if _, err = widgets.Apply(ctx, "w", widget, metav1.ApplyOptions{FieldManager: "test"}); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	commit := l.await("the widget's commit", func(e trace.Event) bool {
		return e.Kind == trace.EtcdCommit && e.Object.Kind == "Widget"
	})
	request, ok := l.tap.Store().Get(commit.Cause)
	if !ok || request.Verb != "patch" || request.Object.Kind != "Widget" || request.Object.Name != "w" || commit.CauseLink != trace.Exact {
		t.Errorf("the commit's request is %+v", request)
	}
}

// testNodeNetwork has the server look for a kubelet.
func testNodeNetwork(t *testing.T, l *lab) {
	client := l.client(l.certs.Admin)
	const address = "192.168.7.1"
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	node, err := client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}
	if _, err := client.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "placed"}, Spec: deployment().Spec.Template.Spec}
	pod.Spec.NodeName = node.Name
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Pods("default").GetLogs("placed", &corev1.PodLogOptions{}).DoRaw(t.Context()); err == nil {
		t.Error("there were logs without a network")
	}
	select {
	case got := <-l.dialed:
		if got != address+":10250" {
			t.Errorf("dialed %s", got)
		}
	default:
		t.Error("the lab's network was not asked")
	}
}

// testKnownRequest makes a request that its client has reported already, as the lab's components do.
func testKnownRequest(t *testing.T, l *lab) {
	span, err := l.tap.Begin(t.Context(), trace.Event{
		Actor: "deployment-controller", Kind: trace.APIRequest, Verb: "create", Root: true,
		Object: trace.Object{Kind: "ConfigMap", Name: "known"}, Detail: &trace.RequestDetail{},
	})
	if err != nil {
		t.Fatal(err)
	}
	const auditID = "known-request"
	forget := l.tap.TrackRequest(auditID, span)
	config := l.config(l.certs.Admin)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set("Audit-ID", auditID)
			return next.RoundTrip(r)
		})
	})
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "known"}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	forget()
	span.End(nil, nil)
	commit := l.await("the commit", func(e trace.Event) bool { return e.Kind == trace.EtcdCommit && e.Object.Name == "known" })
	if commit.Cause != span.Seq() {
		t.Errorf("the commit's cause is %d, the request %d", commit.Cause, span.Seq())
	}
	var stages []string
	for _, e := range l.causedBy(span.Seq()) {
		switch {
		case e.Kind == trace.APIRequest:
			t.Errorf("the request was reported twice: %+v", e)
		case e.Kind == trace.APIStage:
			stages = append(stages, e.Verb)
			if e.Object.Name != "known" {
				t.Errorf("stage %s is about %v", e.Verb, e.Object)
			}
		}
	}
	// Plugins that change nothing are left out, unless somebody looks at them.
	if got, want := strings.Join(stages, " "), "authentication fairness authorization storage"; got != want {
		t.Errorf("stages were %s, want %s", got, want)
	}
	l.await("the request, completed with what it stored", func(e trace.Event) bool {
		d, ok := e.Detail.(*trace.RequestDetail)
		return ok && e.Seq == span.Seq() && d.After != nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
