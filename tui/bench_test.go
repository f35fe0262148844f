package tui_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/internal/scene"
)

// grow adds n events to a store of many, made of the played run.
func grow(store *trace.Store, from uint64, n int) {
	play := scene.Recording()
	_, last := play.Len()
	for i := range uint64(n) {
		e, ok := play.Get(i%last + 1)
		if !ok {
			continue
		}
		e.Seq = from + i
		if e.Cause != 0 {
			e.Cause = e.Seq - 1
		}
		store.Load(e)
	}
}

// bench reports what the slowest of a hundred took besides what all took.
type bench struct {
	b    *testing.B
	took []time.Duration
}

func (b *bench) time(f func()) {
	start := time.Now()
	f()
	b.took = append(b.took, time.Since(start))
}

func (b *bench) report() {
	slices.Sort(b.took)
	p99 := b.took[len(b.took)*99/100]
	b.b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms")
}

// BenchmarkKeyToFrame measures one key press with its frame while 1,000 events/s stream in, at 60 batches/s: what a frame
// has to take in is part of it.
func BenchmarkKeyToFrame(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			store := trace.NewStore(trace.Limits{})
			grow(store, 1, 10_000)
			m := tui.New(b.Context(), tui.Options{Recording: store})
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			cursor := store.Since(0).Next
			m.Update(feed.Events{Batch: store.Since(0)})
			// Through the lab screen's views and panes.
			keys := []string{"down", "2", "pgdown", "end", "tab", "up", "i", "d", "o", "3", "4", "down", "5", "down", "left", "right", "1", "up"}
			measured := bench{b: b}
			next := uint64(10_001)
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				grow(store, next, 17)
				next += 17
				b.StartTimer()
				measured.time(func() {
					batch := store.Since(cursor)
					cursor = batch.Next
					m.Update(feed.Events{Batch: batch})
					m.View()
					_, cmd := m.Update(keyPress(keys[i%len(keys)]))
					m.View()
					_ = cmd // searches run beside the loop
				})
			}
			measured.report()
		})
	}
}

// BenchmarkScroll100k measures one key press with its frame in a store of 100,000 events.
func BenchmarkScroll100k(b *testing.B) {
	store := trace.NewStore(trace.Limits{Events: 200_000, Bytes: 1 << 30})
	grow(store, 1, 100_000)
	m := tui.New(b.Context(), tui.Options{Recording: store})
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	m.Update(feed.Events{Batch: store.Since(0)})
	keys := []string{"end", "pgdown", "up", "up", "g", "down", "pgdown", "pgdown", "left", "left", "right", "end"}
	for _, screen := range []struct {
		name string
		keys []string
	}{{"map", []string{"1"}}, {"tree", []string{"2"}}, {"timeline", []string{"t"}}, {"scheduler", []string{"3"}}, {"etcd", []string{"4"}}, {"objects", []string{"5"}}} {
		for _, k := range screen.keys {
			m.Update(keyPress(k))
		}
		b.Run(screen.name, func(b *testing.B) {
			measured := bench{b: b}
			for i := 0; b.Loop(); i++ {
				measured.time(func() {
					m.Update(keyPress(keys[i%len(keys)]))
					m.View()
				})
			}
			measured.report()
		})
	}
}

// BenchmarkOpen100k measures the first frame of a recording of 100,000 events that has been read.
func BenchmarkOpen100k(b *testing.B) {
	store := trace.NewStore(trace.Limits{Events: 200_000, Bytes: 1 << 30})
	grow(store, 1, 100_000)
	for b.Loop() {
		m := tui.New(context.WithoutCancel(b.Context()), tui.Options{Recording: store})
		m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
		m.Update(feed.First(store)())
		m.View()
	}
}
