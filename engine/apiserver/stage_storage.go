package apiserver

import (
	"context"
	"path"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"

	"github.com/kubestep/kubestep/engine/trace"
)

// storageTap wraps the stores that it hands out.
type storageTap struct {
	generic.RESTOptionsGetter
	prefix string // of every key in etcd: "/registry"
}

func (s storageTap) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	o, err := s.RESTOptionsGetter.GetRESTOptions(resource, example)
	if err != nil {
		return o, err
	}
	next := o.Decorator
	o.Decorator = func(config *storagebackend.ConfigForResource, resourcePrefix string,
		keyFunc func(runtime.Object) (string, error), newFunc, newListFunc func() runtime.Object,
		attrs storage.AttrFunc, trigger storage.IndexerFuncs, indexers *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		store, destroy, err := next(config, resourcePrefix, keyFunc, newFunc, newListFunc, attrs, trigger, indexers)
		if err != nil {
			return store, destroy, err
		}
		return tappedStore{store, s.prefix}, destroy, nil
	}
	return o, nil
}

// tappedStore reports writes, and tells the tap which request writes which key of etcd, so that the commit finds its
// cause.
type tappedStore struct {
	storage.Interface
	prefix string
}

// write carries out a write of key. do returns the object as the store answered, and whether it wrote anything.
func (s tappedStore) write(ctx context.Context, operation, key string, do func() (stored runtime.Object, wrote bool, err error)) error {
	t := tracedFrom(ctx)
	if t == nil {
		_, _, err := do()
		return err
	}
	key = path.Join(s.prefix, key)
	var span *trace.Span
	detail := &trace.StageDetail{Decision: operation, Key: key}
	if !t.background {
		var err error
		if span, err = t.begin(ctx, trace.StageStorage, detail); err != nil {
			return storage.NewUnreachableError(key, 0)
		}
	}
	written := t.tap.BeginWrite(key, t.seq)
	stored, wrote, err := do()
	var revision int64
	if err == nil && wrote && stored != nil {
		if version, versionErr := s.Versioner().ObjectResourceVersion(stored); versionErr == nil {
			revision = int64(version)
		}
	}
	written(revision)
	span.End(err, func(e *trace.Event) { e.EtcdRevision = revision })
	return err
}

func (s tappedStore) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	return s.write(ctx, "create", key, func() (runtime.Object, bool, error) {
		err := s.Interface.Create(ctx, key, obj, out, ttl)
		return out, true, err
	})
}

func (s tappedStore) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, opts storage.DeleteOptions,
) error {
	return s.write(ctx, "delete", key, func() (runtime.Object, bool, error) {
		err := s.Interface.Delete(ctx, key, out, preconditions, validate, cached, opts)
		return out, true, err
	})
}

func (s tappedStore) GuaranteedUpdate(ctx context.Context, key string, destination runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, tryUpdate storage.UpdateFunc, cached runtime.Object,
) error {
	return s.write(ctx, "update", key, func() (runtime.Object, bool, error) {
		var before uint64
		err := s.Interface.GuaranteedUpdate(ctx, key, destination, ignoreNotFound, preconditions,
			func(input runtime.Object, meta storage.ResponseMeta) (runtime.Object, *uint64, error) {
				before = meta.ResourceVersion
				return tryUpdate(input, meta)
			}, cached)
		if err != nil {
			return nil, false, err
		}
		// An update that changes nothing is not written; the object keeps its version.
		after, err := s.Versioner().ObjectResourceVersion(destination)
		return destination, err != nil || after != before, nil
	})
}
