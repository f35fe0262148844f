package course

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Lint reports what package schema cannot know to be wrong: expressions, patterns and what texts insert. It is instant
// and needs no lab; engine/course/prove finds out whether they are true.
func Lint(l *schema.Lesson) schema.Problems {
	ln := &linter{world: check.NewWorld()}
	for _, s := range Path(l) {
		ln.step(s)
	}
	for _, q := range l.Quiz {
		ln.expr(q.Truth, check.Any)
		if q.See.Event != "" {
			ln.pattern(schema.Expr{Source: q.See.Event, Pos: q.See.Pos})
		}
		ln.text(q.Pos, q.Ask, q.Why)
		for _, o := range q.Options {
			ln.text(q.Pos, o.Text, o.Feedback)
		}
	}
	return ln.problems
}

type linter struct {
	world    *check.World
	problems schema.Problems
}

func (ln *linter) report(at schema.Pos, fix, what string, args ...any) {
	p := schema.Problem{Pos: at, What: fmt.Sprintf(what, args...), Fix: fix}
	if !slices.Contains(ln.problems, p) {
		ln.problems = append(ln.problems, p)
	}
}

func (ln *linter) step(s *schema.Step) {
	for _, p := range s.Stop {
		ln.pattern(p)
	}
	for _, c := range commandsOf(s) {
		ln.command(c)
	}
	seen := map[string]string{}
	for _, c := range s.Checks {
		ln.expr(c.That, check.Boolean)
		if first, ok := seen[c.That.Source]; ok {
			ln.report(c.That.Pos, "remove one", "check %s says the same as %s", c.ID, first)
		}
		seen[c.That.Source] = c.ID
		if fixed(c.That.Source, ln.world) {
			ln.report(c.That.Pos, "let it read objects or events", "check %s does not depend on the cluster", c.ID)
		}
		for _, w := range c.Wrong {
			ln.expr(w.When, check.Boolean)
			if fixed(w.When.Source, ln.world) {
				ln.report(w.When.Pos, "let it read objects or events", "%s does not depend on the cluster", w.ID)
			}
			if !slices.ContainsFunc(s.Attempts, func(a schema.Attempt) bool { return a.Expect == w.ID }) {
				ln.report(w.When.Pos, "add an attempt that ends so, to attempts", "nothing shows that %q is ever said", w.ID)
			}
			ln.text(w.When.Pos, w.Say)
		}
		ln.text(c.Pos, c.Label, c.Todo)
	}
	for _, f := range s.Facts {
		ln.expr(f, check.Boolean)
		if fixed(f.Source, ln.world) {
			ln.report(f.Pos, "let it read objects or events", "this fact does not depend on the cluster")
		}
	}
	ln.text(s.Pos, s.Title, s.Body, s.Why)
	for _, h := range s.Hints {
		ln.text(s.Pos, h.Text)
	}
	if s.Predict != nil {
		ln.expr(s.Predict.Truth, check.Any)
		if fixed(s.Predict.Truth.Source, ln.world) {
			ln.report(s.Predict.Truth.Pos, "compute it from objects or events, so that proving can find it wrong", "the truth of the prediction does not depend on the cluster")
		}
		ln.text(s.Predict.Pos, s.Predict.Question)
		for _, o := range s.Predict.Options {
			ln.text(s.Predict.Pos, o.Text, o.Feedback)
		}
	}
}

// fixed reports whether an expression has the same value in every cluster.
func fixed(source string, w *check.World) bool {
	x, err := w.Compile(source, check.Any)
	return err == nil && !x.Reads()
}

func (ln *linter) expr(e schema.Expr, want *cel.Type) {
	if e.IsZero() {
		return
	}
	if _, err := ln.world.Compile(e.Source, want); err != nil {
		ln.report(e.Pos, "see \"Expressions\" in lessons/README.md", "%s: %v", shorten(e.Source), err)
	}
}

func (ln *linter) pattern(e schema.Expr) {
	if _, err := gate.Parse(e.Source); err != nil {
		ln.report(e.Pos, "see \"Patterns\" in lessons/README.md", "%v", err)
	}
}

func (ln *linter) command(c schema.Command) {
	if _, err := ln.world.Template(c.Line); err != nil {
		ln.report(c.Pos, "see \"Expressions\" in lessons/README.md", "%v", err)
	}
	if c.Fault == nil {
		return
	}
	if _, err := engine.ParseFault(inserted(c.Fault)); err != nil {
		ln.report(c.Pos, "see \"Faults\" in lessons/README.md", "%q: %v", c.Line, err)
	}
}

// inserted returns the words of a fault with some name for each insertion: what it will be is known when it runs.
func inserted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		before, rest, found := strings.Cut(w, "{{")
		if found {
			_, after, _ := strings.Cut(rest, "}}")
			w = before + fmt.Sprintf("inserted-%d", i) + after
		}
		out[i] = w
	}
	return out
}

func (ln *linter) text(at schema.Pos, texts ...schema.Text) {
	for _, t := range texts {
		for _, lang := range schema.Languages {
			if _, err := ln.world.Template(t[lang]); err != nil {
				ln.report(at, "correct it in "+lang+".md", "text in %s.md: %v", lang, err)
			}
		}
	}
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}
