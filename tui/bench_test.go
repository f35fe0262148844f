package tui_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/canvas"
	"github.com/kubestep/kubestep/tui/feed"
	"github.com/kubestep/kubestep/tui/internal/scene"
)

// grow adds n events to a store of many, made of the played run, each time with other flows, look-ups and attempts.
func grow(store *trace.Store, from uint64, n int) {
	play := scene.Busy()
	_, last := play.Len()
	for i := range uint64(n) {
		seq := from + i
		e, ok := play.Get(seq%last + 1)
		if !ok {
			continue
		}
		round := seq / last
		switch d := e.Detail.(type) {
		case *trace.HopDetail:
			other := *d
			other.Flow, other.Packet = d.Flow+round, d.Packet+round
			e.Detail = &other
		case *trace.DNSDetail:
			other := *d
			other.Lookup += uint32(round)
			e.Detail = &other
		case *trace.SchedDetail:
			e.Object.UID = fmt.Sprint("round ", round)
		}
		e.Seq = seq
		if e.Cause != 0 {
			e.Cause = e.Seq - 1
		}
		store.Load(e)
	}
}

// everywhere are keys that go through all views and panes, through time, and open and close things.
var everywhere = []string{"down", "2", "pgdown", "end", "t", "up", "t", "tab", "down", "i", "d", "o", "3", "up", "4", "down", "enter", "down", "esc", "5", "down",
	"6", "down", "7", "enter", "down", "esc", "8", "up", "enter", "esc", "left", "left", "right", "end", "1", "up"}

// heap returns what is in use after a collection, in MB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse) / 1e6
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

// perFrame is how many events come in a frame at 1,000 a second and 60 frames a second.
const perFrame = 17

// BenchmarkKeyToFrame measures one key press with its frame, as it is written to a terminal, while 1,000 events/s stream
// in at 60 batches/s: what a frame has to take in is part of it. 3,600 iterations are a minute of that; then the heap at
// its end is compared with the one after ten seconds.
func BenchmarkKeyToFrame(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			store := trace.NewStore(trace.Limits{})
			grow(store, 1, 10_000)
			m := tui.New(b.Context(), tui.Options{Recording: store})
			screen := canvas.New(strings.NewReader(""), io.Discard, []string{"TERM=xterm-256color", "COLORTERM=truecolor"}, "")
			if err := screen.Open(); err != nil {
				b.Fatal(err)
			}
			draw := func() {
				if err := screen.Draw(strings.Split(m.View().Content, "\n")); err != nil {
					b.Fatal(err)
				}
			}
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			batch := store.Since(0)
			m.Update(feed.Events{Batch: batch})
			measured := bench{b: b}
			next, early := uint64(10_001), 0.0
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				grow(store, next, perFrame)
				next += perFrame
				if i == 600 {
					early = heap()
				}
				b.StartTimer()
				measured.time(func() {
					batch = store.Since(batch.Next)
					m.Update(feed.Events{Batch: batch})
					draw()
					m.Update(keyPress(everywhere[i%len(everywhere)])) // searches run beside the loop
					draw()
				})
			}
			measured.report()
			if early > 0 {
				b.ReportMetric(heap()/early, "heap-60s/10s")
			}
			runtime.KeepAlive(m)
		})
	}
}

// BenchmarkMillion takes in a million events, a thousand at a time, and compares the heap with the one after half of them.
func BenchmarkMillion(b *testing.B) {
	for b.Loop() {
		store := trace.NewStore(trace.Limits{})
		m := tui.New(b.Context(), tui.Options{Recording: store})
		m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
		var batch trace.Batch
		half := 0.0
		for n := range uint64(1000) {
			grow(store, 1+n*1000, 1000)
			batch = store.Since(batch.Next)
			m.Update(feed.Events{Batch: batch})
			m.Update(keyPress(everywhere[n%uint64(len(everywhere))]))
			m.View()
			if n == 500 {
				half = heap()
			}
		}
		b.ReportMetric(heap(), "heap-MB")
		b.ReportMetric(heap()/half, "heap-1M/0.5M")
		runtime.KeepAlive(m)
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
	}{{"map", []string{"1"}}, {"tree", []string{"2"}}, {"timeline", []string{"t"}}, {"scheduler", []string{"3"}}, {"etcd", []string{"4"}}, {"objects", []string{"5"}},
		{"rollout", []string{"6"}}, {"packets", []string{"7"}}, {"dns", []string{"8"}}} {
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

// BenchmarkOpen100k measures the way from a recording of 100,000 events in a file to its first frame.
func BenchmarkOpen100k(b *testing.B) {
	store := trace.NewStore(trace.Limits{Events: 200_000, Bytes: 1 << 30})
	grow(store, 1, 100_000)
	var file bytes.Buffer
	over, end := context.WithCancel(b.Context())
	end() // what there is, and no more
	if err := trace.Record(over, &file, trace.Header{}, store); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, read, err := trace.ReadRecording(bytes.NewReader(file.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		m := tui.New(b.Context(), tui.Options{Recording: read})
		m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
		m.Update(feed.First(read)())
		m.View()
	}
}
