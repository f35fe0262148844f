package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/scheme"
	"sigs.k8s.io/yaml"
)

// errEncoding is returned for what is neither protobuf nor JSON nor YAML.
var errEncoding = errors.New("neither protobuf, JSON nor YAML")

// protobufSerializer knows every type that upstream serves with protobuf. Making it registers a thousand types, so that
// waits until the first body is looked at.
var protobufSerializer = sync.OnceValues(func() (*protobuf.Serializer, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensions.AddToScheme, aggregator.AddToScheme, metav1.AddMetaToScheme,
	} {
		if err := add(s); err != nil {
			return nil, fmt.Errorf("registering the API's types: %w", err)
		}
	}
	// Status, DeleteOptions and their like are sent as v1 and as meta.k8s.io/v1.
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})
	return protobuf.NewSerializer(s, s), nil
})

// Decode returns the object in raw as JSON, with its apiVersion and kind. It is a [trace.Decoder].
//
// [trace.Decoder]: https://pkg.go.dev/github.com/kubestep/kubestep/engine/trace#Decoder
func Decode(mediaType string, raw []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(raw, magic):
		return decodeProtobuf(raw)
	case startsWith(raw, '{'), startsWith(raw, '['): // a JSON patch is an array
		return bytes.Clone(raw), nil
	case strings.Contains(mediaType, "yaml"):
		return yaml.YAMLToJSON(raw)
	}
	return nil, fmt.Errorf("decoding %d bytes of %q: %w", len(raw), mediaType, errEncoding)
}

func decodeProtobuf(raw []byte) ([]byte, error) {
	serializer, err := protobufSerializer()
	if err != nil {
		return nil, err
	}
	object, kind, err := serializer.Decode(raw, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("decoding a protobuf object: %w", err)
	}
	// Protobuf bodies carry apiVersion and kind around the object, not in it.
	object.GetObjectKind().SetGroupVersionKind(*kind)
	out, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("writing a %s as JSON: %w", kind.Kind, err)
	}
	return out, nil
}
