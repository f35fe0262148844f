package course

import (
	"os"
	"testing"

	"github.com/kubestep/kubestep/lessons/schema"
)

func TestShippedLessonsLint(t *testing.T) {
	all, problems := schema.LoadAll(os.DirFS("../../lessons"))
	for _, l := range all {
		for seed := range uint64(5) {
			drawn, err := l.With(l.Draw(seed))
			if err != nil {
				t.Fatal(err)
			}
			problems = append(problems, Lint(drawn)...)
		}
	}
	if len(all) == 0 || len(problems) > 0 {
		t.Errorf("%d lessons, %v", len(all), problems)
	}
}
