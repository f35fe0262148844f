package apiserver

import (
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// kinds tells the kind of a resource: "Pod" of v1 pods. It does not know those that CRDs add; their objects say so
// themselves.
type kinds map[schema.GroupVersionResource]string

func newKinds() kinds {
	k := kinds{}
	for _, scheme := range []*runtime.Scheme{legacyscheme.Scheme, apiextensions.Scheme, aggregator.Scheme} {
		for kind := range scheme.AllKnownTypes() {
			plural, _ := meta.UnsafeGuessKindToResource(kind)
			k[plural] = kind.Kind
		}
	}
	return k
}
