package mapview

import (
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/view"
)

// TestWhatWaitsIsMarkedAtItsPlace holds one event at a time and looks for its mark.
func TestWhatWaitsIsMarkedAtItsPlace(t *testing.T) {
	store := trace.NewStore(trace.Limits{})
	c := cluster.New(store)
	for i, o := range []struct{ key, kind, name, object string }{
		{"/registry/minions/node-1", "Node", "node-1", `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`},
		{"/registry/pods/default/client", "Pod", "client", `{"spec":{"nodeName":"node-1"},"status":{"phase":"Running"}}`},
	} {
		e := trace.Event{Seq: uint64(i + 1), Kind: trace.EtcdCommit, Actor: "etcd", Verb: "put", Object: trace.Object{Kind: o.kind, Namespace: "default", Name: o.name},
			Detail: &trace.CommitDetail{Key: o.key, After: trace.JSONBody([]byte(o.object))}}
		store.Load(e)
		c.Take([]trace.Event{e})
	}
	hop := func(namespace string) *trace.HopDetail {
		return &trace.HopDetail{Node: "node-1", Namespace: namespace, Point: "veth", Packet: 7}
	}
	tests := []struct {
		name  string
		held  trace.Event
		above string // stands in the line above the mark, or in its own
		mark  string
	}{
		{"a request", trace.Event{Actor: "kube-scheduler", Kind: trace.APIRequest, Verb: "create", Object: trace.Object{Kind: "Pod", Name: "x"}}, "kube-scheduler", "■ wants: create  pods/x"},
		{"a call on a node", trace.Event{Actor: "kubelet@node-1", Kind: trace.CRICall, Verb: "StartContainer"}, "node-1", "■ wants: StartContainer"},
		{"a packet in a Pod", trace.Event{Actor: "network@node-1", Kind: trace.NetHop, Verb: "veth", Detail: hop("default/client")}, "client Running", "■ veth"},
		{"a packet on a node", trace.Event{Actor: "network@node-1", Kind: trace.NetHop, Verb: "bridge", Detail: hop("")}, "│", "■ bridge"},
		{"a Pod's question", trace.Event{Actor: "pod default/client", Kind: trace.DNSQuery, Verb: "ask", Detail: &trace.DNSDetail{Type: "A", Name: "web."}}, "client Running", "■ ask A web."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := New(store, c)
			v.Show(view.Moment{Seq: math.MaxInt64, Held: []trace.Held{{ID: 5, Event: tt.held}}})
			lines := v.View(100, 30, false)
			found := false
			for i, line := range lines {
				if line = ansi.Strip(line); strings.Contains(line, tt.mark) {
					found = strings.Contains(line, tt.above) || i > 0 && strings.Contains(ansi.Strip(lines[i-1]), tt.above)
				}
			}
			if !found {
				t.Errorf("no %q below or beside %q:\n%s", tt.mark, tt.above, ansi.Strip(strings.Join(lines, "\n")))
			}
			if got := v.Selected().Held; got != 5 {
				t.Errorf("what waits is not selected by itself: %d", got)
			}
		})
	}
}
