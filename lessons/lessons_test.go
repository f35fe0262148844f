package lessons

import (
	"os"
	"testing"

	"github.com/kubestep/kubestep/lessons/schema"
)

// A lesson that is not named in the embed directive would be missing from the program.
func TestEveryLessonIsEmbedded(t *testing.T) {
	want, problems := schema.LoadAll(os.DirFS("."))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	got, problems := schema.LoadAll(FS)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || len(got) != len(want) {
		t.Errorf("%d lessons are embedded, %d are here", len(got), len(want))
	}
}

// What every lesson of the program has, so that learners know what to expect.
func TestLessonsAreWhole(t *testing.T) {
	all, _ := schema.LoadAll(FS)
	for _, l := range all {
		predictions, repairs, attempts := 0, 0, 0
		for _, s := range l.Steps {
			if s.Predict != nil {
				predictions++
			}
			if s.Hidden {
				repairs++
			}
			attempts += len(s.Attempts)
		}
		kinds, live := map[string]bool{}, 0
		for _, q := range l.Quiz {
			kinds[q.Kind] = true
			if q.Live {
				live++
			}
		}
		for what, n := range map[string][2]int{
			"steps": {len(l.Steps), 8}, "predictions": {predictions, 3}, "steps to find out by oneself": {repairs, 1},
			"wrong attempts": {attempts, 3}, "questions": {len(l.Quiz), 8}, "kinds of questions": {len(kinds), 4}, "live questions": {live, 2},
		} {
			if n[0] < n[1] {
				t.Errorf("%s has %d %s, want at least %d", l.ID, n[0], what, n[1])
			}
		}
		if len(l.Steps) > 14 {
			t.Errorf("%s has %d steps, want at most 14", l.ID, len(l.Steps))
		}
	}
}
