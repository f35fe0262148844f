package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/trace"
)

// costLimit bounds one evaluation, in CEL's units: expressions may come from anybody.
const costLimit = 1_000_000

// Expression is a compiled CEL expression that belongs to one [World]. It is not safe for concurrent use.
//
// Expressions may use:
//
//	object(KIND, NAME)              the object, an empty map when it is not there
//	object(KIND, NAMESPACE, NAME)
//	objects(KIND)                   those in namespace default, or of the cluster, by name
//	objects(KIND, NAMESPACE)        "*" for every namespace
//	objects(KIND, NAMESPACE, LABELS) those with these labels: "app=web", "app=web,tier=front"
//	events(PATTERN)                 events since the attempt began that match a gate pattern, by seq
//	stepEvents(PATTERN)             those since the step began
//	held(PATTERN)                   what the gate holds now, in the order of release
//	why(EVENT)                      the event and its causes, the first cause last
//
// KIND and PATTERN are literal strings. Events have the fields that `kubestep trace --json` prints, and component, node,
// ms and status. Optional fields are read with .?field and .orValue(x).
type Expression struct {
	source  string
	world   *World
	program cel.Program
	reads   []string // keys of World.changed
	at      uint64   // generation of the last evaluation, 0 for none
	value   ref.Val
	err     error
}

// Boolean and Any say what an expression must give.
var (
	Boolean = cel.BoolType
	Any     = cel.DynType
)

// Compile compiles an expression for w. The error says where in the source it is wrong.
func (w *World) Compile(source string, want *cel.Type) (*Expression, error) {
	env, err := w.environment()
	if err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	checked, issues := env.Compile(source)
	if issues != nil && issues.Err() != nil {
		var lines []string
		for _, e := range issues.Errors() {
			lines = append(lines, fmt.Sprintf("column %d: %s", e.Location.Column()+1, strings.TrimSpace(e.Message)))
		}
		return nil, errors.New(strings.Join(lines, "; "))
	}
	if got := checked.OutputType(); !want.IsExactType(cel.DynType) && !got.IsExactType(want) && !got.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("gives %s, not %s", got, want)
	}
	x := &Expression{source: source, world: w}
	if x.reads, err = w.dependencies(checked.NativeRep()); err != nil {
		return nil, err
	}
	if x.program, err = env.Program(checked, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(1000)); err != nil {
		return nil, err
	}
	return x, nil
}

// literalFirst are the functions whose first argument must be literal, and what it is.
var literalFirst = map[string]string{"object": "kind", "objects": "kind", "events": "event", "stepEvents": "event", "held": "held"}

// dependencies finds what an expression reads.
func (w *World) dependencies(checked *ast.AST) ([]string, error) {
	var (
		reads []string
		bad   error
	)
	add := func(key string) {
		if !slices.Contains(reads, key) {
			reads = append(reads, key)
		}
	}
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || bad != nil {
			return
		}
		call := e.AsCall()
		what, ok := literalFirst[call.FunctionName()]
		if !ok || len(call.Args()) == 0 {
			return
		}
		literal, isString := literalString(call.Args(), 0)
		if !isString {
			bad = fmt.Errorf("the first argument of %s must be a string in quotes", call.FunctionName())
			return
		}
		switch what {
		case "kind":
			if literal == "" || strings.ToLower(literal[:1]) == literal[:1] {
				bad = fmt.Errorf("%s(%q): write the kind as in a manifest, such as \"Pod\"", call.FunctionName(), literal)
				return
			}
			add("kind:" + strings.ToLower(literal))
			if labels, ok := literalString(call.Args(), 2); ok && call.FunctionName() == "objects" {
				if _, err := parseSelector(labels); err != nil {
					bad = err
					return
				}
			}
		case "event":
			if _, err := w.watch(literal); err != nil {
				bad = err
				return
			}
			add("event:" + literal)
			if call.FunctionName() == "stepEvents" {
				add("step")
			}
		case "held":
			if _, err := gate.Parse(literal); err != nil {
				bad = err
				return
			}
			add("held")
		}
	}))
	return reads, bad
}

// literalString returns an argument that is written out in quotes.
func literalString(args []ast.Expr, i int) (string, bool) {
	if i >= len(args) || args[i].Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := args[i].AsLiteral().Value().(string)
	return s, ok
}

// Stale reports whether something that x reads has changed since its last evaluation.
func (x *Expression) Stale() bool {
	if x.at == 0 {
		return true
	}
	for _, key := range x.reads {
		if x.world.changed[key] > x.at {
			return true
		}
	}
	return false
}

// Value returns the value now, evaluating only when it is stale.
func (x *Expression) Value() (any, error) {
	if x.Stale() {
		x.at = x.world.gen
		x.value, _, x.err = x.program.Eval(map[string]any{})
	}
	if x.err != nil {
		return nil, x.err
	}
	return native(x.value), nil
}

// True reports whether the value is true. An expression that fails, as on a field that is not there yet, is not true;
// the error is for those who prove lessons.
func (x *Expression) True() (bool, error) {
	v, err := x.Value()
	b, ok := v.(bool)
	if err == nil && !ok {
		err = fmt.Errorf("%s gives %v, neither true nor false", x.source, v)
	}
	return b && err == nil, err
}

// Source returns the expression as it was written.
func (x *Expression) Source() string { return x.source }

func native(v ref.Val) any {
	switch v := v.(type) {
	case types.Bool:
		return bool(v)
	case types.String:
		return string(v)
	case types.Int:
		return int64(v)
	case types.Uint:
		return int64(v) //nolint:gosec // lessons count small things
	case types.Double:
		return float64(v)
	}
	if list, ok := v.(interface {
		Size() ref.Val
		Get(ref.Val) ref.Val
	}); ok {
		if n, ok := list.Size().(types.Int); ok && v.Type() == types.ListType {
			out := make([]any, 0, int(n))
			for i := range int(n) {
				out = append(out, native(list.Get(types.Int(i))))
			}
			return out
		}
	}
	return v.Value()
}

// environment is what expressions of w can use.
func (w *World) environment() (*cel.Env, error) {
	list, object := cel.ListType(cel.DynType), cel.MapType(cel.StringType, cel.DynType)
	str := cel.StringType
	function := func(name string, result *cel.Type, f func(args []string) (any, error), arities ...int) cel.EnvOption {
		var overloads []cel.FunctionOpt
		for _, n := range arities {
			params := slices.Repeat([]*cel.Type{str}, n)
			overloads = append(overloads, cel.Overload(fmt.Sprintf("%s_%d", name, n), params, result,
				cel.FunctionBinding(func(args ...ref.Val) ref.Val {
					words := make([]string, len(args))
					for i, a := range args {
						words[i], _ = a.Value().(string)
					}
					v, err := f(words)
					if err != nil {
						return types.WrapErr(err)
					}
					return types.DefaultTypeAdapter.NativeToValue(v)
				})))
		}
		return cel.Function(name, overloads...)
	}
	return cel.NewEnv(
		cel.OptionalTypes(), ext.Bindings(), ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(), cel.CrossTypeNumericComparisons(true),
		function("object", object, w.object, 2, 3),
		function("objects", list, w.list, 1, 2, 3),
		function("events", list, func(a []string) (any, error) { return w.matching(a[0], w.start) }, 1),
		function("stepEvents", list, func(a []string) (any, error) { return w.matching(a[0], w.step) }, 1),
		function("held", list, w.holding, 1),
		cel.Function("why", cel.Overload("why_event", []*cel.Type{cel.DynType}, list, cel.UnaryBinding(w.chain))),
	)
}

func (w *World) object(args []string) (any, error) {
	kind, namespace, name := args[0], "", args[len(args)-1]
	if len(args) == 3 {
		namespace = args[1]
	}
	for _, ns := range []string{namespace, DefaultNamespace, ""} {
		if s := w.objects[id(kind, ns, name)]; s != nil {
			return s.decoded(), nil
		}
		if len(args) == 3 {
			break
		}
	}
	return map[string]any{}, nil
}

func (w *World) list(args []string) (any, error) {
	namespace := DefaultNamespace
	if len(args) > 1 {
		namespace = args[1]
	}
	var wanted selector
	if len(args) > 2 {
		var err error
		if wanted, err = parseSelector(args[2]); err != nil {
			return nil, err
		}
	}
	var found []*stored
	for _, s := range w.kinds[strings.ToLower(args[0])] {
		if (namespace == "*" || s.object.Namespace == "" || s.object.Namespace == namespace) && wanted.matches(s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *stored) int {
		return strings.Compare(a.object.Namespace+"/"+a.object.Name, b.object.Namespace+"/"+b.object.Name)
	})
	out := make([]any, len(found))
	for i, s := range found {
		out[i] = s.decoded()
	}
	return out, nil
}

func (w *World) matching(pattern string, after uint64) (any, error) {
	p, err := w.watch(pattern)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, seq := range p.seqs {
		if seq <= after {
			continue
		}
		v, err := w.events[seq].decoded()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (w *World) holding(args []string) (any, error) {
	pattern, err := gate.Parse(args[0])
	if err != nil {
		return nil, err
	}
	out := []any{}
	for i := range w.held {
		e := w.held[i].Event
		if !pattern.Match(&e) {
			continue
		}
		v, err := eventValue(&e)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// chain is why(EVENT).
func (w *World) chain(arg ref.Val) ref.Val {
	m, _ := arg.Value().(map[string]any)
	seq, ok := m["seq"].(int64)
	if !ok {
		return types.NewErr("why() takes an event")
	}
	out := []any{}
	for _, e := range trace.Why(uint64(seq), w.get) { //nolint:gosec // it came from a uint64
		v, err := w.events[e.Seq].decoded()
		if err != nil {
			return types.WrapErr(err)
		}
		out = append(out, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(out)
}

func (w *World) get(seq uint64) (trace.Event, bool) {
	s := w.events[seq]
	if s == nil {
		return trace.Event{}, false
	}
	return s.event, true
}

// Reads reports whether x reads anything of the world: if not, it always has the same value.
func (x *Expression) Reads() bool { return len(x.reads) > 0 }
