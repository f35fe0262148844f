package play_test

import (
	"context"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/play"
)

// held plays the lesson until the scheduler's binding is held.
func held(t *testing.T) *scene.Attempt {
	t.Helper()
	a := scene.New().Begin()
	a.Do(course.Next{})
	a.Do(course.Solve{})
	if v := a.View(); v.Phase != course.Passed {
		t.Fatalf("the step is %s", v.Phase)
	}
	return a
}

func TestChangedHasValuesAndStops(t *testing.T) {
	a := held(t)
	c, err := play.Next(t.Context(), a, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range schema.Languages {
		if why := c.In(c.View.Step.Why, lang); strings.Contains(why, "{{") || !strings.Contains(why, "web-6f8d9c7b5-x2x4k") {
			t.Errorf("%s: the text has no value in it: %s", lang, why)
		}
	}
	if len(c.Stopped) != 1 {
		t.Errorf("it has stopped at %v", c.Stopped)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	a := held(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := play.Next(ctx, a, a.View().Generation); err == nil {
		t.Error("nothing has changed, and it returned without an error")
	}
}

func TestWordsWithoutAnAttempt(t *testing.T) {
	text := schema.Text{"en": `It runs on {{ objects("Pod")[0].metadata.name }}.`}
	if got := play.Words(nil, text, "en"); got != "It runs on …." {
		t.Errorf("without an attempt: %q", got)
	}
	if got := play.Words(held(t), text, "zh"); got != "It runs on web-6f8d9c7b5-x2x4k." {
		t.Errorf("in an attempt: %q", got)
	}
}
