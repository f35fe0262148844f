package play

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons/schema"
)

// Changed is what there is to show of an attempt after it changed.
type Changed struct {
	View course.View
	// Said are the texts of the step that hold {{ expressions }}, with their values, by what was written.
	Said map[string]string
	// Stopped are the IDs of the held events that match the step's stops.
	Stopped []uint64
}

// In returns a text in a language, with the values of its expressions.
func (c *Changed) In(t schema.Text, lang string) string {
	s := t.In(lang)
	if said, ok := c.Said[s]; ok {
		return said
	}
	return s
}

// Now returns what there is to show now. It may wait for a moment: commands call it.
func Now(s Session) (Changed, error) { return see(s, s.View()) }

// Next waits until the view differs from the one with the given generation, and returns what there is to show then.
func Next(ctx context.Context, s Session, generation uint64) (Changed, error) {
	v, err := s.Wait(ctx, generation)
	if ctx.Err() != nil {
		return Changed{}, ctx.Err()
	}
	c, e := see(s, v)
	if err == nil {
		err = e
	}
	return c, err
}

// see works out what belongs to a view.
func see(s Session, v course.View) (Changed, error) {
	c := Changed{View: v, Said: map[string]string{}}
	if v.Step == nil {
		return c, nil
	}
	err := s.World(func(w *check.World) error {
		for _, t := range texts(&v) {
			for _, lang := range schema.Languages {
				if err := fill(w, t.In(lang), c.Said); err != nil {
					return err
				}
			}
		}
		for _, p := range v.Step.Stop {
			ids, err := w.Waiting(p.Source)
			if err != nil {
				return fmt.Errorf("find what the lesson stopped at: %w", err)
			}
			c.Stopped = append(c.Stopped, ids...)
		}
		return nil
	})
	return c, err
}

// fill puts the words of a text that has expressions into said.
func fill(w *check.World, text string, said map[string]string) error {
	if _, done := said[text]; done || !strings.Contains(text, "{{") {
		return nil
	}
	t, err := w.Template(text)
	if err != nil {
		return fmt.Errorf("show a text of the lesson: %w", err)
	}
	said[text], _ = t.Text() // what has no value yet reads as "…"
	return nil
}

// Words returns a text in a language. Its expressions have their values in the attempt; without one, or when they have
// none, they read as "…". It may wait for a moment: commands call it.
func Words(s Session, t schema.Text, lang string) string {
	text := t.In(lang)
	if !strings.Contains(text, "{{") {
		return text
	}
	said := map[string]string{}
	if s != nil {
		err := s.World(func(w *check.World) error { return fill(w, text, said) })
		if words, ok := said[text]; ok && err == nil {
			return words
		}
	}
	return expression.ReplaceAllString(text, "…")
}

var expression = regexp.MustCompile(`\{\{.*?\}\}`)

// texts returns what the pane may show of a step.
func texts(v *course.View) []schema.Text {
	s := v.Step
	out := []schema.Text{s.Title, s.Body, s.Why}
	if s.Predict != nil {
		out = append(out, s.Predict.Question)
		for _, o := range s.Predict.Options {
			out = append(out, o.Text, o.Feedback)
		}
	}
	for i := range v.Checks {
		out = append(out, v.Checks[i].Label, v.Checks[i].Say)
	}
	return append(out, v.Hints...)
}
