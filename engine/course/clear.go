package course

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/trace"
)

// Left is an object that somebody has left in the lab.
type Left struct {
	trace.Object
	Pinned bool // it has finalizers
	Owned  bool // by another, with which it goes
}

// Loose returns what a lesson could stumble over: the objects in the default namespace that the cluster has not made by
// itself, and namespaces that somebody made. Those that others own, and that go when their owners do, come last.
func Loose(ctx context.Context, lab engine.Lab) ([]Left, error) {
	_, last := lab.Events().Len()
	snapshot, err := lab.History().At(ctx, last)
	if err != nil {
		return nil, fmt.Errorf("look for what is in a lesson's way: %w", err)
	}
	world := check.NewWorld()
	world.Load(snapshot)
	var roots, owned []Left
	for i := range snapshot.Objects {
		x := snapshot.Objects[i].Object
		if !inTheWay(x) {
			continue
		}
		if left := (Left{x, world.Pinned(x), world.Owned(x)}); left.Owned {
			owned = append(owned, left)
		} else {
			roots = append(roots, left)
		}
	}
	return append(roots, owned...), nil
}

// inTheWay reports whether an object is somebody's, in a place that lessons use.
func inTheWay(o trace.Object) bool {
	switch o.Kind {
	case "Namespace":
		return o.Name != check.DefaultNamespace && !strings.HasPrefix(o.Name, "kube-")
	case "Event", "Endpoints", "EndpointSlice", "Lease", "ControllerRevision", "PodMetrics":
		return false
	case "Service":
		if o.Name == "kubernetes" {
			return false
		}
	case "ServiceAccount":
		if o.Name == "default" {
			return false
		}
	}
	return o.Namespace == check.DefaultNamespace && o.Name != "kube-root-ca.crt"
}

// dnsIsOff is true of a lab whose DNS has been scaled away.
const dnsIsOff = `object("Deployment", "kube-system", "coredns").?spec.?replicas.orValue(1) == 0`

// Mend makes a lab sound that a lesson has been left in the middle of breaking: it heals every fault, and gives Pods their
// DNS back. Nothing may be held.
func Mend(ctx context.Context, o Options) error {
	if _, err := o.Lab.Faults().Do(ctx, engine.FaultCommand{Heal: true}); err != nil {
		return fmt.Errorf("mend what is broken: %w", err)
	}
	_, last := o.Lab.Events().Len()
	snapshot, err := o.Lab.History().At(ctx, last)
	if err != nil {
		return fmt.Errorf("look for what is to be mended: %w", err)
	}
	world := check.NewWorld()
	world.Load(snapshot)
	off, err := world.Compile(dnsIsOff, check.Boolean)
	if err != nil {
		return err
	}
	if is, _ := off.True(); !is { // what has no value, as without that Deployment, is not so
		return nil
	}
	if output, err := o.Kubectl(ctx, []string{"scale", "-n", "kube-system", "deployment/coredns", "--replicas=1"}); err != nil {
		return fmt.Errorf("give Pods their DNS back: %w: %s", err, output)
	}
	return nil
}

// Clear deletes what [Loose] found and waits until it is gone, or ctx ends. What the gate holds is let go first.
func Clear(ctx context.Context, o Options, loose []Left) error {
	cursor := o.Lab.Events().Since(math.MaxUint64).Next
	left := map[string]bool{}
	for _, x := range loose {
		left[x.String()] = true
	}
	if _, err := o.Lab.Debugger().Do(ctx, engine.Command{Verb: engine.Continue}); err != nil {
		return fmt.Errorf("let go of what is held: %w", err)
	}
	all := []string{"delete", "-n", check.DefaultNamespace, "--ignore-not-found", "--wait=false", "--grace-period=1"}
	for _, x := range loose {
		if x.Pinned {
			if _, err := o.Kubectl(ctx, removal(x.Object, true)[0]); err != nil {
				o.Log.Warn("take away finalizers", "object", x.String(), "error", err)
			}
		}
		all = append(all, resource(x.Object)+"/"+x.Name)
	}
	if _, err := o.Kubectl(ctx, all); err != nil { // what is gone meanwhile does not matter, and what stays shows below
		o.Log.Warn("remove what is in a lesson's way", "error", err)
	}
	for {
		batch := o.Lab.Events().Since(cursor)
		cursor = batch.Next
		for i := range batch.Events {
			e := &batch.Events[i]
			switch {
			case e.Kind != trace.EtcdCommit || !inTheWay(e.Object):
			case e.Verb == "delete":
				delete(left, e.Object.String())
			default: // a controller that has not heard yet makes another
				left[e.Object.String()] = true
			}
		}
		if len(left) == 0 {
			return nil
		}
		if err := o.Lab.Events().Wait(ctx, cursor); err != nil {
			return fmt.Errorf("wait until %s is gone: %w", strings.Join(sortedKeys(left), ", "), err)
		}
	}
}

func sortedKeys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// removal returns what kubectl is to be told to delete an object, without waiting until it is gone. Finalizers go first,
// as the one who would take them away may be what a step is about.
func removal(o trace.Object, pinned bool) [][]string {
	what := []string{resource(o), o.Name}
	if o.Namespace != "" {
		what = append(what, "-n", o.Namespace)
	}
	var runs [][]string
	if pinned {
		runs = append(runs, slices.Concat([]string{"patch"}, what, []string{"--type=merge", `--patch={"metadata":{"finalizers":null}}`}))
	}
	return append(runs, slices.Concat([]string{"delete"}, what, []string{"--ignore-not-found", "--wait=false", "--grace-period=1"}))
}
