package tui_test

import (
	"context"
	"testing"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui"
)

// broken keeps what is broken in memory, as a lab does.
type broken struct{ state engine.FaultState }

func (b *broken) Do(_ context.Context, c engine.FaultCommand) (engine.FaultState, error) {
	if c.Heal {
		b.state.Faults = nil
	} else {
		b.state.Faults = append(b.state.Faults, c.Fault)
	}
	return b.state, nil
}

func (b *broken) State(context.Context) (engine.FaultState, error) { return b.state, nil }

func TestFaultsAtThePrompt(t *testing.T) {
	lab := &broken{engine.FaultState{Nodes: []string{"node-1", "node-2"}, Pods: []string{"default/web"}}}
	edit := func(o *tui.Options) { o.Actions.Faults = lab }
	drive(t, 120, 40, edit, func(d *driver) {
		d.start()
		d.press("$")
		d.write("kubestep fault dr")
		d.press("tab", "tab")
		d.sees(" $ kubestep fault drop ", "node-1  node-2  pod/default/web")
		d.press("tab")
		d.write(" 0.3")
		d.press("enter")
		d.sees("$ kubestep fault drop node-1 0.3", "drop node-1 0.3")
		if len(lab.state.Faults) != 1 || lab.state.Faults[0].Target != "node-1" {
			t.Errorf("broken is %+v", lab.state.Faults)
		}
		d.press("$")
		d.write("fault explode node-1")
		d.press("enter")
		d.sees("✗", "explode")
		d.press("$")
		d.write("fault heal")
		d.press("enter")
		d.sees("Nothing is broken.")
	})
}
