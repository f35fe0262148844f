package program

import (
	"maps"
	"strings"
	"time"
)

// Requests is what a program that makes requests again and again has got since it started.
type Requests struct {
	URL        string
	OK, Failed int
	// Answers counts successes by the first line of the answer, such as "web v2"; what is beyond the first few different
	// ones is under "".
	Answers map[string]int
	// LastError says what the last failure was; empty while there is none.
	LastError string
}

// Bounds on what is reported.
const (
	countEvery   = 250 * time.Millisecond // of the program's clock
	mostAnswers  = 8
	longestFirst = 40 // bytes of an answer's first line
)

// tally counts requests and tells its program's [World] about them: the first failure at once, the rest a few times a
// second. It is not safe for concurrent use.
type tally struct {
	w    *World
	sum  Requests
	told time.Time
	news bool
}

func newTally(w *World, target string) *tally {
	return &tally{w: w, sum: Requests{URL: target, Answers: map[string]int{}}}
}

// note counts one request.
func (t *tally) note(a answer, err error) {
	t.news = true
	if err != nil {
		t.sum.Failed++
		t.sum.LastError = err.Error()
	} else {
		t.sum.OK++
		first, _, _ := strings.Cut(strings.TrimSpace(a.body), "\n")
		first = strings.ToValidUTF8(first[:min(len(first), longestFirst)], "")
		if _, known := t.sum.Answers[first]; !known && len(t.sum.Answers) >= mostAnswers {
			first = ""
		}
		t.sum.Answers[first]++
	}
	if t.w.Count != nil && (t.w.Clock.Since(t.told) >= countEvery || err != nil && t.sum.Failed == 1) {
		t.flush()
	}
}

// flush tells what was not told yet.
func (t *tally) flush() {
	if t.w.Count == nil || !t.news {
		return
	}
	t.news, t.told = false, t.w.Clock.Now()
	sum := t.sum
	sum.Answers = maps.Clone(t.sum.Answers)
	t.w.Count(sum)
}
