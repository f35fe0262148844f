package etcd

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// Actor is the name under which commits are reported.
const Actor = "etcd"

// writerWait bounds how long a commit waits for one of several requests that write the same key at once to say that it
// was the one. The API server says so as soon as etcd has answered it.
const writerWait = 50 * time.Millisecond

// Report reports every commit of this run to tap, until ctx ends, which is no error. It must be called after Ready;
// called before anybody writes it misses nothing, and called later it catches up.
func (m *Member) Report(ctx context.Context, tap *trace.Tap) error {
	return m.Commits(ctx, m.Began()+1, func(c Commit) error {
		tap.Committed(c.Revision, tap.Record(ctx, commitEvent(ctx, tap, c)))
		return nil
	})
}

func commitEvent(ctx context.Context, tap *trace.Tap, c Commit) trace.Event {
	e := trace.Event{
		Actor: Actor, Kind: trace.EtcdCommit, Verb: "put",
		ResourceVersion: strconv.FormatInt(c.Revision, 10), EtcdRevision: c.Revision,
		Background: background(c.Key),
		Detail: &trace.CommitDetail{
			Key: c.Key, Version: c.Version, CreateRevision: c.CreateRevision,
			Bytes: len(c.Value), PrevBytes: len(c.Previous),
			Before: trace.NewBody("", c.Previous, wire.Decode), After: trace.NewBody("", c.Value, wire.Decode),
		},
	}
	object := c.Value
	if c.Deleted {
		e.Verb, object = "delete", c.Previous
	}
	if meta, ok := wire.Read("", object); ok {
		e.Object, e.Refs = meta.Object(), meta.Refs()
	}
	waiting, cancel := context.WithTimeout(ctx, writerWait)
	defer cancel()
	if writer, ok := tap.WriterOf(waiting, c.Key, c.Revision); ok {
		e.Cause, e.CauseLink = writer, trace.Exact
	} else {
		// Nobody asked for it just now: etcd's own expiry of old Events, or the API server's bookkeeping.
		e.Background = true
	}
	return e
}

// background reports whether what is kept under key changes all the time and teaches nothing by itself: node heartbeats,
// the API server's own leases, and its allocators' bitmaps.
func background(key string) bool {
	resource, _, _ := strings.Cut(strings.TrimPrefix(key, Prefix), "/")
	switch resource {
	case "leases", "masterleases", "peerserverleases", "ranges":
		return true
	}
	return false
}
