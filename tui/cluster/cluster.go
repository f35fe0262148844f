// Package cluster is what etcd holds as the events tell it, at any moment of the trace. It needs no cluster: a recording
// has the same past as the lab that it was made from.
//
// Views import it; it imports engine/trace only.
package cluster

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// Revision is one write to a key.
type Revision struct {
	Seq      uint64 // of its commit
	Revision int64  // of the store
	Version  int64  // writes to the key so far
	Bytes    int
	Deleted  bool
	body     *trace.Body // kept for the latest revision; the store has the others'
	facts    *Facts      // nil until somebody asks
}

// Key is one key of the store with its revisions, oldest first.
type Key struct {
	Name      string // "/registry/pods/default/web-7x"
	Object    trace.Object
	Revisions []Revision
}

// At returns the revision that the key had right after the event with the given number; ok is false when it did not exist
// or had been deleted.
func (k *Key) At(seq uint64) (r *Revision, ok bool) {
	r = k.last(seq)
	return r, r != nil && !r.Deleted
}

// last returns the latest write up to seq, be it a deletion; nil when there is none.
func (k *Key) last(seq uint64) *Revision {
	n := len(k.Revisions)
	if n > 0 && k.Revisions[n-1].Seq <= seq { // now, nearly always
		return &k.Revisions[n-1]
	}
	n, has := slices.BinarySearchFunc(k.Revisions, seq, func(r Revision, seq uint64) int { return cmp.Compare(r.Seq, seq) })
	if has {
		n++
	}
	if n == 0 {
		return nil
	}
	return &k.Revisions[n-1]
}

// Store finds events by their number and knows the oldest that it has; [trace.Store] is one.
type Store interface {
	Get(seq uint64) (trace.Event, bool)
	Len() (first, last uint64)
}

// Cluster is the keys of the store. It is not safe for concurrent use.
type Cluster struct {
	events Store
	keys   map[string]*Key
	sorted []*Key // by name
	fresh  bool   // sorted holds every key
	byUID  map[string]*Key
}

// New returns an empty cluster; events has the bodies of old revisions.
func New(events Store) *Cluster {
	return &Cluster{events: events, keys: map[string]*Key{}, byUID: map[string]*Key{}}
}

// Take adds what the commits among events say; events that are there already are replaced.
func (c *Cluster) Take(events []trace.Event) {
	for i := range events {
		e := &events[i]
		if d, ok := e.Detail.(*trace.CommitDetail); ok && e.Seq != 0 {
			c.commit(e, d)
		}
	}
}

func (c *Cluster) commit(e *trace.Event, d *trace.CommitDetail) {
	k := c.keys[d.Key]
	if k == nil {
		k = &Key{Name: d.Key, Object: e.Object}
		c.keys[d.Key] = k
		c.fresh = false
	}
	r := Revision{Seq: e.Seq, Revision: e.EtcdRevision, Version: d.Version, Bytes: d.Bytes, Deleted: e.Verb == "delete", body: d.After}
	at, has := slices.BinarySearchFunc(k.Revisions, r.Seq, func(x Revision, seq uint64) int { return cmp.Compare(x.Seq, seq) })
	if has {
		k.Revisions[at] = r
	} else {
		k.Revisions = slices.Insert(k.Revisions, at, r)
	}
	if n := len(k.Revisions); at == n-1 {
		k.Object = e.Object
		if n > 1 {
			k.Revisions[n-2].body = nil
		}
		c.forget(k)
	}
	if e.Object.UID != "" {
		c.byUID[e.Object.UID] = k
	}
}

// mostRevisions bounds what one key keeps; a Lease has a new one every ten seconds.
const mostRevisions = 1000

func (c *Cluster) forget(k *Key) {
	if n := len(k.Revisions); n > mostRevisions {
		k.Revisions = slices.Clone(k.Revisions[n-mostRevisions*9/10:])
	}
}

// Keys returns the keys that begin with prefix and exist right after the event with the given number, by name. The list
// may be kept; the keys are shared.
func (c *Cluster) Keys(prefix string, seq uint64) []*Key {
	if !c.fresh {
		c.sorted = c.sorted[:0]
		for _, k := range c.keys {
			c.sorted = append(c.sorted, k)
		}
		slices.SortFunc(c.sorted, func(a, b *Key) int { return strings.Compare(a.Name, b.Name) })
		c.fresh = true
	}
	at, _ := slices.BinarySearchFunc(c.sorted, prefix, func(k *Key, p string) int { return strings.Compare(k.Name, p) })
	var out []*Key
	for _, k := range c.sorted[at:] {
		if !strings.HasPrefix(k.Name, prefix) {
			break
		}
		if _, ok := k.At(seq); ok {
			out = append(out, k)
		}
	}
	return out
}

// Key returns a key by its name, nil when nothing is known of it.
func (c *Cluster) Key(name string) *Key { return c.keys[name] }

// ByUID returns the key of the object with a UID, nil when nothing is known of it.
func (c *Cluster) ByUID(uid string) *Key { return c.byUID[uid] }

// Latest returns the store's revision right after the event with the given number, 0 when that is not known. It looks
// back from there, so it is cheap where commits are frequent.
func (c *Cluster) Latest(seq uint64) int64 {
	first, last := c.events.Len()
	for at := min(seq, last); at >= first && at > 0; at-- {
		if e, ok := c.events.Get(at); ok && e.Kind == trace.EtcdCommit {
			return e.EtcdRevision
		}
	}
	return 0
}

// Body returns the object that a revision stored, nil when it is no longer kept.
func (c *Cluster) Body(r *Revision) *trace.Body {
	if r.body != nil {
		return r.body
	}
	if e, ok := c.events.Get(r.Seq); ok {
		if d, ok := e.Detail.(*trace.CommitDetail); ok {
			return d.After
		}
	}
	return nil
}
