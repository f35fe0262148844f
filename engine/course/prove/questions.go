package prove

import (
	"context"
	"slices"
	"time"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
)

// questions finds out whether right answers get full marks and wrong ones do not.
func (p *prover) questions(ctx context.Context) error {
	if err := p.session.Settle(ctx, p.Quiet); err != nil {
		return err
	}
	p.step = StepReport{ID: "quiz"}
	began := time.Now()
	err := p.session.World(func(w *check.World) error {
		for _, q := range p.Lesson.Quiz {
			p.step.Checks++
			t, err := quiz.TruthOf(q, w)
			if err != nil {
				p.wrong(q.Pos, "correct its truth", "%v", err)
				continue
			}
			p.question(q, t)
		}
		return nil
	})
	for _, q := range p.Lesson.Quiz {
		p.texts(q.Pos, []schema.Text{q.Ask, q.Why})
	}
	p.step.Ms = time.Since(began).Milliseconds()
	p.report.Steps = append(p.report.Steps, p.step)
	if p.Told != nil {
		p.Told(p.step)
	}
	return err
}

func (p *prover) question(q *schema.Question, t quiz.Truth) {
	right := quiz.Answer(t.Options)
	switch q.Kind {
	case schema.Number:
		right = quiz.Answer{check.Format(t.Number)}
	case schema.TextKey:
		right = quiz.Answer{t.Texts[0]}
	case schema.Match:
		for l, r := range t.Pairs {
			right = append(right, l+"="+r)
		}
	}
	if j, err := quiz.Judge(q, t, right); err != nil || !j.Right {
		p.wrong(q.Pos, "correct the answer", "the right answer %v to question %s gets %v, %v", right, q.ID, j.Score, err)
	}
	if q.Kind == schema.One {
		for _, o := range q.Options {
			if slices.Contains(t.Options, o.ID) {
				continue
			}
			j, err := quiz.Judge(q, t, quiz.Answer{o.ID})
			if err != nil || j.Score > 0 || len(j.Feedback) == 0 {
				p.wrong(q.Pos, "give it feedback", "the wrong answer %s to question %s gets %v points and %d remarks", o.ID, q.ID, j.Score, len(j.Feedback))
			}
		}
	}
	for id, value := range q.Wrong {
		if j, err := quiz.Judge(q, t, quiz.Answer{value}); err != nil || j.Score > 0 || len(j.Feedback) == 0 {
			p.wrong(q.Pos, "choose another", "the wrong answer %s (%s) to question %s is right in this lab, or gets no remark", id, value, q.ID)
		}
	}
}
