package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// networks are what a lesson may ask for: that Pods reach each other, by what way, or that they need not.
var networks = []string{"any", "none", "vxlan", "host-gw"}

// lesson reads lesson.yaml.
func (ld *loader) lesson(root *yaml.Node) {
	l := ld.l
	o := ld.object(root, "the lesson", "format", "id", "level", "track", "minutes", "topics", "requires", "lab", "follow", "vars", "steps", "quiz")
	o.need("format", "id", "minutes", "topics", "steps")
	if f := o.str("format"); f != "" && f != fmt.Sprint(Version) {
		o.report(o.pos(o.m["format"]), fmt.Sprintf("write %d", Version), "format %q is not known to this program", f)
	}
	l.ID = o.word("id")
	if l.ID != "" && l.ID != l.dir {
		o.report(o.pos(o.m["id"]), "name both the same", "the id %q is not the folder's name %q", l.ID, l.dir)
	}
	l.Level = o.choice("level", Levels[0], Levels)
	l.Track = o.choice("track", "", Tracks)
	l.Minutes = o.integer("minutes", 0, 1, 180)
	l.Topics, l.Requires = o.words("topics"), o.words("requires")
	lab := o.object(o.m["lab"], "lab", "nodes", "runtime", "network", "seed")
	l.Lab = Lab{
		Nodes: lab.integer("nodes", 3, 1, 200), Runtime: lab.choice("runtime", "any", []string{"any", "inproc", "containerd"}),
		Network: lab.choice("network", "none", networks), Seed: int64(lab.integer("seed", 0, 0, 1<<30)),
	}
	l.Follow = ld.follow(o)
	for _, n := range o.list("steps") {
		if s := ld.step(n); s.ID != "" {
			if first, i := l.Step(s.ID); i >= 0 {
				ld.report(s.Pos, "give each its own id", "two steps have the id %q; the first is on line %d", s.ID, first.Pos.Line)
			}
			l.Steps = append(l.Steps, s)
		}
	}
	ld.order()
	for _, n := range o.list("quiz") {
		if q := ld.question(n); q.ID != "" {
			if slices.ContainsFunc(l.Quiz, func(x *Question) bool { return x.ID == q.ID }) {
				ld.report(q.Pos, "give each its own id", "two questions have the id %q", q.ID)
			}
			l.Quiz = append(l.Quiz, q)
		}
	}
}

// podName is a Pod of the namespace default, or one with its namespace.
var podName = regexp.MustCompile(`^([a-z0-9][-a-z0-9]*/)?[a-z0-9][-a-z0-9.]*$`)

func (ld *loader) follow(o object) []string {
	var pods []string
	for _, n := range o.list("follow") {
		pod := o.scalar(n, "a Pod of follow")
		switch {
		case pod == "":
			continue
		case !podName.MatchString(pod):
			ld.report(ld.pos(n), "write NAME, or NAMESPACE/NAME", "%q is no Pod", pod)
		case !strings.Contains(pod, "/"):
			pod = "default/" + pod
		}
		pods = append(pods, pod)
	}
	return pods
}

func (ld *loader) step(n *yaml.Node) *Step {
	o := ld.object(n, "a step", "id", "next", "do", "hidden", "setup", "stop", "keep", "view", "predict", "check", "solve", "attempts", "facts")
	o.need("id")
	s := &Step{ID: o.word("id"), Pos: o.pos(n)}
	o.what = "step " + s.ID
	s.Next, s.Hidden, s.Keep = o.word("next"), o.boolean("hidden"), o.boolean("keep")
	s.View = o.choice("view", "", Views)
	s.Do, s.Setup, s.Solve = ld.commands(o, "do"), ld.commands(o, "setup"), ld.commands(o, "solve")
	if o.has("solve") == o.has("do") && o.has("do") && sameCommands(s.Solve, s.Do) {
		o.report(o.pos(o.at["solve"]), "leave solve out: it is what do says", "solve repeats do")
	}
	if !o.has("solve") {
		s.Solve = s.Do
	}
	for _, item := range o.list("stop") {
		if text := o.scalar(item, "a pattern of stop"); text != "" {
			s.Stop = append(s.Stop, Expr{text, o.pos(item)})
		}
	}
	for _, item := range o.list("facts") {
		if text := o.scalar(item, "a fact"); text != "" {
			s.Facts = append(s.Facts, Expr{strings.TrimSpace(text), o.pos(item)})
		}
	}
	if o.has("predict") {
		s.Predict = ld.predict(o.m["predict"])
	}
	for _, item := range o.list("check") {
		c := ld.check(item)
		if slices.ContainsFunc(s.Checks, func(x *Check) bool { return x.ID == c.ID }) && c.ID != "" {
			ld.report(c.Pos, "give each its own id", "step %s has two checks %q", s.ID, c.ID)
		}
		s.Checks = append(s.Checks, c)
	}
	for _, item := range o.list("attempts") {
		s.Attempts = append(s.Attempts, ld.attempt(item, s))
	}
	switch {
	case s.Keep && len(s.Stop) > 0:
		o.report(o.pos(o.at["keep"]), "leave keep out, or move the stops to the next step", "step %s keeps what is held and has stops of its own", s.ID)
	case len(s.Checks) == 0 && (len(s.Do) > 0 || len(s.Solve) > 0 || len(s.Stop) > 0):
		o.report(s.Pos, "add a check", "step %s makes something happen and checks nothing", s.ID)
	case len(s.Checks) > 0 && len(s.Solve) == 0 && len(s.Stop) == 0 && s.Predict == nil:
		o.report(s.Pos, "add do or solve", "nothing says how the checks of step %s are passed", s.ID)
	}
	return s
}

func sameCommands(a, b []Command) bool {
	return slices.EqualFunc(a, b, func(x, y Command) bool { return x.Line == y.Line })
}

func (ld *loader) commands(o object, key string) []Command {
	var out []Command
	for _, n := range o.list(key) {
		line := o.scalar(n, "a command of "+key)
		if line == "" {
			continue
		}
		c, err := parseCommand(line, ld.manifests)
		if err != nil {
			ld.report(ld.pos(n), err.Error(), "%q cannot be run", line)
			continue
		}
		for _, m := range ld.manifests {
			if slices.ContainsFunc(c.Args, func(a string) bool { return a == m || len(a) > len(m) && a[len(a)-len(m)-1:] == "="+m }) {
				ld.used[m] = true
			}
		}
		c.Pos = ld.pos(n)
		out = append(out, c)
	}
	return out
}

func (ld *loader) predict(n *yaml.Node) *Predict {
	o := ld.object(n, "predict", "options", "answer", "truth")
	o.need("options", "truth")
	p := &Predict{Answer: o.word("answer"), Truth: o.expr("truth"), Pos: o.pos(n)}
	p.Options = ld.options(o)
	if len(p.Options) == 1 {
		o.report(p.Pos, "add another option", "a prediction with one option is no question")
	}
	if p.Answer != "" && !hasOption(p.Options, p.Answer) {
		o.report(o.pos(o.m["answer"]), oneOf(p.Answer, optionIDs(p.Options)), "the answer %q is no option", p.Answer)
	}
	return p
}

func (ld *loader) options(o object) []Option {
	var out []Option
	for _, id := range o.words("options") {
		out = append(out, Option{ID: id, Text: Text{}, Feedback: Text{}})
	}
	return out
}

func hasOption(options []Option, id string) bool { return contains(optionIDs(options), id) }

func optionIDs(options []Option) []string {
	var ids []string
	for _, o := range options {
		ids = append(ids, o.ID)
	}
	return ids
}

func (ld *loader) check(n *yaml.Node) *Check {
	o := ld.object(n, "a check", "id", "kind", "that", "wrong")
	o.need("id", "that")
	c := &Check{ID: o.word("id"), That: o.expr("that"), Pos: o.pos(n), Label: Text{}, Todo: Text{}}
	c.Edge = o.choice("kind", "level", []string{"level", "edge"}) == "edge"
	for _, item := range o.list("wrong") {
		w := ld.object(item, "a way of being wrong", "id", "when")
		w.need("id", "when")
		x := Wrong{ID: w.word("id"), When: w.expr("when"), Say: Text{}}
		switch {
		case x.ID == "todo":
			ld.report(ld.pos(item), "choose another id", `"todo" stands for when none of the others fits`)
		case slices.ContainsFunc(c.Wrong, func(y Wrong) bool { return y.ID == x.ID }):
			ld.report(ld.pos(item), "give each its own id", "check %s has %q twice", c.ID, x.ID)
		}
		c.Wrong = append(c.Wrong, x)
	}
	return c
}

func (ld *loader) attempt(n *yaml.Node, s *Step) Attempt {
	o := ld.object(n, "an attempt", "run", "expect", "undo")
	o.need("run", "expect")
	a := Attempt{Run: ld.commands(o, "run"), Expect: o.word("expect"), Undo: ld.commands(o, "undo"), Pos: o.pos(n)}
	known := []string{"todo"}
	for _, c := range s.Checks {
		for _, w := range c.Wrong {
			known = append(known, w.ID)
		}
	}
	if a.Expect != "" && !contains(known, a.Expect) {
		o.report(o.pos(o.m["expect"]), oneOf(a.Expect, known), "no check of step %s says %q", s.ID, a.Expect)
	}
	return a
}

// order follows the steps from the first one and reports those that are never reached and those that lead back.
func (ld *loader) order() {
	steps := ld.l.Steps
	index := map[string]int{}
	for i, s := range steps {
		index[s.ID] = i
	}
	for i, s := range steps {
		switch {
		case s.Next == "" && i+1 < len(steps):
			s.Next = steps[i+1].ID
		case s.Next == "end":
			s.Next = ""
		case s.Next != "":
			if _, ok := index[s.Next]; !ok {
				ld.report(s.Pos, oneOf(s.Next, append(keys(index), "end")), "step %s is followed by %q, which is no step", s.ID, s.Next)
				return
			}
		}
	}
	seen := map[string]bool{}
	for at := 0; len(steps) > 0; {
		s := steps[at]
		if seen[s.ID] {
			ld.report(s.Pos, "let next name a later step", "step %s is reached a second time: the lesson would not end", s.ID)
			return
		}
		seen[s.ID] = true
		if s.Next == "" {
			break
		}
		at = index[s.Next]
	}
	for _, s := range steps {
		if !seen[s.ID] {
			ld.report(s.Pos, "let a step's next name it, or remove it", "step %s is never reached", s.ID)
		}
	}
}
