package tap

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubestep/kubestep/engine/wire"
)

func TestKinds(t *testing.T) {
	tests := []struct{ groupVersion, resource, want string }{
		{"v1", "pods", "Pod"},
		{"v1", "endpoints", "Endpoints"},
		{"v1", "serviceaccounts", "ServiceAccount"},
		{"apps/v1", "replicasets", "ReplicaSet"},
		{"networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"},
		{"networking.k8s.io/v1", "ingresses", "Ingress"},
		{"discovery.k8s.io/v1", "endpointslices", "EndpointSlice"},
		{"storage.k8s.io/v1", "storageclasses", "StorageClass"},
		{"apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition"},
		{"stable.example.com/v1", "crontabs", ""},
	}
	c := &client{}
	resource := func(groupVersion, name string) schema.GroupVersionResource {
		gv, err := schema.ParseGroupVersion(groupVersion)
		if err != nil {
			t.Fatal(err)
		}
		return gv.WithResource(name)
	}
	for _, test := range tests {
		if got := c.kind(resource(test.groupVersion, test.resource)); got != test.want {
			t.Errorf("%s in %s are %q, not %q", test.resource, test.groupVersion, got, test.want)
		}
	}

	crontabs := resource("stable.example.com/v1", "crontabs")
	s := &stream{client: c, resource: crontabs}
	if e := s.event("added", wire.Meta{APIVersion: "stable.example.com/v1", Kind: "CronTab", Name: "a"}); e.Object.Kind != "CronTab" {
		t.Errorf("a custom resource is %+v", e.Object)
	}
	// The garbage collector watches metadata only; its objects do not say their kind.
	e := s.event("added", wire.Meta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata", Name: "b"})
	if e.Object.Kind != "CronTab" || e.Object.APIVersion != "stable.example.com/v1" {
		t.Errorf("its metadata is %+v", e.Object)
	}
}
