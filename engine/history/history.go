// Package history shows the past of a cluster: etcd keeps every revision, and events say at which revision they were.
//
// engine/lab imports it; everybody else uses [engine.History]. It reads etcd and the trace, and never writes.
package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/etcd"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// page is how many keys one range reads: a bound on etcd's message, which is 1.5 MiB for objects of the usual size.
const page = 500

// History reads the past from etcd. It is safe for concurrent use.
type History struct {
	client *clientv3.Client
	store  *trace.Store
}

var _ engine.History = (*History)(nil)

// New returns the history of the cluster that client's etcd holds, whose events are in store. The client must outlive it.
func New(client *clientv3.Client, store *trace.Store) *History {
	return &History{client: client, store: store}
}

// At implements [engine.History]. Counts are by kind.
func (h *History) At(ctx context.Context, seq uint64) (engine.Snapshot, error) {
	revision, err := h.revision(ctx, seq)
	if err != nil {
		return engine.Snapshot{}, err
	}
	s := engine.Snapshot{Revision: revision, Counts: map[string]int{}}
	err = h.scan(ctx, revision, func(kv *mvccpb.KeyValue) {
		o := stored(kv)
		s.Objects = append(s.Objects, o)
		if o.Object.Kind != "" {
			s.Counts[o.Object.Kind]++
		}
	})
	if err != nil {
		return engine.Snapshot{}, fmt.Errorf("reading the cluster after event %d: %w", seq, err)
	}
	return s, nil
}

// Object implements [engine.History]. It needs o's kind and name; a UID, when there is one, tells an object from another
// that had its name before or after it.
func (h *History) Object(ctx context.Context, o trace.Object, seq uint64) (engine.StoredObject, bool, error) {
	if o.Kind == "" || o.Name == "" {
		return engine.StoredObject{}, false, fmt.Errorf("%w: an object is looked up by its kind and its name, not by %q",
			engine.ErrUsage, o)
	}
	revision, err := h.revision(ctx, seq)
	if err != nil {
		return engine.StoredObject{}, false, err
	}
	s, ok, err := h.object(ctx, o, revision)
	if errors.Is(err, engine.ErrGone) {
		if kept, existed, known := h.kept(o, seq, revision); known {
			return kept, existed, nil
		}
	}
	if err != nil {
		return engine.StoredObject{}, false, fmt.Errorf("reading %s as it was after event %d: %w", o, seq, err)
	}
	return s, ok, nil
}

// kept returns the object from the trace, which may still have what etcd has compacted.
func (h *History) kept(o trace.Object, seq uint64, revision int64) (s engine.StoredObject, existed, known bool) {
	commit, ok := h.commitOf(o, seq)
	if !ok || commit.EtcdRevision > revision {
		return s, false, false
	}
	if commit.Verb == "delete" {
		return s, false, true
	}
	d, _ := commit.Detail.(*trace.CommitDetail)
	if d == nil || d.After == nil {
		return s, false, false
	}
	return engine.StoredObject{Key: d.Key, Object: commit.Object, Revision: commit.EtcdRevision, Body: d.After}, true, true
}

func (h *History) object(ctx context.Context, o trace.Object, revision int64) (engine.StoredObject, bool, error) {
	keys, err := h.keys(ctx, o, revision)
	if err != nil {
		return engine.StoredObject{}, false, err
	}
	for _, key := range keys {
		got, err := h.client.Get(ctx, key, clientv3.WithRev(revision))
		if err != nil {
			return engine.StoredObject{}, false, explain(err, revision)
		}
		for _, kv := range got.Kvs {
			if s := stored(kv); same(o, s.Object) {
				return s, true, nil
			}
		}
	}
	return engine.StoredObject{}, false, nil
}

// keys returns where o may be stored. A commit of it tells; else every key that ends in its name, as the rest of a key
// does not follow from the kind: nodes are under "minions", Services under "services/specs".
func (h *History) keys(ctx context.Context, o trace.Object, revision int64) ([]string, error) {
	if commit, ok := h.commitOf(o, math.MaxUint64); ok {
		if d, _ := commit.Detail.(*trace.CommitDetail); d != nil && d.Key != "" {
			return []string{d.Key}, nil
		}
	}
	end := "/" + o.Name
	if o.Namespace != "" {
		end = "/" + o.Namespace + end
	}
	var keys []string
	err := h.scan(ctx, revision, func(kv *mvccpb.KeyValue) {
		if key := string(kv.Key); strings.HasSuffix(key, end) {
			keys = append(keys, key)
		}
	}, clientv3.WithKeysOnly())
	return keys, err
}

// scan calls f with every key that existed at the revision, in order.
func (h *History) scan(ctx context.Context, revision int64, f func(*mvccpb.KeyValue), more ...clientv3.OpOption) error {
	end := clientv3.GetPrefixRangeEnd(etcd.Prefix)
	options := append([]clientv3.OpOption{clientv3.WithRange(end), clientv3.WithRev(revision), clientv3.WithLimit(page)},
		more...)
	for from := etcd.Prefix; ; {
		got, err := h.client.Get(ctx, from, options...)
		if err != nil {
			return explain(err, revision)
		}
		for _, kv := range got.Kvs {
			f(kv)
		}
		if !got.More {
			return nil
		}
		from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
	}
}

func explain(err error, revision int64) error {
	if errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("etcd has compacted revision %d: %w; a lab keeps what happened since it was last started", revision,
			engine.ErrGone)
	}
	return fmt.Errorf("reading etcd at revision %d: %w", revision, err)
}

func stored(kv *mvccpb.KeyValue) engine.StoredObject {
	s := engine.StoredObject{Key: string(kv.Key), Revision: kv.ModRevision, Body: trace.NewBody("", kv.Value, wire.Decode)}
	if meta, ok := wire.Read("", kv.Value); ok {
		s.Object = meta.Object()
	}
	return s
}

// same reports whether what is stored is what was asked for. Its version may differ, as objects are stored in one version
// and asked for in any; so may the group of Events, which have two.
func same(asked, is trace.Object) bool {
	if asked.Kind != is.Kind || asked.Namespace != is.Namespace || asked.Name != is.Name {
		return false
	}
	if asked.UID != "" && is.UID != "" && asked.UID != is.UID {
		return false
	}
	return asked.Kind == "Event" || asked.APIVersion == "" || is.APIVersion == "" ||
		group(asked.APIVersion) == group(is.APIVersion)
}

func group(apiVersion string) string {
	g, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return ""
	}
	return g
}
