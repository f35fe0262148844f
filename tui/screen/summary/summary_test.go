package summary

import (
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// Options of predictions that hold expressions are named with their values.
func TestMissedPredictionsHaveValues(t *testing.T) {
	both := func(s string) schema.Text { return schema.Text{"en": s, "zh": s} }
	l := &schema.Lesson{ID: "l", Title: both("Lesson"), Steps: []*schema.Step{{ID: "s", Title: both("Step"), Next: "end", Predict: &schema.Predict{
		Options: []schema.Option{{ID: "few", Text: both("{{ 1 + 1 }} replicas")}, {ID: "many", Text: both("{{ 4 + 2 }} replicas")}},
	}}}}
	m := New(Options{Ask: route.From(t.Context(), Address)})
	m.Dress(theme.NoColor(), text.In(text.Parse("en")))
	m.Resize(80, 24)
	v := course.View{State: course.State{Chosen: map[string]string{"s": "few"}, Truth: map[string]string{"s": "many"}}}
	answer, ok := m.Show(play.Finished{Session: course.NewPreview(l), View: v})().(route.Result)
	if !ok {
		t.Fatal("the summary asks for nothing")
	}
	m.Result(answer)
	shown := strings.Join(m.View(), "\n")
	if !strings.Contains(shown, "2 replicas") || !strings.Contains(shown, "6 replicas") || strings.Contains(shown, "{{") {
		t.Errorf("the summary shows\n%s", shown)
	}
}
