package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{5}, 5}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := Median(tc.values); got != tc.want {
			t.Errorf("Median(%v) = %v, want %v", tc.values, got, tc.want)
		}
	}
}

func TestRSS(t *testing.T) {
	rss, err := RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if rss < 1<<20 || rss > 1<<40 {
		t.Errorf("this process is said to have %d bytes", rss)
	}
}

// echo is a child that prints the sample.
func echo(ctx context.Context, rolloutMs float64) *exec.Cmd {
	return exec.CommandContext(ctx, "echo", fmt.Sprintf(
		`{"phases":[{"name":"etcd","doneMs":50}],"readyMs":3000,"rssBytes":104857600,"idleCores":0.02,"rolloutMs":%v,"events":1000}`, rolloutMs))
}

func TestRun(t *testing.T) {
	var order []string
	times := map[bool][]float64{true: {110, 105, 330}, false: {100, 100, 300}}
	r, err := Run(t.Context(), Plan{Pods: 200, Nodes: 3, Pairs: 3, Child: func(ctx context.Context, taps bool) *exec.Cmd {
		order = append(order, map[bool]string{true: "A", false: "B"}[taps])
		next := times[taps][0]
		times[taps] = times[taps][1:]
		return echo(ctx, next)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "ABBAAB" {
		t.Errorf("measured in the order %s, want ABBAAB", got)
	}
	// The third pair met a slow machine; its ratio is as good as the others'.
	if r.TapRatio < 1.099 || r.TapRatio > 1.101 || r.RolloutMs != 110 || r.RolloutOffMs != 100 || r.RSSMB != 100 {
		t.Errorf("got %+v", r)
	}
	var out bytes.Buffer
	if err := r.Write(&out); err != nil || !strings.Contains(out.String(), "1.10") {
		t.Errorf("printed, with error %v:\n%s", err, out.String())
	}
}

func TestRunTellsWhatTheChildSaid(t *testing.T) {
	_, err := Run(t.Context(), Plan{Pairs: 1, Child: func(ctx context.Context, _ bool) *exec.Cmd {
		return exec.CommandContext(ctx, "sh", "-c", "echo the disk is full >&2; exit 1")
	}})
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v, want the child's words", err)
	}
}
