package course

import (
	"errors"
	"testing"

	"github.com/kubestep/kubestep/lessons/schema"
)

// A preview comes to every step of a lesson, and shows of each all that a learner can come to see.
func TestPreviewLeafsThrough(t *testing.T) {
	l := lesson(t)
	p := NewPreview(l)
	for i, s := range Path(l) {
		v := p.View()
		if v.Step != s || v.Index != i {
			t.Fatalf("step %d is %v at %d, not %s", i, v.Step, v.Index, s.ID)
		}
		if s.Predict != nil {
			if v.Phase != Asking {
				t.Fatalf("step %s: %s, not the prediction", s.ID, v.Phase)
			}
			p.Do(Choose{s.Predict.Options[0].ID})
			if v = p.View(); v.Chosen != s.Predict.Options[0].ID {
				t.Errorf("step %s: chosen is %q", s.ID, v.Chosen)
			}
		}
		for range len(s.Hints) + 1 {
			p.Do(Hint{})
		}
		p.Do(Solution{})
		v = p.View()
		if v.Phase != Doing || len(v.Hints) != len(s.Hints) || len(v.Solution) != len(s.Solve) || len(v.Checks) != len(s.Checks) {
			t.Errorf("step %s shows %+v", s.ID, v)
		}
		p.Do(Next{})
		if v = p.View(); v.Phase != Passed {
			t.Errorf("step %s: %s, not the debrief", s.ID, v.Phase)
		}
		p.Do(Next{})
	}
	if v := p.View(); v.Phase != Ended || v.Step != nil {
		t.Errorf("after the last step: %+v", v)
	}
	p.Do(Reset{})
	if v := p.View(); v.Index != len(p.steps)-1 {
		t.Errorf("a step back from the end is step %d", v.Index)
	}
}

// Files that are saved while the author looks show at once, at the same step; broken ones say why and take nothing away.
func TestPreviewFollowsTheFiles(t *testing.T) {
	l := lesson(t)
	p := NewPreview(l)
	p.Do(Start{Step: Path(l)[1].ID})
	before := p.View()

	broken := errors.New("line 7")
	p.Replace(nil, broken)
	v, err := p.Wait(t.Context(), before.Generation)
	if !errors.Is(err, broken) || v.Step != before.Step {
		t.Errorf("a broken file: %v at %v", err, v.Step)
	}
	again := lesson(t)
	again.Steps[1].Title = schema.Text{"en": "Other", "zh": "别的"}
	p.Replace(again, nil)
	v, err = p.Wait(t.Context(), v.Generation)
	if err != nil || v.Index != 1 || v.Step.Title.In("en") != "Other" {
		t.Errorf("a changed file: %v, step %d %v", err, v.Index, v.Step)
	}
	shorter := lesson(t)
	shorter.Steps = shorter.Steps[:1]
	shorter.Steps[0].Next = ""
	p.Replace(shorter, nil)
	if v := p.View(); v.Index != 0 || v.Step != shorter.Steps[0] {
		t.Errorf("after the step has gone: step %d", v.Index)
	}
}
