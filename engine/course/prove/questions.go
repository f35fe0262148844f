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
			if !q.Live && !q.Truth.IsZero() {
				p.compare(q, t, w)
			}
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

// compare finds out whether what happened gives the answer that the lesson says.
func (p *prover) compare(q *schema.Question, said quiz.Truth, w *check.World) {
	computed, err := quiz.Computed(q, w)
	if err != nil {
		p.wrong(q.Pos, "correct its truth", "%v", err)
		return
	}
	answer := inFull(q, computed)
	if j, err := quiz.Judge(q, said, answer); err != nil || !j.Right {
		p.wrong(q.Pos, "correct the answer, or its truth", "by its truth the answer to question %s is %v", q.ID, answer)
	}
}

// inFull is the answer of who knows the truth.
func inFull(q *schema.Question, t quiz.Truth) quiz.Answer {
	switch q.Kind {
	case schema.Number:
		return quiz.Answer{check.Format(t.Number)}
	case schema.TextKey:
		return quiz.Answer{t.Texts[0]}
	case schema.Match:
		var pairs quiz.Answer
		for l, r := range t.Pairs {
			pairs = append(pairs, l+"="+r)
		}
		return pairs
	}
	return quiz.Answer(t.Options)
}

func (p *prover) question(q *schema.Question, t quiz.Truth) {
	right := inFull(q, t)
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
