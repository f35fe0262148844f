package etcd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// Actor is the name under which commits are reported.
const Actor = "etcd"

// writerWait bounds how long a commit waits for one of several requests that write the same key at once to say that it
// was the one. The API server says so as soon as etcd has answered it.
const writerWait = 50 * time.Millisecond

// Report reports every commit of this run to tap, until ctx ends, which is no error. It must be called after Ready;
// called before anybody writes it misses nothing, and called later it catches up. A commit whose request is known also
// completes that request with the object before and after.
func (m *Member) Report(ctx context.Context, tap *trace.Tap) error {
	if err := m.know(ctx, tap); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return m.Commits(ctx, m.Began()+1, func(c Commit) error {
		e, detail := commitEvent(c)
		waiting, cancel := context.WithTimeout(ctx, writerWait)
		writer, ok := tap.WriterOf(waiting, c.Key, c.Revision)
		cancel()
		if ok {
			e.Cause, e.CauseLink = writer, trace.Exact
			if request, found := tap.Store().Get(writer); found {
				e.Background = e.Background || request.Background
			}
		} else {
			// Nobody asked for it just now: etcd's own expiry of old Events, or the API server's bookkeeping.
			e.Background = true
		}
		tap.Committed(c.Revision, tap.Record(ctx, e))
		if ok && !e.Background {
			tap.Amend(writer, func(request *trace.Event) { complete(request, detail) })
		}
		return nil
	})
}

// complete puts what a request has changed into its event. A request that writes twice, such as a delete that first
// removes a finalizer, changed from the first before to the last after; one that writes many objects changed none of its
// own.
func complete(request *trace.Event, commit *trace.CommitDetail) {
	before, ok := request.Detail.(*trace.RequestDetail)
	if !ok || request.Verb == "deletecollection" {
		return
	}
	detail := *before
	if detail.Before == nil && detail.After == nil {
		detail.Before = commit.Before
	}
	detail.After = commit.After
	request.Detail = &detail
}

// pageSize bounds how much of the store is read at once.
const pageSize = 500

// know tells tap of the objects that an earlier run has left.
func (m *Member) know(ctx context.Context, tap *trace.Tap) error {
	end := clientv3.GetPrefixRangeEnd(Prefix)
	for key, more := Prefix, true; more; {
		page, err := m.client.Get(ctx, key, clientv3.WithRange(end), clientv3.WithRev(m.Began()), clientv3.WithLimit(pageSize))
		if err != nil {
			return fmt.Errorf("reading what etcd has stored: %w", err)
		}
		for _, kv := range page.Kvs {
			if meta, ok := wire.Read("", kv.Value); ok {
				tap.Know(meta.Object(), meta.Refs())
			}
			key = string(kv.Key) + "\x00"
		}
		more = page.More
	}
	return nil
}

func commitEvent(c Commit) (trace.Event, *trace.CommitDetail) {
	detail := &trace.CommitDetail{
		Key: c.Key, Version: c.Version, CreateRevision: c.CreateRevision,
		Bytes: len(c.Value), PrevBytes: len(c.Previous),
		Before: trace.NewBody("", c.Previous, wire.Decode), After: trace.NewBody("", c.Value, wire.Decode),
	}
	e := trace.Event{
		Actor: Actor, Kind: trace.EtcdCommit, Verb: "put",
		ResourceVersion: strconv.FormatInt(c.Revision, 10), EtcdRevision: c.Revision,
		Background: background(c.Key), Detail: detail,
	}
	object := c.Value
	if c.Deleted {
		e.Verb, object = "delete", c.Previous
	}
	if meta, ok := wire.Read("", object); ok {
		e.Object, e.Refs = meta.Object(), meta.Refs()
	}
	return e, detail
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
