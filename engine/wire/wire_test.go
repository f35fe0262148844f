package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

func pod() *corev1.Pod {
	now := metav1.NewTime(time.Unix(1700000000, 0))
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-1", GenerateName: "web-", Namespace: "default", UID: "u1", ResourceVersion: "42",
			DeletionTimestamp: &now, Labels: map[string]string{"app": "web"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "rs1"}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "kubestep.dev/web:v1"}}},
	}
}

func typed(t *testing.T, o runtime.Object, apiVersion, kind string) runtime.Object {
	t.Helper()
	o.GetObjectKind().SetGroupVersionKind(schema.FromAPIVersionAndKind(apiVersion, kind))
	return o
}

func TestRead(t *testing.T) {
	wantPod := Meta{
		APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "web-1", GenerateName: "web-", UID: "u1",
		ResourceVersion: "42", Owners: []string{"rs1"}, Terminating: true,
	}
	ref := &corev1.ObjectReference{Kind: "Pod", Name: "web-1", UID: "u1"}
	for _, test := range []struct {
		name   string
		object runtime.Object
		want   Meta
	}{
		{"pod", pod(), wantPod},
		{"event", typed(t, &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e"}, InvolvedObject: *ref}, "v1", "Event"),
			Meta{APIVersion: "v1", Kind: "Event", Name: "e", Involved: []string{"u1"}}},
		{"endpoint slice", typed(t, &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Name: "s"},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}, TargetRef: ref}},
		}, "discovery.k8s.io/v1", "EndpointSlice"),
			Meta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice", Name: "s", Involved: []string{"u1"}}},
		{"binding", typed(t, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: "web-1", UID: "u1"}, Target: corev1.ObjectReference{Kind: "Node", Name: "node-1"},
		}, "v1", "Binding"),
			Meta{APIVersion: "v1", Kind: "Binding", Name: "web-1", UID: "u1", Involved: []string{"u1"}}},
		{"status has no object metadata", typed(t, &metav1.Status{Message: "gone"}, "v1", "Status"),
			Meta{APIVersion: "v1", Kind: "Status"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			asJSON, err := json.Marshal(test.object)
			if err != nil {
				t.Fatal(err)
			}
			asYAML, err := yaml.JSONToYAML(asJSON)
			if err != nil {
				t.Fatal(err)
			}
			for mediaType, raw := range map[string][]byte{
				"application/vnd.kubernetes.protobuf": encode(t, test.object),
				"application/json":                    asJSON,
				"application/apply-patch+yaml":        asYAML,
			} {
				if got, ok := Read(mediaType, raw); !ok || !reflect.DeepEqual(got, test.want) {
					t.Errorf("%s: got %+v, %v\nwant %+v", mediaType, got, ok, test.want)
				}
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	whole := encode(t, pod())
	for name, raw := range map[string][]byte{
		"nothing":       nil,
		"text":          []byte("ok"),
		"cut protobuf":  whole[:len(whole)-3],
		"cut JSON":      []byte(`{"kind":"Pod"`),
		"magic and air": []byte("k8s\x00\xff\xff\xff"),
	} {
		if m, ok := Read("", raw); ok {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

func TestDecode(t *testing.T) {
	raw := encode(t, pod())
	out, err := Decode("application/vnd.kubernetes.protobuf", raw)
	if err != nil {
		t.Fatal(err)
	}
	var got corev1.Pod
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Kind != "Pod" || got.APIVersion != "v1" || got.Spec.Containers[0].Image != "kubestep.dev/web:v1" {
		t.Errorf("got %s", out)
	}
	if out, err := Decode("application/apply-patch+yaml", []byte("kind: Pod\n")); err != nil || string(out) != `{"kind":"Pod"}` {
		t.Errorf("YAML: got %s, %v", out, err)
	}
	if _, err := Decode("text/plain", []byte("ok")); err == nil {
		t.Error("text was decoded")
	}
}

func encode(t testing.TB, o runtime.Object) []byte {
	t.Helper()
	serializer, err := protobufSerializer()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := serializer.Encode(o, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	raw := encode(b, pod())
	for b.Loop() {
		if _, ok := Read("", raw); !ok {
			b.Fatal("not read")
		}
	}
}
