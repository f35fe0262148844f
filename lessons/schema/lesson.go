// Package schema is the form of a lesson: one folder with lesson.yaml, en.md, zh.md and manifests. It reads such folders
// strictly: whatever is unknown, missing, doubled or refers to nothing is a [Problem] with file, line and what to write
// instead. lessons/README.md describes the form for those who write lessons.
//
// What an expression or a gate pattern means is not known here; engine/course/lint looks at those. Anybody may import
// this package; it does no I/O but through the fs.FS it is given.
package schema

import "maps"

// Version is the only value that lesson.yaml's format may have.
const Version = 1

// Languages are those that every lesson is written in. The first is the one that others are compared with.
var Languages = []string{"en", "zh"}

// Text is the same words in each of [Languages], as Markdown. It may hold {{ expressions }}.
type Text map[string]string

// In returns the text in a language, or in the first of [Languages] when it is not in that one.
func (t Text) In(lang string) string {
	if s, ok := t[lang]; ok {
		return s
	}
	return t[Languages[0]]
}

// Pos is a place in a lesson's folder.
type Pos struct {
	File string `json:"file"` // relative to the folder's parent: "first-pod/lesson.yaml"
	Line int    `json:"line"` // from 1
}

// Expr is a CEL expression; see engine/check for what it may use.
type Expr struct {
	Source string
	Pos    Pos
}

// IsZero reports whether there is no expression.
func (e Expr) IsZero() bool { return e.Source == "" }

// Command is one run of kubectl, or something to break or mend in the lab.
type Command struct {
	// Line is as it was written: "kubectl run web --image=kubestep.dev/web:v1", "kubestep fault cut node-2".
	Line string
	Args []string // without "kubectl"; what follows "--" may hold {{ expressions }}, as Line then does
	// Fault is what follows "kubestep fault"; Args is nil then. It may hold {{ expressions }}.
	Fault []string
	Pos   Pos
}

// Lesson is one lesson. It must not be changed.
type Lesson struct {
	ID       string
	Level    string // one of Levels
	Track    string // one of Tracks; empty for none of them
	Minutes  int
	Topics   []string
	Requires []string // IDs of lessons to do before
	Title    Text
	Intro    Text
	// Objectives are what a learner can do afterwards, by language.
	Objectives map[string][]string
	Lab        Lab
	// Follow are Pods all of whose packets are reported while the lesson lasts: "NAMESPACE/NAME".
	Follow []string
	Vars   []Var
	Steps  []*Step
	Quiz   []*Question
	// Values are what the variables stand for in this copy; see [Lesson.With].
	Values map[string]string

	dir   string
	files map[string][]byte // the folder's files as they are, by name
}

// Levels are how much a lesson asks for.
var Levels = []string{"beginner", "intermediate", "advanced"}

// Tracks are the parts of the course, in the order in which a learner best takes them.
var Tracks = []string{"start", "pods", "controllers", "scheduling", "network", "control-plane", "nodes", "operations"}

// Lab is the cluster that a lesson needs.
type Lab struct {
	Nodes   int    // at least so many; default 3
	Runtime string // "any", "inproc", "containerd"
	Network string // "any", "none", or the way from node to node: "vxlan", "host-gw"
	Seed    int64
}

// Var is a variable that is drawn for each attempt. ${name} stands for it everywhere in the folder.
type Var struct {
	Name   string
	Values []string
	Pos    Pos
}

// Step is one step of a lesson.
type Step struct {
	ID    string
	Pos   Pos
	Next  string // the ID of the step that follows; empty at the end
	Title Text
	Body  Text
	// Do is what the learner is asked to type.
	Do []Command
	// Hidden is set when the learner shall find Do without being told.
	Hidden bool
	// Setup is run before the step begins: a fault to find.
	Setup []Command
	// Stop holds gate patterns: the lab runs on until an event matches one, and that is held.
	Stop []Expr
	// Keep leaves what the step before has stopped at where it is.
	Keep    bool
	View    string // one of Views, empty for the one before
	Predict *Predict
	Checks  []*Check
	Hints   []Hint
	Solve   []Command
	// Attempts are wrong ways that the checks must tell from the right one.
	Attempts []Attempt
	Why      Text
	// Facts are what the texts of the step claim: proving finds out whether they are true when it has been passed.
	Facts []Expr
}

// Views are what the screen can show beside the text.
var Views = []string{"map", "trace", "packets", "dns", "rollout", "scheduler", "etcd", "objects"}

// Predict is a question that is answered before it happens.
type Predict struct {
	Question Text
	Options  []Option
	// Answer is the ID of the right option when it is the same in every run.
	Answer string
	// Truth gives the ID of the right option from what happened.
	Truth Expr
	Pos   Pos
}

// Option is one answer to choose, with what to say to who chose it.
type Option struct {
	ID       string
	Text     Text
	Feedback Text // may be empty for a right answer
}

// Check is one thing that must be true for a step to be done.
type Check struct {
	ID string
	// Edge is set when it is enough that it was true once, else it must be true at the end.
	Edge  bool
	That  Expr
	Label Text // what is to be reached
	Todo  Text // what to say when none of Wrong fits
	Wrong []Wrong
	Pos   Pos
}

// Wrong is one way of being wrong.
type Wrong struct {
	ID   string
	When Expr
	Say  Text
}

// Hint is one rung of the ladder.
type Hint struct {
	After string // the Wrong to which it is the answer; empty for any
	Text  Text
}

// Attempt is a wrong way to do a step, for proving.
type Attempt struct {
	Run    []Command
	Expect string // the Wrong that must be said, or "todo"
	Undo   []Command
	Pos    Pos
}

// Kinds of questions.
const (
	One     = "one"
	Several = "several"
	Number  = "number"
	TextKey = "text"
	Order   = "order"
	Match   = "match"
)

// Kinds are the forms that an answer can have.
var Kinds = []string{One, Several, Number, TextKey, Order, Match}

// Question is one question of the quiz.
type Question struct {
	ID   string
	Kind string // one of Kinds: the form of the answer
	// Live is set when the answer is Truth's value in the learner's own lab. Otherwise Truth, when there is one, is what
	// proving compares the answer with.
	Live    bool
	Truth   Expr
	Topic   string
	Ask     Text
	Options []Option
	// Answer are option IDs for one, several and order; what is accepted for text.
	Answer    []string
	Number    float64
	Tolerance float64
	// Pairs are what belongs together for match: option IDs.
	Pairs map[string]string
	// Wrong are answers to number and text that get words of their own: the option with the ID has them as feedback.
	Wrong map[string]string
	See   See
	Why   Text
	Pos   Pos
}

// See is where an answer can be looked up.
type See struct {
	Step   string // of this lesson
	Lesson string
	Event  string // a gate pattern
	Pos    Pos
}

// File returns a file of the folder with variables filled in.
func (l *Lesson) File(name string) ([]byte, bool) {
	raw, ok := l.files[name]
	if !ok {
		return nil, false
	}
	return substitute(raw, l.Values), true
}

// Manifests returns the names of the files that are for kubectl.
func (l *Lesson) Manifests() []string {
	var names []string
	for name := range maps.Keys(l.files) {
		if isManifest(name) {
			names = append(names, name)
		}
	}
	return sorted(names)
}

// Step returns the step with an ID and its index, -1 when there is none.
func (l *Lesson) Step(id string) (*Step, int) {
	for i, s := range l.Steps {
		if s.ID == id {
			return s, i
		}
	}
	return nil, -1
}
