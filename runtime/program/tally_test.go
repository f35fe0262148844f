package program

import (
	"errors"
	"reflect"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestTally(t *testing.T) {
	now := clocktesting.NewFakeClock(time.Unix(1000, 0))
	var told []Requests
	sum := newTally(&World{Clock: now, Count: func(r Requests) { told = append(told, r) }}, "http://web/")
	expect := func(what string, want ...Requests) {
		t.Helper()
		if !reflect.DeepEqual(told, want) {
			t.Errorf("%s: told %+v, want %+v", what, told, want)
		}
		told = nil
	}
	sum.note(answer{body: "web v1\nhost: a"}, nil)
	expect("the first", Requests{URL: "http://web/", OK: 1, Answers: map[string]int{"web v1": 1}})
	sum.note(answer{body: "web v1\nhost: b"}, nil)
	expect("a second soon after it")
	sum.note(answer{}, errors.New("refused"))
	expect("the first failure", Requests{URL: "http://web/", OK: 2, Failed: 1, Answers: map[string]int{"web v1": 2}, LastError: "refused"})
	sum.note(answer{}, errors.New("refused again"))
	expect("another failure soon after it")
	now.Step(countEvery)
	sum.note(answer{body: "web v2"}, nil)
	expect("later", Requests{URL: "http://web/", OK: 3, Failed: 2, Answers: map[string]int{"web v1": 2, "web v2": 1}, LastError: "refused again"})
	sum.flush()
	expect("nothing new")
	for i := range mostAnswers + 2 {
		sum.note(answer{body: string(rune('a' + i))}, nil)
	}
	told = nil
	sum.flush()
	if got := told[0].Answers; len(got) != mostAnswers+1 || got[""] != 4 {
		t.Errorf("many different answers: %v", got)
	}
}
