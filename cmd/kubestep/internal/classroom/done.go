package classroom

import (
	"context"
	"encoding/json"
	"time"

	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/progress"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/play"
)

// Done returns what the learner has done of the room's lessons.
func (r *Room) Done(context.Context) (play.Done, error) {
	return Done(r.o.Store, r.o.Lessons, time.Now())
}

// Done returns what a learner has done of lessons; now decides which questions have come back. Entries that this program
// does not understand are left out, and stay in the store.
func Done(store *progress.Store, lessons []*schema.Lesson, now time.Time) (play.Done, error) {
	d := play.Done{Lessons: map[string]play.Kept{}}
	attempts, err := store.All(progress.Lessons)
	if err != nil {
		return play.Done{}, err
	}
	for id, raw := range attempts {
		var kept play.Kept
		if json.Unmarshal(raw, &kept) == nil {
			d.Lessons[id] = kept
		}
	}
	if d.Records, err = records(store); err != nil {
		return play.Done{}, err
	}
	d.Due = len(quiz.Review(quiz.Items(lessons), d.Records, now))
	return d, nil
}

func records(store *progress.Store) (map[string]quiz.Record, error) {
	all, err := store.All(progress.Quiz)
	if err != nil {
		return nil, err
	}
	out := map[string]quiz.Record{}
	for key, raw := range all {
		var record quiz.Record
		if json.Unmarshal(raw, &record) == nil {
			out[key] = record
		}
	}
	return out, nil
}

// Records implements [play.Book].
func (r *Room) Records(context.Context) (map[string]quiz.Record, error) { return records(r.o.Store) }

// Keep implements [play.Book].
func (r *Room) Keep(_ context.Context, records map[string]quiz.Record) error {
	entries := map[string]any{}
	for key, record := range records {
		entries[key] = record
	}
	return r.o.Store.Put(progress.Quiz, entries)
}

// save returns what keeps an attempt's state. A lesson goes on when that fails: the learner is told.
func (r *Room) save(l *schema.Lesson) func(course.State) error {
	return func(s course.State) error {
		if err := Save(r.o.Store, l.ID, s, time.Now()); err != nil {
			r.Report(err)
		}
		return nil
	}
}

// Save keeps an attempt's state, and that the lesson was finished once.
func Save(store *progress.Store, id string, s course.State, now time.Time) error {
	var before play.Kept
	if _, err := store.Get(progress.Lessons, id, &before); err != nil {
		return err
	}
	kept := play.Kept{State: s, Saved: now.UTC(), Finished: s.Done || before.Done || before.Finished}
	return store.Put(progress.Lessons, map[string]any{id: kept})
}
