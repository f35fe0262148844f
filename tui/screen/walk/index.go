package walk

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/describe"
)

// index has the numbers of the events in the list, in order. The events themselves stay in the store.
type index struct{ seqs []uint64 }

func (x *index) len() int        { return len(x.seqs) }
func (x *index) at(i int) uint64 { return x.seqs[i] }

// search returns the place of seq, or of the next one that is in the list.
func (x *index) search(seq uint64) int {
	i, _ := slices.BinarySearch(x.seqs, seq)
	return i
}

// add puts seq in its place; nearly always that is the end.
func (x *index) add(seq uint64) {
	if n := len(x.seqs); n == 0 || x.seqs[n-1] < seq {
		x.seqs = append(x.seqs, seq)
		return
	}
	if i, has := slices.BinarySearch(x.seqs, seq); !has {
		x.seqs = slices.Insert(x.seqs, i, seq)
	}
}

// drop removes what the store no longer has.
func (x *index) drop(before uint64) {
	if len(x.seqs) > 0 && x.seqs[0] < before {
		i, _ := slices.BinarySearch(x.seqs, before)
		x.seqs = append([]uint64(nil), x.seqs[i:]...)
	}
}

// listed reports whether the list shows events like e at a level.
func listed(e *trace.Event, level engine.Level) bool {
	return !e.Background && describe.Needs(e) <= describe.Fineness(level)
}

// filter decides what is in the list besides the level.
type filter struct {
	typing bool
	text   string
	after  uint64   // events up to here are left out: what the lab did before the walk
	words  []string // of text, in lower case
	// asked counts the searches through the store; the answer to an earlier one is dropped. While searching, what comes
	// in is kept in missed, because the search may be past it.
	asked     uint64
	searching bool
	missed    []uint64
}

func (f *filter) matches(e *trace.Event, level engine.Level) bool {
	return e.Seq > f.after && listed(e, level) && hasWords(e, f.words)
}

func (f *filter) late(e *trace.Event) {
	if f.searching {
		f.missed = append(f.missed, e.Seq)
	}
}

// hasWords reports whether each word is somewhere in the event's line.
func hasWords(e *trace.Event, words []string) bool {
	if len(words) == 0 {
		return true
	}
	line := strings.ToLower(describe.Event(e).String() + " " + string(e.Kind))
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

// found is the answer to a search through the store.
type found struct {
	asked uint64
	seqs  []uint64
}

// reindex searches the store for what belongs into the list now.
func (m *Walk) reindex() tea.Cmd {
	f := &m.filter
	f.words = strings.Fields(strings.ToLower(f.text))
	f.asked++
	f.searching, f.missed = true, nil
	asked, words, level, after, store := f.asked, f.words, m.level, f.after, m.o.Store
	return m.o.Ask(m.generation, func(ctx context.Context) (any, error) {
		return found{asked, search(ctx, store, words, level, after)}, nil
	})
}

// search returns the events that belong into the list.
func search(ctx context.Context, store *trace.Store, words []string, level engine.Level, after uint64) []uint64 {
	var seqs []uint64
	first, last := store.Len()
	for seq := max(first, after+1); seq <= last && ctx.Err() == nil; seq++ {
		if e, ok := store.Get(seq); ok && listed(&e, level) && hasWords(&e, words) {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

func (m *Walk) foundEvents(v found) {
	f := &m.filter
	if v.asked != f.asked {
		return
	}
	m.index.seqs = v.seqs
	for _, seq := range f.missed {
		if e, ok := m.o.Store.Get(seq); ok && f.matches(&e, m.level) {
			m.index.add(seq)
		}
	}
	f.searching, f.missed = false, nil
	m.keepSelection()
}
