package prove

import (
	"context"
	"fmt"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/lessons/schema"
)

// claims finds out whether the facts of a step that has been passed are true, and whether its debrief has the values that
// it inserts. The last request of a step may not have been answered yet when its check is passed, as what it wrote is seen
// first: what is not so at once must be so when the lab has come to rest.
func (p *prover) claims(ctx context.Context, s *schema.Step) error {
	if untrue, err := p.untrue(s); err != nil || len(untrue) == 0 {
		return err
	}
	if err := p.session.Settle(ctx, p.Quiet); err != nil {
		return p.stuck(ctx, err, s, "the lab does not come to rest")
	}
	untrue, err := p.untrue(s)
	for _, x := range untrue {
		p.wrong(x.Pos, x.Fix, "%s", x.What)
	}
	return err
}

// untrue returns what a step claims and is not so now. The error is one that lint would have found.
func (p *prover) untrue(s *schema.Step) ([]schema.Problem, error) {
	found := p.missing(s.Pos, []schema.Text{s.Why})
	err := p.session.World(func(w *check.World) error {
		for _, f := range s.Facts {
			x, err := w.Compile(f.Source, check.Boolean)
			if err != nil {
				return err
			}
			if ok, err := x.True(); !ok {
				found = append(found, schema.Problem{Pos: f.Pos, Fix: "correct the fact, and the text that claims it",
					What: fmt.Sprintf("this is not so in step %s: %s (%v)", s.ID, f.Source, err)})
			}
		}
		return nil
	})
	return found, err
}

// texts renders what inserts values, in every language.
func (p *prover) texts(at schema.Pos, texts []schema.Text) {
	for _, x := range p.missing(at, texts) {
		p.wrong(x.Pos, x.Fix, "%s", x.What)
	}
}

// missing returns the values that texts insert and that are not there.
func (p *prover) missing(at schema.Pos, texts []schema.Text) []schema.Problem {
	var found []schema.Problem
	_ = p.session.World(func(w *check.World) error {
		for _, t := range texts {
			for _, lang := range schema.Languages {
				made, err := w.Template(t[lang])
				if err == nil {
					_, err = made.Text()
				}
				if err != nil {
					found = append(found, schema.Problem{Pos: at, What: fmt.Sprintf("text in %s.md: %v", lang, err), Fix: "correct it in " + lang + ".md"})
				}
			}
		}
		return nil
	})
	return found
}
