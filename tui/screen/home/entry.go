package home

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/text"
)

// kind is what an entry of the list is.
type kind int

const (
	heading  kind = iota // cannot be selected
	onward               // the lesson to go on with, or the next one
	lesson               // any lesson
	broken               // a lesson with problems
	nothing              // there is no lesson
	freeLab              // the lab without a lesson
	practice             // the questions of all lessons
	review               // those that have come back
	exam
	recording // what the reader has kept of a lab
)

// entry is one row of the list.
type entry struct {
	kind      kind
	title     string
	lesson    *schema.Lesson
	standing  standing
	problems  schema.Problems // of a broken one
	recording host.Recording
}

// key tells entries apart, whatever the language.
func (e *entry) key() string {
	switch e.kind {
	case lesson:
		return e.lesson.ID
	case broken:
		return "broken/" + e.title
	case recording:
		return e.recording.Path
	}
	return [...]string{"", "onward", "", "", "nothing", "lab", "quiz", "review", "exam"}[e.kind]
}

// opens reports whether the entry can be opened.
func (e *entry) opens() bool { return e.kind != heading && e.kind != broken && e.kind != nothing }

// standing is how far the learner is with a lesson.
type standing struct {
	begun, finished bool
	step, steps     int // from 1; step is 0 when no attempt is under way
	title           schema.Text
	right, asked    int // questions: wholly right at the last try, and all there are
	tried           int
}

// stand returns how far the learner is with a lesson.
func stand(l *schema.Lesson, d *play.Done) standing {
	path := course.Path(l)
	s := standing{steps: len(path), asked: len(l.Quiz)}
	if kept, ok := d.Lessons[l.ID]; ok {
		s.finished = kept.Finished || kept.Done
		at := slices.IndexFunc(path, func(s *schema.Step) bool { return s.ID == kept.Step })
		if s.begun = !kept.Done && kept.Step != ""; s.begun {
			at = max(at, 0) // a step that the lesson no longer has
			s.step, s.title = at+1, path[at].Title
		}
	}
	for _, i := range quiz.Items([]*schema.Lesson{l}) {
		if tries := d.Records[i.Key()].Tries; len(tries) > 0 {
			s.tried++
			if tries[len(tries)-1].Score > 1-1e-9 {
				s.right++
			}
		}
	}
	return s
}

// inOrder returns lessons as a learner best takes them: by track, what others require before those, easy ones first.
func inOrder(lessons []*schema.Lesson) []*schema.Lesson {
	sorted := slices.Clone(lessons)
	slices.SortStableFunc(sorted, func(a, b *schema.Lesson) int {
		return cmp.Or(trackIndex(a)-trackIndex(b), slices.Index(schema.Levels, a.Level)-slices.Index(schema.Levels, b.Level),
			cmp.Compare(a.ID, b.ID))
	})
	var out []*schema.Lesson
	var visit func(l *schema.Lesson, seen map[string]bool)
	visit = func(l *schema.Lesson, seen map[string]bool) {
		if seen[l.ID] || slices.Contains(out, l) {
			return // required in a circle, or there already
		}
		seen[l.ID] = true
		for _, other := range sorted {
			if slices.Contains(l.Requires, other.ID) && other.Track == l.Track {
				visit(other, seen)
			}
		}
		out = append(out, l)
	}
	for _, l := range sorted {
		visit(l, map[string]bool{})
	}
	return out
}

// trackIndex returns the place of a lesson's track; lessons without one come last.
func trackIndex(l *schema.Lesson) int {
	if i := slices.Index(schema.Tracks, l.Track); i >= 0 {
		return i
	}
	return len(schema.Tracks)
}

// trackNames are the names of [schema.Tracks] and, last, of what is in none of them.
var trackNames = [...]text.ID{text.TrackStart, text.TrackPods, text.TrackControllers, text.TrackScheduling, text.TrackNetwork,
	text.TrackControlPlane, text.TrackNodes, text.TrackOperations, text.TrackNone}

// next returns the lesson to go on with: the one that was left last, else the first that was not done.
func (m *Home) next() *schema.Lesson {
	var at *schema.Lesson
	for _, l := range m.lessons {
		s := m.standings[l.ID]
		if s.begun && (at == nil || m.done.Lessons[l.ID].Saved.After(m.done.Lessons[at.ID].Saved)) {
			at = l
		}
	}
	if at != nil {
		return at
	}
	for _, l := range m.lessons {
		if !m.standings[l.ID].finished {
			return l
		}
	}
	return nil
}

// list makes the entries anew.
func (m *Home) list() {
	m.standings = map[string]standing{}
	for _, l := range m.lessons {
		m.standings[l.ID] = stand(l, &m.done)
	}
	words := strings.Fields(strings.ToLower(m.search.Value()))
	var out []entry
	add := func(head string, some ...entry) {
		some = slices.DeleteFunc(some, func(e entry) bool { return !m.fits(&e, words) })
		if len(some) > 0 && head != "" {
			out = append(out, entry{kind: heading, title: head})
		}
		out = append(out, some...)
	}
	lang := m.lang()
	if l := m.next(); l != nil && len(words) == 0 {
		s, head := m.standings[l.ID], text.NextLesson
		if s.begun {
			head = text.GoOnWith
		}
		add("", entry{kind: onward, title: m.say.T(head, l.Title.In(lang)), lesson: l, standing: s})
	}
	for track, name := range trackNames {
		var some []entry
		for _, l := range m.lessons {
			if trackIndex(l) == track {
				some = append(some, entry{kind: lesson, title: l.Title.In(lang), lesson: l, standing: m.standings[l.ID]})
			}
		}
		add(m.say.T(name), some...)
	}
	var bad []entry
	for _, id := range m.brokenIDs {
		bad = append(bad, entry{kind: broken, title: id, problems: m.problemsOf(id)})
	}
	add(m.say.T(text.BrokenLessons), bad...)
	if len(m.lessons)+len(bad) == 0 {
		add("", entry{kind: nothing, title: m.say.T(text.NoLessons)})
	}
	besides := []entry{{kind: freeLab, title: m.say.T(text.FreeLab)}}
	if len(m.lessons) > 0 {
		besides = append(besides, entry{kind: practice, title: m.say.T(text.AllQuestions)},
			entry{kind: review, title: m.say.T(text.ReviewQuestions)}, entry{kind: exam, title: m.say.T(text.ExamQuestions)})
	}
	add(m.say.T(text.Besides), besides...)
	var kept []entry
	for _, r := range m.recordings {
		kept = append(kept, entry{kind: recording, title: filepath.Base(r.Path), recording: r})
	}
	add(m.say.T(text.Recordings), kept...)
	m.keep(m.spaced(out))
}

// spaced sets headings off by an empty line, where there is room.
func (m *Home) spaced(rows []entry) []entry {
	var out []entry
	for i, e := range rows {
		if e.kind == heading && i > 0 {
			out = append(out, entry{})
		}
		out = append(out, e)
	}
	if m.w < layout.TwoColumns || len(out) > m.h-6 {
		return rows
	}
	return out
}

// fits reports whether an entry has all words of the search, in either language.
func (m *Home) fits(e *entry, words []string) bool {
	all := e.title
	if l := e.lesson; l != nil {
		all += " " + l.ID + " " + l.Level + " " + strings.Join(l.Topics, " ")
		for _, lang := range schema.Languages {
			all += " " + l.Title.In(lang)
		}
		for i := range schema.Languages {
			all += " " + text.In(text.Lang(i)).T(trackNames[trackIndex(l)])
		}
	}
	all = strings.ToLower(all)
	for _, w := range words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

func (m *Home) problemsOf(id string) schema.Problems {
	var out schema.Problems
	for _, p := range m.o.Problems {
		if folder, _, _ := strings.Cut(p.File, "/"); folder == id {
			out = append(out, p)
		}
	}
	return out
}
