// Package addon installs what every cluster has besides its control plane, from manifests: the DNS server above all.
//
// engine/lab and cmd import it.
package addon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// fieldManager owns the fields that a manifest sets.
const fieldManager = "kubestep"

// Apply brings a cluster to what a manifest of YAML documents says, by server-side apply, in their order. What another
// manager has set is taken back. Namespaces that the API server makes when it starts are waited for.
func Apply(ctx context.Context, config *rest.Config, manifest []byte) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("install add-ons: %w", err)
	}
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := documents.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the add-ons' manifest: %w", err)
		}
		if len(o.Object) == 0 {
			continue
		}
		if err := apply(ctx, client, o); err != nil {
			return fmt.Errorf("install %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
}

// retryInterval is how often a namespace that is not there is looked for.
const retryInterval = 20 * time.Millisecond

func apply(ctx context.Context, client dynamic.Interface, o *unstructured.Unstructured) error {
	resource, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind()) // safe for kinds with a regular plural
	for {
		_, err := client.Resource(resource).Namespace(o.GetNamespace()).Apply(ctx, o.GetName(), o,
			metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
		if o.GetNamespace() == "" || !apierrors.IsNotFound(err) {
			return err
		}
		select {
		case <-time.After(retryInterval):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}
