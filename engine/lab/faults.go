package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// faults is what is broken on purpose: it has the list, does itself what happens to whole machines, and leaves what
// happens to packets to the network.
type faults struct {
	tap *trace.Tap // nil for no events

	changing sync.Mutex // held by one change at a time, while it takes effect

	mu       sync.Mutex
	list     []engine.Fault
	machines map[string]*machine
	network  engine.FaultyNetwork // nil before there is one, and for one that cannot be broken
}

var _ engine.Faults = (*faults)(nil)

func newFaults(tap *trace.Tap) *faults { return &faults{tap: tap, machines: map[string]*machine{}} }

// join makes n what faults of packets happen to.
func (f *faults) join(n engine.Network) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.network, _ = n.(engine.FaultyNetwork)
}

func (f *faults) add(m *machine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.machines[m.name] = m
}

// State implements [engine.Faults].
func (f *faults) State(context.Context) (engine.FaultState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state(), nil
}

// state needs f.mu.
func (f *faults) state() engine.FaultState {
	s := engine.FaultState{Faults: append([]engine.Fault{}, f.list...), Nodes: slices.Sorted(maps.Keys(f.machines)), Pods: []string{}}
	if f.network != nil {
		s.Pods = append(s.Pods, f.network.Pods()...)
	}
	return s
}

// Do implements [engine.Faults].
func (f *faults) Do(ctx context.Context, c engine.FaultCommand) (engine.FaultState, error) {
	f.changing.Lock()
	defer f.changing.Unlock()
	var err error
	if c.Heal {
		err = f.heal(ctx, c.Fault)
	} else {
		err = f.set(ctx, c.Fault)
	}
	s, _ := f.State(ctx)
	return s, err
}

func (f *faults) set(ctx context.Context, x engine.Fault) error {
	// What comes over a socket has been parsed by somebody else.
	c, err := engine.ParseFault(strings.Fields(x.String()))
	if err != nil {
		return err
	}
	if c.Heal || c.Fault != x {
		return fmt.Errorf("%w: %q is no fault", engine.ErrUsage, x.String())
	}
	if err := f.check(x); err != nil {
		return err
	}
	f.mu.Lock()
	next := slices.DeleteFunc(slices.Clone(f.list), func(o engine.Fault) bool {
		return o.Kind == x.Kind && o.Target == x.Target && o.To == x.To
	})
	next = append(next, x)
	f.mu.Unlock()
	told := f.tell(ctx, "set", x)
	err = f.apply(ctx, x.Target, next)
	if err != nil {
		err = fmt.Errorf("set fault %q: %w", x.String(), err)
	}
	told(err)
	return err
}

// check reports what x names and is not there.
func (f *faults) check(x engine.Fault) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.network == nil {
		return fmt.Errorf("%w: it has no network yet, which could be broken", engine.ErrNotReady)
	}
	s := f.state()
	if namespace, name, ok := x.Pod(); ok {
		pod := namespace + "/" + name
		if !slices.Contains(s.Pods, pod) {
			return fmt.Errorf("%w: there is no Pod %s with a network of its own; in its namespace there are: %s", engine.ErrUsage,
				pod, inNamespace(s.Pods, namespace))
		}
		return nil
	}
	for _, node := range []string{x.Target, x.To} {
		if node != "" && !slices.Contains(s.Nodes, node) {
			return fmt.Errorf("%w: there is no node %s; there are %s; a Pod is written pod/NAMESPACE/NAME", engine.ErrUsage, node,
				strings.Join(s.Nodes, ", "))
		}
	}
	return nil
}

// someNames is how many names an error lists.
const someNames = 8

func inNamespace(pods []string, namespace string) string {
	var names []string
	for _, p := range pods {
		if name, ok := strings.CutPrefix(p, namespace+"/"); ok {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > someNames:
		return strings.Join(names[:someNames], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

func (f *faults) heal(ctx context.Context, which engine.Fault) error {
	fits := func(o engine.Fault) bool {
		return (which.Kind == "" || which.Kind == o.Kind) && (which.Target == "" || which.Target == o.Target)
	}
	f.mu.Lock()
	healed := slices.Clone(f.list)
	f.mu.Unlock()
	healed = slices.DeleteFunc(healed, func(o engine.Fault) bool { return !fits(o) })
	var targets []string
	for _, o := range healed {
		if !slices.Contains(targets, o.Target) {
			targets = append(targets, o.Target)
		}
	}
	for _, target := range targets {
		f.mu.Lock()
		next := slices.DeleteFunc(slices.Clone(f.list), func(o engine.Fault) bool { return o.Target == target && fits(o) })
		f.mu.Unlock()
		var told []func(error)
		for _, o := range healed {
			if o.Target == target {
				told = append(told, f.tell(ctx, "heal", o))
			}
		}
		err := f.apply(ctx, target, next)
		if err != nil {
			err = fmt.Errorf("heal %s: %w", target, err)
		}
		for _, end := range told {
			end(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// apply makes next the list, and what it says of target true.
func (f *faults) apply(ctx context.Context, target string, next []engine.Fault) error {
	f.mu.Lock()
	network, machine := f.network, f.machines[target]
	f.mu.Unlock()
	var all []engine.Fault
	alone, off := false, false
	for _, o := range next {
		if o.Target != target {
			continue
		}
		all = append(all, o)
		switch o.Kind {
		case engine.FaultPower:
			alone, off = true, true
		case engine.FaultCut, engine.FaultIsolate:
			alone = true
		}
	}
	if err := network.SetFaults(target, all); err != nil {
		return err
	}
	f.mu.Lock()
	f.list = next
	f.mu.Unlock()
	if machine == nil {
		return nil // a Pod
	}
	if off || alone {
		machine.line.setWhole(false)
	}
	if err := machine.setPower(ctx, !off); err != nil {
		return err
	}
	if !alone {
		machine.line.setWhole(true)
	}
	return nil
}

// tell reports what is about to be done, so that what follows from it has a later number. Nothing in the lab has caused
// it. The caller says how it went.
func (f *faults) tell(ctx context.Context, verb string, x engine.Fault) (done func(error)) {
	if f.tap == nil {
		return func(error) {}
	}
	o := trace.Object{APIVersion: "v1", Kind: "Node", Name: x.Target}
	if namespace, name, ok := x.Pod(); ok {
		o = trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: name}
	}
	// The gate never holds it, so that there is no error.
	span, _ := f.tap.Begin(ctx, trace.Event{Actor: faultActor, Kind: trace.NetFault, Verb: verb, Object: o, Root: true, Detail: &x})
	return func(err error) { span.End(err, nil) }
}

// faultActor is who breaks things, as the lab's readers know it: the command, whoever gives it.
const faultActor = "kubestep"
