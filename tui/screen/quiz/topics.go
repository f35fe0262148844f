package quiz

import (
	"slices"
	"strconv"

	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/keymap"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// topics are what a quiz about several lessons can be about: all, or one topic.
type topics struct {
	items  []quiz.Item
	names  []string
	cursor int // 0 for all
}

// topicsOf returns the topics to choose from; none when there is nothing to choose.
func topicsOf(q play.Quiz) topics {
	var t topics
	if q.Mode != route.Practice || !slices.ContainsFunc(q.Items, func(i quiz.Item) bool { return i.Lesson.ID != q.Items[0].Lesson.ID }) {
		return t
	}
	for _, i := range q.Items {
		if !slices.Contains(t.names, i.Topic) {
			t.names = append(t.names, i.Topic)
		}
	}
	slices.Sort(t.names)
	t.items = q.Items
	return t
}

// open reports whether the learner still has to choose.
func (t *topics) open() bool { return len(t.names) > 1 }

func (t *topics) move(n int) { t.cursor = max(min(t.cursor+n, len(t.names)), 0) }

// of returns the questions about the topic at a place of the list.
func (t *topics) of(at int) []quiz.Item {
	if at == 0 {
		return t.items
	}
	var out []quiz.Item
	for _, i := range t.items {
		if i.Topic == t.names[at-1] {
			out = append(out, i)
		}
	}
	return out
}

// choose begins the quiz about the topic at a place of the list.
func (m *Quiz) choose(at int) {
	if at < 0 || at > len(m.topics.names) {
		return
	}
	items := m.topics.of(at)
	m.topics = topics{}
	m.ask(items)
}

// topicParts lists the topics.
func (m *Quiz) topicParts() []part {
	t := &m.topics
	out := []part{{lines: []richtext.Line{richtext.Text(theme.Strong, m.say.T(text.QuizTopics)), {}}}}
	for i := range len(t.names) + 1 {
		name := m.say.T(text.QuizAllTopics)
		if i > 0 {
			name = t.names[i-1]
		}
		pointer := "  "
		if i == t.cursor {
			pointer = "▸ "
		}
		digit := "  "
		if i < keymap.MostChoices {
			digit = strconv.Itoa(i+1) + " "
		}
		line := richtext.Of(richtext.Span{Role: theme.Key, Text: pointer + digit}, richtext.Span{Text: name + "  "},
			richtext.Span{Role: theme.Dim, Text: m.say.T(text.QuizTopicCount, len(t.of(i)), m.known(t.of(i)))})
		out = append(out, part{lines: []richtext.Line{line}, hit: hit{aTopic, i}, cursor: i == t.cursor})
	}
	return out
}

// known returns how many of the questions were answered rightly the last time.
func (m *Quiz) known(items []quiz.Item) int {
	n := 0
	for _, i := range items {
		if tries := m.records[i.Key()].Tries; len(tries) > 0 && tries[len(tries)-1].Score > 1-1e-9 {
			n++
		}
	}
	return n
}
