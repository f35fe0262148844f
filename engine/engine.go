// Package engine says what a lab is: the interface that screens, lessons and commands use, and what a lab needs from its
// nodes. It holds types, and how faults are written. engine/lab implements [Lab] in this process, engine/attach over a
// socket; runtime/node implements [NodeRuntime].
//
// Anybody may import it; it imports only engine/trace and the standard library, so that a screen's test compiles in
// seconds.
package engine

import (
	"context"
	"errors"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// Classes of errors that callers tell apart. They are wrapped with what was being done and what the reader can do.
var (
	// ErrInUse means that another lab has the data directory.
	ErrInUse = errors.New("in use by another lab")
	// ErrNoLab means that no lab runs where one was looked for.
	ErrNoLab = errors.New("no lab is running")
	// ErrUsage means that the caller asked for something that does not exist or makes no sense.
	ErrUsage = errors.New("wrong use")
	// ErrNotReady means that the lab cannot do this yet, or no longer.
	ErrNotReady = errors.New("lab is not ready")
	// ErrGone means that the past that was asked for has been compacted away or was never kept.
	ErrGone = errors.New("no longer kept")
)

// Lab is one cluster that can be traced, held and stepped. Its methods are safe for concurrent use.
type Lab interface {
	// Run starts the lab and blocks until ctx ends or a part fails; then it has stopped everything, in order. It is
	// called once.
	Run(ctx context.Context) error
	// Status returns how far the lab is.
	Status() Status
	// WaitStatus blocks until the status differs from the given generation, or ctx ends, whose error it then returns.
	WaitStatus(ctx context.Context, generation uint64) (Status, error)
	// Events returns what happened, as it happens.
	Events() *trace.Store
	// Debugger returns the verbs that hold and release events.
	Debugger() Debugger
	// History returns the past.
	History() History
	// Faults returns what breaks the lab on purpose.
	Faults() Faults
}

// Status says how far a lab is.
type Status struct {
	Generation uint64        `json:"-"` // grows with every change
	Phases     []Phase       `json:"phases"`
	Ready      bool          `json:"ready"`
	Stopped    bool          `json:"stopped,omitempty"`
	Error      string        `json:"error,omitempty"` // why it stopped or could not start, for a reader
	Kubeconfig string        `json:"kubeconfig,omitempty"`
	Version    string        `json:"version,omitempty"` // "v1.36.3"
	Nodes      int           `json:"nodes,omitempty"`
	Network    NetworkMode   `json:"network,omitempty"`
	Seed       int64         `json:"seed,omitempty"`
	Took       time.Duration `json:"took,omitempty"` // from Run to Ready
}

// Phase is one part of the start: "etcd", "apiserver", "controllers", "scheduler", "nodes".
type Phase struct {
	Name string        `json:"name"`
	Done bool          `json:"done"`
	Took time.Duration `json:"took,omitempty"` // from Run to the phase's end
}

// Mode is what the gate does with events that nothing else decides about.
type Mode string

const (
	// Run lets everything through but what a breakpoint matches.
	Run Mode = "run"
	// Paused holds everything that the level holds.
	Paused Mode = "paused"
)

// Level is how fine the steps are while paused.
type Level string

const (
	// Requests holds writes to the API server: the hand-overs between components.
	Requests Level = "requests"
	// Calls holds, besides, the calls of kubelets to their container runtimes that change something.
	Calls Level = "calls"
	// Hops holds, besides, each packet that is followed at each point of its path, one at a time: the network's clock
	// stands still with it. While nothing is followed, it is as Calls.
	Hops Level = "hops"
	// Deliveries holds, besides, what watches deliver and the scheduler's phases.
	Deliveries Level = "deliveries"
	// Stages holds, besides, each stage of a request inside the API server.
	Stages Level = "stages"
)

// Verb is what a debugger can be told.
type Verb string

// The verbs of a [Command].
const (
	Pause    Verb = "pause"     // hold everything that the level holds
	Continue Verb = "continue"  // release everything and run until a breakpoint
	Step     Verb = "step"      // release the oldest held event and wait until the lab has settled
	StepThis Verb = "step-this" // release the held event with Command.Held, likewise
	RunTo    Verb = "run-to"    // run until an event matches Command.Pattern, then pause with that event held
	StepIn   Verb = "in"        // one level finer
	StepOut  Verb = "out"       // one level coarser
	Break    Verb = "break"     // add Command.Pattern as a breakpoint
	Unbreak  Verb = "unbreak"   // remove it
	Follow   Verb = "follow"    // report the packets of the Pods that Command.Pattern names, such as "pod/default/client"
	Unfollow Verb = "unfollow"  // do so no more
)

// Command is one verb with what it needs.
type Command struct {
	Verb Verb `json:"verb"`
	// Held is the trace.Held.ID for StepThis.
	Held uint64 `json:"held,omitempty"`
	// Pattern is for RunTo, Break and Unbreak, Follow and Unfollow: see engine/gate for its form.
	Pattern string `json:"pattern,omitempty"`
}

// DebugState is the gate at one moment.
type DebugState struct {
	Generation  uint64       `json:"generation"` // grows with every change
	Mode        Mode         `json:"mode"`
	Level       Level        `json:"level"`
	Breakpoints []string     `json:"breakpoints,omitempty"`
	Following   []string     `json:"following,omitempty"` // Pods whose packets are reported
	RunTo       string       `json:"runTo,omitempty"`
	Held        []trace.Held `json:"held,omitempty"` // in the order in which Step releases them
}

// Debugger holds and releases events.
type Debugger interface {
	// Do carries out a command and returns the state after it. Step and StepThis return when the lab has settled: nothing
	// is under way any more, or all of it is held. An unknown pattern, verb or held event is an ErrUsage.
	Do(ctx context.Context, c Command) (DebugState, error)
	// State returns the state now.
	State() DebugState
	// WaitState blocks until the state differs from the given generation, or ctx ends, whose error it then returns.
	WaitState(ctx context.Context, generation uint64) (DebugState, error)
	// Settle blocks until nothing has happened for quiet and nothing is under way but what is held.
	Settle(ctx context.Context, quiet time.Duration) error
}

// Snapshot is what the cluster had stored at one revision.
type Snapshot struct {
	Revision int64          `json:"revision"`
	Objects  []StoredObject `json:"objects"` // by key
	Counts   map[string]int `json:"counts,omitempty"`
}

// StoredObject is one object as etcd had it.
type StoredObject struct {
	Key      string       `json:"key"`
	Object   trace.Object `json:"object"`
	Revision int64        `json:"revision"` // of its last write
	Body     *trace.Body  `json:"body"`
}

// History shows the past from the store's revisions.
type History interface {
	// At returns everything as it was right after the event with the given number, or ErrGone.
	At(ctx context.Context, seq uint64) (Snapshot, error)
	// Object returns one object as it was right after the event with the given number; ok is false when it did not exist.
	Object(ctx context.Context, o trace.Object, seq uint64) (s StoredObject, ok bool, err error)
}
