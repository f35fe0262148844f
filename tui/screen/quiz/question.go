package quiz

import (
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/component/input"
)

// question is one question with what has been answered so far.
type question struct {
	quiz.Item
	cursor int
	picked map[string]bool   // options of one and several
	order  []string          // options in the learner's order
	lefts  []string          // of match, as they are listed
	rights []string          // what belongs to them, in another order
	pairs  map[string]string // the learner's
	line   input.Line        // number and text
	read   bool              // the explanation has been in sight
	moved  bool              // the order is the learner's own
	taken  bool              // the row under the cursor has been clicked

	done    bool
	given   quiz.Answer
	verdict quiz.Judgement
	err     error // why it could not be judged
}

func newQuestion(i quiz.Item) *question {
	q := &question{Item: i, picked: map[string]bool{}, pairs: map[string]string{}}
	switch i.Kind {
	case schema.Order:
		for _, o := range i.Options {
			q.order = append(q.order, o.ID)
		}
		if slices.Equal(q.order, i.Answer) { // it must not be the answer already
			slices.Reverse(q.order)
		}
	case schema.Match:
		for _, o := range i.Options {
			if right, ok := i.Pairs[o.ID]; ok {
				q.lefts = append(q.lefts, o.ID)
				if !slices.Contains(q.rights, right) {
					q.rights = append(q.rights, right)
				}
			}
		}
		slices.Sort(q.rights)
	}
	return q
}

// textual reports whether the answer is typed.
func (q *question) textual() bool { return q.Kind == schema.Number || q.Kind == schema.TextKey }

// answer returns what has been answered so far, nil when nothing has.
func (q *question) answer() quiz.Answer {
	var a quiz.Answer
	switch q.Kind {
	case schema.One, schema.Several:
		for _, o := range q.Options {
			if q.picked[o.ID] {
				a = append(a, o.ID)
			}
		}
	case schema.Order:
		a = slices.Clone(q.order)
	case schema.Match:
		for _, left := range q.lefts {
			if right := q.pairs[left]; right != "" {
				a = append(a, left+"="+right)
			}
		}
	default:
		if s := strings.TrimSpace(q.line.Value()); s != "" {
			a = quiz.Answer{s}
		}
	}
	return a
}

// touched reports whether the learner has answered; an order is there from the beginning.
func (q *question) touched() bool {
	return q.done || len(q.answer()) > 0 && (q.Kind != schema.Order || q.moved)
}

// rows is how many rows the cursor can be on.
func (q *question) rows() int {
	switch q.Kind {
	case schema.Order:
		return len(q.order)
	case schema.Match:
		return len(q.lefts)
	case schema.One, schema.Several:
		return len(q.Options)
	}
	return 0
}

// choices is how many digits mean something.
func (q *question) choices() int {
	if q.Kind == schema.Match {
		return len(q.rights)
	}
	return q.rows()
}

// choose does what a digit, counted from 0, stands for: it picks an option, brings the row under the cursor to that place,
// or gives the left side under the cursor its right one.
func (q *question) choose(i int) {
	if q.done || i < 0 || i >= q.choices() {
		return
	}
	switch q.Kind {
	case schema.One:
		q.picked = map[string]bool{q.Options[i].ID: true}
		q.cursor = i
	case schema.Several:
		q.picked[q.Options[i].ID] = !q.picked[q.Options[i].ID]
		q.cursor = i
	case schema.Order:
		q.carry(i - q.cursor)
	case schema.Match:
		q.pairs[q.lefts[q.cursor]] = q.rights[i]
		for n := range q.lefts { // on to the next that has none
			if at := (q.cursor + n) % len(q.lefts); q.pairs[q.lefts[at]] == "" {
				q.cursor = at
				break
			}
		}
	}
}

// toggle picks what is under the cursor.
func (q *question) toggle() {
	if q.Kind == schema.One || q.Kind == schema.Several {
		q.choose(q.cursor)
	}
}

// carry moves the row under the cursor by n places.
func (q *question) carry(n int) {
	to := max(min(q.cursor+n, len(q.order)-1), 0)
	if q.done || q.Kind != schema.Order || to == q.cursor {
		return
	}
	id := q.order[q.cursor]
	q.order = slices.Insert(slices.Delete(q.order, q.cursor, q.cursor+1), to, id)
	q.cursor, q.moved = to, true
}

func (q *question) move(n int) { q.cursor = max(min(q.cursor+n, q.rows()-1), 0) }

// option returns an option's text.
func (q *question) option(id string) schema.Text {
	for _, o := range q.Options {
		if o.ID == id {
			return o.Text
		}
	}
	return schema.Text{schema.Languages[0]: id}
}

// clickRow takes a row of an order, and puts a taken one where the next click is.
func (q *question) clickRow(i int) {
	if q.taken && i != q.cursor {
		q.carry(i - q.cursor)
	}
	q.taken = !q.taken && i < len(q.order)
	q.cursor = i
}
