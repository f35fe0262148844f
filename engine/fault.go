package engine

import (
	"context"

	"github.com/kubestep/kubestep/engine/trace"
)

// Fault is one thing that is broken on purpose. Its type lives with the events, because screens and recordings read it
// from there.
type Fault = trace.FaultDetail

// The kinds of fault. The first six are of a link: a node's wire to the others or a Pod's veth pair. The others are of a
// node.
const (
	FaultDrop    = "drop"        // a Share of the packets is lost, or those that the Pattern says
	FaultDelay   = "delay"       // every packet takes Delay longer
	FaultReorder = "reorder"     // a Share of the packets waits for Delay, so that later ones overtake them
	FaultMTU     = "mtu"         // a node's wire loses larger packets silently; a Pod's eth0 is set to that MTU
	FaultICMP    = "filter-icmp" // ICMP errors are lost, as behind an overcautious firewall; pings pass
	FaultCut     = "cut"         // everything is lost; a node is cut from the control plane as well
	FaultProxy   = "stop-proxy"  // the node's service proxy stops: its rules stay as they are
	FaultRoute   = "no-route"    // the node's route to the Pods of the node To is missing
	FaultDNS     = "no-dns"      // what the node and its Pods ask DNS servers is lost
	FaultPower   = "power-off"   // the node is off: its kubelet and its Pods stop dead
	FaultIsolate = "isolate"     // the node is cut from the control plane: its Pods go on, its kubelet reaches nobody
)

// FaultCommand is one thing to break, or to mend.
type FaultCommand struct {
	// Heal mends those faults that have the Kind and the Target; an empty field fits any.
	Heal  bool  `json:"heal,omitempty"`
	Fault Fault `json:"fault"`
}

// FaultState is what is broken, and what could be.
type FaultState struct {
	Faults []Fault  `json:"faults"` // in the order in which they were set
	Nodes  []string `json:"nodes"`  // that there are, by name
	Pods   []string `json:"pods"`   // that have a network of their own: "default/web", by name
}

// Faults breaks a running lab on purpose, and mends it. Its methods are safe for concurrent use.
type Faults interface {
	// Do sets or heals, and returns what is broken then. When it returns, packets that are sent from then on meet the
	// change, nodes are off or have begun to start, and the events have a [trace.NetFault] for each change. A fault that is set again, with the same kind and target (and To), takes the place
	// of the earlier one. A fault of a Pod is one of its name: it holds for what replaces the Pod as well, until it is
	// healed. Healing what is not broken is no error. What does not exist or makes no sense is an ErrUsage; before the
	// lab has a network, the error is an ErrNotReady.
	Do(ctx context.Context, c FaultCommand) (FaultState, error)
	// State returns what is broken now.
	State(ctx context.Context) (FaultState, error)
}

// FaultyNetwork is a [Network] that can be broken. Its methods are safe for concurrent use.
type FaultyNetwork interface {
	Network
	// SetFaults makes all be what is wrong with the target of each of them, and nothing else; none mends it. Packets that
	// are sent when it has returned meet it; it does not wait for those that are held. The faults have been checked for their form, but not for whether what they name exists: a
	// Pod need not. An error means that nothing has changed.
	SetFaults(target string, all []Fault) error
	// Pods returns the Pods that have a network of their own, "default/web", by name.
	Pods() []string
}
