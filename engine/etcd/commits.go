package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Prefix is the prefix of every key that the API server writes: "/registry/pods/default/web".
const Prefix = "/registry/"

// Commit is one key written or deleted.
type Commit struct {
	Key      string
	Revision int64
	// Version counts the writes to the key since it was created, CreateRevision is when that was; both are 0 for a
	// delete.
	Version, CreateRevision int64
	// Value is what is stored now, nil for a delete; Previous what was before, nil for a new key. They must not be
	// changed.
	Value, Previous []byte
	Deleted         bool
}

// errWatch is returned when etcd ends a watch by itself.
var errWatch = errors.New("etcd ended the watch")

// Commits calls f for every commit below [Prefix] from a revision on, in order, until ctx ends, which is no error, or f
// returns an error. It must be called after Ready.
func (m *Member) Commits(ctx context.Context, from int64, f func(Commit) error) error {
	client := m.Client()
	if client == nil {
		return errors.New("watching etcd's commits: it is not ready")
	}
	watching, cancel := context.WithCancel(ctx) // ends the watch when f fails
	defer cancel()
	watch := client.Watch(watching, Prefix, clientv3.WithPrefix(), clientv3.WithPrevKV(), clientv3.WithRev(from))
	for response := range watch {
		if err := response.Err(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watching etcd's commits: %w", err)
		}
		for _, event := range response.Events {
			if err := f(commit(event)); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("watching etcd's commits: %w", errWatch)
}

func commit(e *clientv3.Event) Commit {
	c := Commit{Key: string(e.Kv.Key), Revision: e.Kv.ModRevision, Deleted: e.Type == mvccpb.DELETE}
	if !c.Deleted {
		c.Value, c.Version, c.CreateRevision = e.Kv.Value, e.Kv.Version, e.Kv.CreateRevision
	}
	if e.PrevKv != nil {
		c.Previous = e.PrevKv.Value
	}
	return c
}
