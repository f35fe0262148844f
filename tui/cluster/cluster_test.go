package cluster

import (
	"fmt"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
)

func commit(seq uint64, key, uid, verb, object string) trace.Event {
	d := &trace.CommitDetail{Key: key, Bytes: len(object), After: trace.JSONBody([]byte(object))}
	return trace.Event{Seq: seq, Kind: trace.EtcdCommit, Verb: verb, EtcdRevision: int64(seq) + 100, Detail: d, Object: trace.Object{Name: key, UID: uid}}
}

func TestMoments(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	events := []trace.Event{
		commit(1, "/registry/pods/default/a", "u1", "put", `{"status":{"phase":"Pending"}}`),
		commit(2, "/registry/pods/default/b", "u2", "put", `{"status":{"phase":"Pending"}}`),
		commit(3, "/registry/pods/default/a", "u1", "put", `{"status":{"phase":"Running"}}`),
		commit(4, "/registry/pods/default/a", "u1", "delete", ""),
		commit(5, "/registry/pods/default/a", "u3", "put", `{"status":{"phase":"Failed"}}`),
	}
	c := New(store)
	for _, e := range events {
		store.Load(e)
		c.Take([]trace.Event{e})
	}
	c.Take(events[:2]) // the same again changes nothing
	for seq, want := range []string{"", "a:Pending ", "a:Pending b:Pending ", "a:Running b:Pending ", "b:Pending ", "a:Failed b:Pending "} {
		got := ""
		for _, k := range c.Keys("/registry/pods/", uint64(seq)) {
			r, _ := k.At(uint64(seq))
			got += fmt.Sprintf("%s:%s ", k.Name[len(k.Name)-1:], c.Facts(r).Status.Phase)
		}
		if got != want {
			t.Errorf("after event %d: %q, want %q", seq, got, want)
		}
	}
	if k := c.ByUID("u3"); k == nil || k != c.Key("/registry/pods/default/a") || len(k.Revisions) != 4 {
		t.Errorf("the key of u3 is %v", k)
	}
	if got := c.Latest(9); got != 105 {
		t.Errorf("the latest revision is %d", got)
	}
}

func TestFactsOfAnotherKind(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	c := New(store)
	c.Take([]trace.Event{commit(1, "/registry/x/a", "", "put", `{"spec":{"strategy":"odd","nodeName":"node-1"},"status":{"phase":"Active"}}`)})
	r, _ := c.Key("/registry/x/a").At(1)
	if f := c.Facts(r); f.Status.Phase != "Active" || f.Spec.NodeName != "node-1" {
		t.Errorf("a field of another form hid the others: %+v", f)
	}
}

func TestPodState(t *testing.T) {
	for object, want := range map[string]string{
		`{}`:                             "Pending",
		`{"status":{"phase":"Running"}}`: "Running",
		`{"metadata":{"deletionTimestamp":"x"},"status":{"phase":"Running"}}`:                                      "Terminating",
		`{"status":{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff"}}}]}}`: "ImagePullBackOff",
		`{"status":{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"reason":"Error"}}}]}}`:          "Error",
	} {
		store := trace.NewStore(trace.Limits{})
		c := New(store)
		c.Take([]trace.Event{commit(1, "/registry/pods/a", "", "put", object)})
		r, _ := c.Key("/registry/pods/a").At(1)
		if got := c.Facts(r).PodState(); got != want {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
}
