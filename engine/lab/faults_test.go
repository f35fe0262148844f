package lab

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/trace"
)

// rig is a network and nodes that only note what is done to them.
type rig struct {
	engine.Network
	mu     sync.Mutex
	broken map[string][]string // by target
	made   []string            // nodes, each time they were made
	lives  chan string         // "node-1 on" when one runs, "node-1 off" when it has ended
}

func (r *rig) SetFaults(target string, all []engine.Fault) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken[target] = nil
	for _, f := range all {
		if f.MTU == 9000 {
			return errors.New("no such MTU here")
		}
		r.broken[target] = append(r.broken[target], f.String())
	}
	return nil
}

func (r *rig) Pods() []string { return []string{"default/web", "shop/cart"} }

func (r *rig) NewNetwork(engine.NetworkConfig) (engine.Network, error) { return r, nil }

func (r *rig) NewNode(c engine.NodeConfig) (engine.Node, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, c.Name)
	return &rigNode{rig: r, name: c.Name}, nil
}

type rigNode struct {
	engine.Node
	rig  *rig
	name string
}

func (n *rigNode) Run(ctx context.Context) error {
	n.rig.lives <- n.name + " on"
	<-ctx.Done()
	n.rig.lives <- n.name + " off"
	return nil
}

func (n *rigNode) DialKubelet(context.Context) (net.Conn, error) {
	c, s := net.Pipe()
	_ = s.Close()
	return c, nil
}

// newRig returns faults of two nodes that run.
func newRig(t *testing.T) (*faults, *rig, *trace.Store) {
	t.Helper()
	r := &rig{broken: map[string][]string{}, lives: make(chan string, 10)}
	store := trace.NewStore(trace.Limits{})
	g := gate.New()
	f := newFaults(trace.NewTap(store, g))
	if _, err := g.Do(t.Context(), engine.Command{Verb: engine.Pause}); err != nil { // breaking is never held
		t.Fatal(err)
	}
	f.join(r)
	plain := func(rt http.RoundTripper) http.RoundTripper { return rt }
	for _, name := range []string{"node-1", "node-2"} {
		m, err := newMachine(t.Context(), engine.NodeConfig{Name: name, Address: net.IPv4(192, 168, 50, 11), WrapTransport: plain,
			WrapTransportFor: func(string) func(http.RoundTripper) http.RoundTripper { return plain }}, r)
		if err != nil {
			t.Fatal(err)
		}
		m.line.patience = time.Millisecond
		f.add(m)
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- m.run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		r.expect(t, name+" on")
	}
	return f, r, store
}

func (r *rig) expect(t *testing.T, what string) {
	t.Helper()
	select {
	case got := <-r.lives:
		if got != what {
			t.Fatalf("it is %q, want %q", got, what)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("it is not %q", what)
	}
}

// do carries out "cut node-1" and returns what is broken then.
func do(t *testing.T, f *faults, line string) []string {
	t.Helper()
	c, err := engine.ParseFault(strings.Fields(line))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Do(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	list := []string{}
	for _, x := range s.Faults {
		list = append(list, x.String())
	}
	return list
}

func TestFaults(t *testing.T) {
	f, r, store := newRig(t)
	for _, step := range []struct {
		do   string
		want []string
	}{
		{"drop node-1 0.3", []string{"drop node-1 0.3"}},
		{"cut pod/web", []string{"drop node-1 0.3", "cut pod/default/web"}},
		{"drop node-1 ..x", []string{"cut pod/default/web", "drop node-1 ..x"}}, // takes the place of the other
		{"no-route node-1 node-2", []string{"cut pod/default/web", "drop node-1 ..x", "no-route node-1 node-2"}},
		{"heal drop", []string{"cut pod/default/web", "no-route node-1 node-2"}},
		{"heal node-2", []string{"cut pod/default/web", "no-route node-1 node-2"}},
		{"heal node-1", []string{"cut pod/default/web"}},
		{"heal", []string{}},
		{"heal", []string{}},
	} {
		if got := do(t, f, step.do); !slices.Equal(got, step.want) {
			t.Errorf("after %q: %q, want %q", step.do, got, step.want)
		}
	}
	for target, left := range r.broken {
		if len(left) > 0 {
			t.Errorf("%s is still %q", target, left)
		}
	}
	var told []string
	for _, e := range store.Since(0).Events {
		if e.Kind != trace.NetFault || e.Actor != "kubestep" || !e.Root || e.Open || e.Error != "" {
			t.Errorf("event %+v", e)
		}
		told = append(told, e.Verb+" "+e.Object.String()+": "+e.Detail.(*engine.Fault).String())
	}
	want := []string{"set node/node-1: drop node-1 0.3", "set pod/default/web: cut pod/default/web", "set node/node-1: drop node-1 ..x",
		"set node/node-1: no-route node-1 node-2", "heal node/node-1: drop node-1 ..x", "heal node/node-1: no-route node-1 node-2",
		"heal pod/default/web: cut pod/default/web"}
	if !slices.Equal(told, want) {
		t.Errorf("the events are %q, want %q", told, want)
	}
}

func TestFaultsRefuse(t *testing.T) {
	f, _, store := newRig(t)
	for _, test := range []struct {
		fault engine.Fault
		class error
		says  string
	}{
		{engine.Fault{Kind: engine.FaultCut, Target: "node-9"}, engine.ErrUsage, "there is no node node-9; there are node-1, node-2"},
		{engine.Fault{Kind: engine.FaultRoute, Target: "node-1", To: "node-9"}, engine.ErrUsage, "there is no node node-9"},
		{engine.Fault{Kind: engine.FaultCut, Target: "pod/shop/web"}, engine.ErrUsage, "there is no Pod shop/web with a network of its own; in its namespace there are: cart"},
		{engine.Fault{Kind: "rm", Target: "node-1"}, engine.ErrUsage, `there is no fault "rm"`},
		{engine.Fault{Kind: "heal", Target: "node-1"}, engine.ErrUsage, "is no fault"},
		{engine.Fault{Kind: engine.FaultCut, Target: "node-1", MTU: 1400}, engine.ErrUsage, "1400"},
		{engine.Fault{Kind: engine.FaultMTU, Target: "node-1", MTU: 9000}, nil, "no such MTU here"},
	} {
		_, err := f.Do(t.Context(), engine.FaultCommand{Fault: test.fault})
		if err == nil || !strings.Contains(err.Error(), test.says) || test.class != nil && !errors.Is(err, test.class) {
			t.Errorf("%s: %v, want %q", test.fault.String(), err, test.says)
		}
	}
	if s, _ := f.State(t.Context()); len(s.Faults) > 0 {
		t.Errorf("broken are %v", s.Faults)
	}
	events := store.Since(0).Events
	if len(events) != 1 || !strings.Contains(events[0].Error, "no such MTU") {
		t.Errorf("the events are %+v, want one that failed", events)
	}
	early := newFaults(nil)
	if _, err := early.Do(t.Context(), engine.FaultCommand{Fault: engine.Fault{Kind: engine.FaultCut, Target: "node-1"}}); !errors.Is(err, engine.ErrNotReady) {
		t.Errorf("before there is a network: %v", err)
	}
}

// A node that is off has ended when the command returns, and is another one when it is on again.
func TestFaultPower(t *testing.T) {
	f, r, _ := newRig(t)
	m := f.machines["node-2"]
	dial := func() error {
		c, err := m.DialKubelet(t.Context())
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	if err := dial(); err != nil {
		t.Fatal(err)
	}
	do(t, f, "power-off node-2")
	r.expect(t, "node-2 off")
	if err := dial(); err == nil || !strings.Contains(err.Error(), "dial tcp 192.168.50.11:10250: i/o timeout") {
		t.Errorf("the kubelet of a node that is off: %v", err)
	}
	do(t, f, "cut node-2")
	do(t, f, "heal power-off")
	r.expect(t, "node-2 on")
	if err := dial(); err == nil {
		t.Error("the kubelet of a node that is cut answers")
	}
	do(t, f, "heal")
	if err := dial(); err != nil {
		t.Errorf("after heal: %v", err)
	}
	if want := []string{"node-1", "node-2", "node-2"}; !slices.Equal(r.made, want) {
		t.Errorf("nodes were made %q, want %q", r.made, want)
	}
}
