package quiz

import (
	"encoding/csv"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Record is what is kept of one question.
type Record struct {
	Tries []Try `json:"tries"`
	// Box is the Leitner box: how many intervals the question has survived.
	Box int       `json:"box"`
	Due time.Time `json:"due"` // when it comes back; zero for never
}

// Try is one answer.
type Try struct {
	Time   time.Time `json:"time"`
	Answer Answer    `json:"answer"`
	Score  float64   `json:"score"`
}

// keptTries bounds what is kept of one question.
const keptTries = 20

// intervals are how long after an answer a question comes back, by box: Leitner's boxes with doubling times. A question
// that was never missed does not come back.
var intervals = []time.Duration{10 * time.Minute, 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 21 * 24 * time.Hour}

// Add returns the record with one more answer.
func (r Record) Add(t Try) Record {
	missed := t.Score < 1
	r.Tries = append(slices.Clone(r.Tries), t)
	if n := len(r.Tries); n > keptTries {
		r.Tries = r.Tries[n-keptTries:]
	}
	switch {
	case missed:
		r.Box = 0
		r.Due = t.Time.Add(intervals[0])
	case r.Due.IsZero(): // right from the start
	case r.Box+1 >= len(intervals):
		r.Box, r.Due = len(intervals), time.Time{} // learnt
	default:
		r.Box++
		r.Due = t.Time.Add(intervals[r.Box])
	}
	return r
}

// Review returns the items that are due, those that have waited longest first.
func Review(items []Item, records map[string]Record, now time.Time) []Item {
	var out []Item
	for _, i := range items {
		if r := records[i.Key()]; !r.Due.IsZero() && !r.Due.After(now) {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b Item) int { return records[a.Key()].Due.Compare(records[b.Key()].Due) })
	return out
}

// Exam returns n items in an order that follows from the seed, mixed over topics: no topic has two more than another as
// long as it has any left.
func Exam(items []Item, n int, seed uint64) []Item {
	r := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // variety, not secrets
	var topics []string
	byTopic := map[string][]Item{}
	for _, i := range items {
		if byTopic[i.Topic] == nil {
			topics = append(topics, i.Topic)
		}
		byTopic[i.Topic] = append(byTopic[i.Topic], i)
	}
	for _, t := range topics {
		r.Shuffle(len(byTopic[t]), func(a, b int) { byTopic[t][a], byTopic[t][b] = byTopic[t][b], byTopic[t][a] })
	}
	var out []Item
	for len(out) < min(n, len(items)) {
		r.Shuffle(len(topics), func(a, b int) { topics[a], topics[b] = topics[b], topics[a] })
		for _, t := range topics {
			if list := byTopic[t]; len(list) > 0 && len(out) < n {
				out = append(out, list[0])
				byTopic[t] = list[1:]
			}
		}
	}
	return out
}

// Row is one answer of the score history.
type Row struct {
	Question string    `json:"question"`
	Topic    string    `json:"topic"`
	Kind     string    `json:"kind"`
	Time     time.Time `json:"time"`
	Answer   Answer    `json:"answer"`
	Score    float64   `json:"score"`
}

// Rows returns the history of items, by time.
func Rows(items []Item, records map[string]Record) []Row {
	out := []Row{}
	for _, i := range items {
		for _, t := range records[i.Key()].Tries {
			out = append(out, Row{i.Key(), i.Topic, i.Kind, t.Time, t.Answer, t.Score})
		}
	}
	slices.SortStableFunc(out, func(a, b Row) int { return a.Time.Compare(b.Time) })
	return out
}

// WriteCSV writes rows for a spreadsheet, with a line of names first.
func WriteCSV(w io.Writer, rows []Row) error {
	c := csv.NewWriter(w)
	lines := [][]string{{"question", "topic", "kind", "time", "answer", "score"}}
	for _, r := range rows {
		lines = append(lines, []string{r.Question, r.Topic, r.Kind, r.Time.UTC().Format(time.RFC3339), join(r.Answer),
			strconv.FormatFloat(r.Score, 'g', 4, 64)})
	}
	return c.WriteAll(lines)
}

// join writes an answer in one cell. A cell that a spreadsheet would take for a formula begins with an apostrophe.
func join(a Answer) string {
	s := ""
	for i, x := range a {
		if i > 0 {
			s += " "
		}
		s += x
	}
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '@' || s[0] == '-') {
		return "'" + s
	}
	return s
}
