package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Load requests a URL as fast as it can: "load [-c 10] [-n 0] [-d 10s] [--timeout 5s] [--keepalive] URL". It ends after -n
// requests, or when -d has passed, or on SIGTERM, and prints counts, latencies, how many answers came from which host, and
// the errors. It exits with 1 when a request failed.
func Load(ctx context.Context, w *World) int {
	flags := newFlags(w, "load [-c 10] [-n 0] [-d 10s] [--timeout 5s] [--keepalive] URL",
		"Requests a URL as fast as it can, then prints counts, latencies, who answered, and errors. SIGTERM ends it early.")
	concurrency := flags.Int("c", 10, "requests at once")
	count := flags.Int("n", 0, "how many requests; 0 for as many as there is time for")
	duration := flags.Duration("d", 0, "for how long; without -n, 10s")
	timeout := flags.Duration("timeout", 5*time.Second, "when to give up on a request")
	keepAlive := flags.Bool("keepalive", false, "use connections for many requests")
	if code, ok := flags.parse(); !ok {
		return code
	}
	target := flags.Arg(0)
	if target == "" {
		target = w.Getenv("URL")
	}
	if target == "" || *concurrency < 1 || *count < 0 {
		fmt.Fprintln(w.Stderr, "load: give a URL as argument or in the environment's URL: load -c 10 -d 5s http://web/")
		return usage
	}
	if *count == 0 && *duration <= 0 {
		*duration = 10 * time.Second
	}
	l := &load{target: target, limit: int64(*count), failures: map[string]int{}, statuses: map[int]int{},
		hosts: map[string]int{}, sum: newTally(w, target)}
	g := newGetter(w, *timeout, *keepAlive)
	defer g.close()
	signals := w.Signals.Notify(SIGTERM, SIGINT)
	running, stop := w.withTimeout(ctx, *duration)
	defer stop()
	go func() {
		select {
		case <-signals:
			stop()
		case <-running.Done():
		}
	}()
	began := w.Clock.Now()
	var workers sync.WaitGroup
	for range *concurrency {
		workers.Go(func() { l.work(ctx, running, g) })
	}
	workers.Wait()
	if ctx.Err() != nil {
		return SIGKILL.ExitCode()
	}
	l.sum.flush()
	return l.print(w, w.Clock.Since(began))
}

// load is what the workers share.
type load struct {
	target  string
	limit   int64 // 0 for none
	started atomic.Int64

	mu       sync.Mutex
	times    []time.Duration // of successes
	failures map[string]int  // by error
	statuses map[int]int
	hosts    map[string]int // as answers name them
	sum      *tally
}

// work makes requests until running ends; it finishes the one it has then.
func (l *load) work(ctx, running context.Context, g *getter) {
	for running.Err() == nil {
		if n := l.started.Add(1); l.limit > 0 && n > l.limit {
			return
		}
		began := g.w.Clock.Now()
		a, err := g.get(ctx, l.target)
		l.note(a, err, g.w.Clock.Since(began))
	}
}

func (l *load) note(a answer, err error, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sum.note(a, err)
	if a.status != 0 {
		l.statuses[a.status]++
	}
	if err != nil {
		l.failures[kindOf(a, err)]++
		return
	}
	l.times = append(l.times, took)
	for line := range strings.SplitSeq(a.body, "\n") {
		if host, ok := strings.CutPrefix(line, "host: "); ok {
			l.hosts[host]++
			break
		}
	}
}

// kindOf is an error without what differs from one request to the next, as ports do.
func kindOf(a answer, err error) string {
	var op *net.OpError
	switch {
	case a.status >= 400:
		return "HTTP status " + strconv.Itoa(a.status)
	case errors.As(err, &op) && op.Op == "dial":
		return "connect: " + errorText(err)
	}
	return errorText(err)
}

func (l *load) print(w *World, took time.Duration) int {
	failed := 0
	for _, n := range l.failures {
		failed += n
	}
	total := len(l.times) + failed
	fmt.Fprintf(w.Stdout, "requests:  %d in %s (%.1f/s)\n", total, took.Round(time.Millisecond),
		float64(total)/max(took.Seconds(), 0.001))
	fmt.Fprintf(w.Stdout, "succeeded: %d\nfailed:    %d\n", len(l.times), failed)
	if len(l.times) > 0 {
		slices.Sort(l.times)
		fmt.Fprintf(w.Stdout, "latency:   p50 %s  p90 %s  p99 %s  max %s\n", l.percentile(50), l.percentile(90),
			l.percentile(99), l.percentile(100))
	}
	for _, status := range slices.Sorted(maps.Keys(l.statuses)) {
		fmt.Fprintf(w.Stdout, "status %d: %d\n", status, l.statuses[status])
	}
	for _, host := range slices.Sorted(maps.Keys(l.hosts)) {
		fmt.Fprintf(w.Stdout, "host %s: %d\n", host, l.hosts[host])
	}
	kinds := slices.SortedFunc(maps.Keys(l.failures), func(a, b string) int {
		return cmp.Or(cmp.Compare(l.failures[b], l.failures[a]), cmp.Compare(a, b))
	})
	for _, kind := range kinds {
		fmt.Fprintf(w.Stdout, "error %s: %d\n", kind, l.failures[kind])
	}
	return min(failed, 1)
}

// percentile is the smallest time that p % of the requests did not exceed. times is sorted and not empty.
func (l *load) percentile(p int) time.Duration {
	i := (len(l.times)*p + 99) / 100
	return l.times[max(i, 1)-1].Round(time.Microsecond)
}
