package tap

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// knownKinds returns the kind of each built-in resource, and of the two resources that define others.
var knownKinds = sync.OnceValue(func() map[schema.GroupVersionResource]string {
	kinds := map[schema.GroupVersionResource]string{
		{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}: "CustomResourceDefinition",
		{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}:             "APIService",
	}
	for kind := range scheme.Scheme.AllKnownTypes() {
		resource, _ := meta.UnsafeGuessKindToResource(kind)
		kinds[resource] = kind.Kind
	}
	return kinds
})
