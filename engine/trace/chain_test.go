package trace

import "testing"

func TestChainLinksStepsInOrder(t *testing.T) {
	tap := NewTap(NewStore(Limits{}), nil)
	pod := Object{Kind: "Pod", Namespace: "default", Name: "web", UID: "u1"}
	call := func(verb string) Event {
		return Event{Actor: "kubelet@node-1", Kind: CRICall, Verb: verb, Object: pod}
	}
	delivered := tap.Record(t.Context(), Event{Actor: "kubelet@node-1", Kind: WatchDeliver, Verb: "added", Object: pod})
	seq, link := tap.Infer(call("sync"))
	if seq != delivered || link != Inferred {
		t.Fatalf("Infer = %d %q, want %d %q", seq, link, delivered, Inferred)
	}
	ctx := WithChain(t.Context(), NewChain(seq, link))

	first, err := tap.Begin(ctx, call("RunPodSandbox"))
	if err != nil {
		t.Fatal(err)
	}
	inner := tap.Record(WithCause(ctx, first.Seq()), Event{Actor: "cni@node-1", Kind: CRICall, Verb: "add"})
	quiet := call("ListContainers")
	quiet.Background = true
	tap.Record(ctx, quiet)
	second := tap.Record(ctx, call("CreateContainer"))
	for _, want := range []struct {
		seq, cause uint64
		link       Link
	}{{first.Seq(), delivered, Inferred}, {inner, first.Seq(), Exact}, {second, first.Seq(), Exact}} {
		e, _ := tap.Store().Get(want.seq)
		if e.Cause != want.cause || e.CauseLink != want.link {
			t.Errorf("%s: cause %d %q, want %d %q", e.Verb, e.Cause, e.CauseLink, want.cause, want.link)
		}
	}
}
