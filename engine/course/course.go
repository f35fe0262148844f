// Package course plays a lesson. [Machine] is its core: a deterministic state machine without I/O, clock or goroutines,
// to which events and a learner's wishes go in and from which effects come out. [Session] connects a machine with a lab.
//
// tui and cmd import it. It imports engine, engine/{trace,check,progress} and lessons/schema, and reaches neither
// Kubernetes nor kubectl: who makes a [Session] hands that in.
package course

import (
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Input is something that a [Machine] is told.
type Input interface{ input() }

// The inputs of a [Machine].
type (
	// Start begins the lesson, or, with the ID of a step, goes on there: the steps before are played again by themselves,
	// so that the cluster is as that step needs it.
	Start struct{ Step string }
	// Events are what happened in the lab, by Seq.
	Events struct{ Events []trace.Event }
	// Held is what the gate holds.
	Held struct{ Held []trace.Held }
	// Choose answers the step's prediction.
	Choose struct{ Option string }
	// Next goes on when the step has been passed.
	Next struct{}
	// Hint shows the next rung of the ladder.
	Hint struct{}
	// Solution shows the commands of the reference solution.
	Solution struct{}
	// Solve plays them.
	Solve struct{}
	// Skip plays them and goes on to the next step.
	Skip struct{}
	// Reset puts the cluster back to how it was when the step began.
	Reset struct{}
	// Ran says that the commands of the [Run] with this number have ended.
	Ran struct {
		ID     int
		Output string
		Failed bool
	}
)

func (Start) input()    {}
func (Events) input()   {}
func (Held) input()     {}
func (Choose) input()   {}
func (Next) input()     {}
func (Hint) input()     {}
func (Solution) input() {}
func (Solve) input()    {}
func (Skip) input()     {}
func (Reset) input()    {}
func (Ran) input()      {}

// Effect is something that a [Machine] wants done, in order.
type Effect interface{ effect() }

// The effects of a [Machine].
type (
	// Stops replaces the lesson's breakpoints.
	Stops struct{ Patterns []string }
	// Release lets go of what is held and runs on.
	Release struct{}
	// Heal mends what the lesson has broken in the lab.
	Heal struct{}
	// Run runs commands one after the other and then says [Ran].
	Run struct {
		ID       int
		Purpose  Purpose
		Commands []schema.Command
	}
	// Remove deletes what the lesson has made.
	Remove struct{ Objects []trace.Object }
	// Save keeps the state for when the program ends.
	Save struct{ State State }
)

func (Stops) effect()   {}
func (Release) effect() {}
func (Heal) effect()    {}
func (Run) effect()     {}
func (Remove) effect()  {}
func (Save) effect()    {}

// Purpose is why commands are run.
type Purpose string

// Purposes of a [Run].
const (
	ForSetup    Purpose = "setup"
	ForSolution Purpose = "solution"
)

// State is what is kept of an attempt.
type State struct {
	Lesson string            `json:"lesson"`
	Values map[string]string `json:"values,omitempty"`
	Step   string            `json:"step,omitempty"` // where to go on
	Done   bool              `json:"done,omitempty"`
	// Chosen and Truth are options of predictions, by step.
	Chosen  map[string]string `json:"chosen,omitempty"`
	Truth   map[string]string `json:"truth,omitempty"`
	Hints   map[string]int    `json:"hints,omitempty"`   // rungs seen, by step
	Helped  map[string]bool   `json:"helped,omitempty"`  // steps whose solution was seen or played
	Skipped map[string]bool   `json:"skipped,omitempty"` // steps that were skipped
}

// Phase is how far a step is.
type Phase string

// The phases of a step.
const (
	// Preparing: the cluster is brought to where the step begins.
	Preparing Phase = "preparing"
	// Asking: the prediction waits for an answer.
	Asking Phase = "asking"
	// Doing: the checks wait.
	Doing Phase = "doing"
	// Passed: the step is done; [Next] goes on.
	Passed Phase = "passed"
	// Ended: the lesson is.
	Ended Phase = "ended"
)

// View is what there is to show of a lesson.
type View struct {
	Generation uint64
	Step       *schema.Step // nil before the first and after the last
	Index      int          // from 0
	Total      int
	Phase      Phase
	Checks     []CheckView
	Chosen     string // the prediction's option; empty when it was not answered
	Truth      string // the right option, when it is known
	Hints      []schema.Text
	// Do is what the learner is asked to type, with the values of insertions; empty when it is to be found out.
	Do       []schema.Command
	Solution []schema.Command // when it has been asked for
	// Preview is set when nothing is checked, and [Next] always goes on.
	Preview bool
	// Replaying is set while earlier steps are played by themselves.
	Replaying bool
	// Running is set while the solution plays; Output is the last that kubectl printed for it.
	Running bool
	Failed  bool
	Output  string
	State   State
}

// CheckView is one check as it stands.
type CheckView struct {
	ID     string
	Label  schema.Text
	Passed bool
	Wrong  string      // what is wrong: a [schema.Wrong]'s ID or "todo"; empty when passed
	Say    schema.Text // the words for that
	Err    error       // why the expression had no value; for those who prove lessons
}
