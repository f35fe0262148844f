package schema

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

func (ld *loader) question(n *yaml.Node) *Question {
	o := ld.object(n, "a question", "id", "kind", "live", "truth", "topic", "options", "answer", "tolerance", "pairs", "wrong", "see")
	o.need("id", "kind")
	q := &Question{ID: o.word("id"), Pos: o.pos(n), Ask: Text{}, Why: Text{}}
	o.what = "question " + q.ID
	q.Kind = o.choice("kind", "", Kinds)
	q.Live, q.Truth = o.boolean("live"), o.expr("truth")
	q.Topic = o.word("topic")
	if q.Topic == "" && len(ld.l.Topics) > 0 {
		q.Topic = ld.l.Topics[0]
	}
	q.Options = ld.options(o)
	switch {
	case q.Live && q.Truth.IsZero():
		o.report(q.Pos, "add truth", "%s is live and has no truth", o.what)
	case !q.Live && !q.Truth.IsZero() && !o.has("answer"):
		o.report(q.Pos, `add "live: true", or an answer that proving compares with it`, "%s has a truth and is not live", o.what)
	case q.Live && o.has("answer"):
		o.report(q.Pos, "remove answer: truth gives it", "%s is live and has an answer", o.what)
	case q.Live && (q.Kind == Match || q.Kind == Order):
		o.report(q.Pos, "use one, several, number or text", "%s is live and of the kind %s", o.what, q.Kind)
	}
	ld.answer(o, q)
	ld.see(o, q)
	return q
}

// fits reports keys that a kind has no use for.
func (o object) fits(kind string, wants ...string) {
	for _, key := range []string{"options", "answer", "tolerance", "pairs", "wrong"} {
		switch {
		case o.has(key) && !contains(wants, key):
			o.report(o.pos(o.at[key]), "remove it", "a question of the kind %s has no %s", kind, key)
		}
	}
}

func (ld *loader) answer(o object, q *Question) {
	if !q.Live {
		switch q.Kind {
		case One, Several, Number, TextKey, Order:
			o.need("answer")
		}
	}
	switch q.Kind {
	case One:
		o.fits(q.Kind, "options", "answer")
		o.need("options")
		if a := o.word("answer"); a != "" {
			q.Answer = []string{a}
		}
	case Several, Order:
		o.fits(q.Kind, "options", "answer")
		o.need("options")
		q.Answer = o.words("answer")
	case Number:
		o.fits(q.Kind, "answer", "tolerance", "wrong")
		q.Number, q.Tolerance = o.number("answer"), o.number("tolerance")
		if q.Tolerance < 0 {
			o.report(q.Pos, "write 0 or more", "the tolerance of %s is below 0", o.what)
		}
		ld.wrongAnswers(o, q)
	case TextKey:
		o.fits(q.Kind, "answer", "wrong")
		for _, item := range o.list("answer") {
			if s := o.scalar(item, "an answer"); s != "" {
				q.Answer = append(q.Answer, s)
			}
		}
		ld.wrongAnswers(o, q)
	case Match:
		o.fits(q.Kind, "pairs")
		o.need("pairs")
		p := ld.object(o.m["pairs"], "pairs")
		q.Pairs = map[string]string{}
		for _, left := range p.keys {
			q.Pairs[left] = p.word(left)
			for _, id := range []string{left, q.Pairs[left]} {
				if !hasOption(q.Options, id) {
					q.Options = append(q.Options, Option{ID: id, Text: Text{}, Feedback: Text{}})
				}
			}
		}
		if len(q.Pairs) == 1 {
			o.report(q.Pos, "add another pair", "%s has one pair", o.what)
		}
	}
	if q.Kind == One || q.Kind == Several || q.Kind == Order {
		for _, a := range q.Answer {
			if !hasOption(q.Options, a) {
				o.report(o.pos(o.m["answer"]), oneOf(a, optionIDs(q.Options)), "the answer %q of %s is no option", a, o.what)
			}
		}
		if o.has("options") && len(q.Options) == 1 {
			o.report(q.Pos, "add another option", "%s has one option", o.what)
		}
		if q.Kind == Order && !q.Live && len(q.Answer) != len(q.Options) {
			o.report(q.Pos, "name every option in answer, in the right order", "the answer of %s leaves options out", o.what)
		}
		if q.Kind == Several && !q.Live && len(q.Answer) == len(q.Options) && len(q.Options) > 0 {
			o.report(q.Pos, "add an option that is wrong", "every option of %s is right", o.what)
		}
	}
}

// wrongAnswers reads answers that get words of their own.
func (ld *loader) wrongAnswers(o object, q *Question) {
	w := ld.object(o.m["wrong"], "wrong")
	q.Wrong = map[string]string{}
	for _, id := range w.keys {
		value := w.str(id)
		if !isID(id) {
			o.report(o.pos(w.at[id]), "use lower-case letters, digits and dashes", "the id %q in wrong is no name", id)
			continue
		}
		if q.Kind == Number {
			x, err := strconv.ParseFloat(value, 64)
			if err != nil {
				o.report(o.pos(w.m[id]), "write a number", "the wrong answer %q of %s is none", value, o.what)
				continue
			}
			if !q.Live && x >= q.Number-q.Tolerance && x <= q.Number+q.Tolerance {
				o.report(o.pos(w.m[id]), "choose another", "the wrong answer %q of %s is right", value, o.what)
			}
		} else if slices.Contains(q.Answer, value) {
			o.report(o.pos(w.m[id]), "choose another", "the wrong answer %q of %s is right", value, o.what)
		}
		q.Wrong[id] = value
		q.Options = append(q.Options, Option{ID: id, Text: Text{}, Feedback: Text{}})
	}
}

func (ld *loader) see(o object, q *Question) {
	if !o.has("see") {
		o.report(q.Pos, `add "see: {step: ...}", {lesson: ...} or {event: "..."}`, "%s does not say where the answer can be seen", o.what)
		return
	}
	s := ld.object(o.m["see"], "see", "step", "lesson", "event")
	q.See = See{s.word("step"), s.word("lesson"), s.str("event"), s.pos(o.m["see"])}
	if q.See.Step == "" {
		return
	}
	if _, i := ld.l.Step(q.See.Step); i < 0 {
		var ids []string
		for _, x := range ld.l.Steps {
			ids = append(ids, x.ID)
		}
		s.report(q.See.Pos, oneOf(q.See.Step, ids), "%s refers to step %q, which is not there", o.what, q.See.Step)
	}
}
