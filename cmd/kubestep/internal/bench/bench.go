// Package bench measures labs side by side: each in a process of its own, the kinds that are compared taking turns, so
// that a machine that gets slower or faster in the meantime does the same to both.
//
// Only cmd imports it; it imports nothing of ours.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// Sample is what one lab in one process measured of itself.
type Sample struct {
	Phases     []Phase `json:"phases"`
	ReadyMs    float64 `json:"readyMs"`
	RSSBytes   uint64  `json:"rssBytes"`   // when the lab was ready and had settled
	IdleCores  float64 `json:"idleCores"`  // CPU time over wall time while the lab was paused
	RolloutMs  float64 `json:"rolloutMs"`  // from the request to all Pods available
	RolloutRSS uint64  `json:"rolloutRSS"` // after the rollout
	Events     uint64  `json:"events"`     // traced during the rollout
}

// Phase is one part of the start, in milliseconds from its beginning.
type Phase struct {
	Name   string  `json:"name"`
	DoneMs float64 `json:"doneMs"`
}

// Plan says what to measure.
type Plan struct {
	Pods  int
	Nodes int
	Pairs int // how often each kind is measured
	// Child returns the process that measures one lab and prints a [Sample]; taps says which kind.
	Child func(ctx context.Context, taps bool) *exec.Cmd
	// Progress is told about each measurement before it begins.
	Progress func(done, total int)
}

// Report is what a run found. Times are medians.
type Report struct {
	Pods         int     `json:"pods"`
	Nodes        int     `json:"nodes"`
	Pairs        int     `json:"pairs"`
	Phases       []Phase `json:"phases"`
	ReadyMs      float64 `json:"readyMs"`
	RSSMB        float64 `json:"rssMB"`
	IdleCPU      float64 `json:"idleCPUPercent"` // of one core, while paused
	RolloutMs    float64 `json:"rolloutMs"`
	RolloutOffMs float64 `json:"rolloutWithoutTapsMs"`
	// TapRatio is the rollout with taps and gate over the one without, the median over neighbours in time.
	TapRatio float64 `json:"tapRatio"`
	// EventMicros is what the taps cost per event, from the same medians.
	EventMicros float64  `json:"eventMicros"`
	KWOK        *KWOK    `json:"kwok,omitempty"`
	Notes       []string `json:"notes,omitempty"` // what could not be measured, and why
}

// Run carries out the plan.
func Run(ctx context.Context, p Plan) (Report, error) {
	var with, without []Sample
	for i := range p.Pairs {
		for j, taps := range []bool{i%2 == 0, i%2 != 0} { // A B, B A, A B: neither is always first
			if p.Progress != nil {
				p.Progress(2*i+j, 2*p.Pairs)
			}
			s, err := child(p.Child(ctx, taps))
			if err != nil {
				return Report{}, err
			}
			if taps {
				with = append(with, s)
			} else {
				without = append(without, s)
			}
		}
	}
	return summarize(p, with, without), nil
}

func child(cmd *exec.Cmd) (Sample, error) {
	var s Sample
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return s, fmt.Errorf("measure a lab: %w: %s", err, strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return s, fmt.Errorf("measure a lab: %w", err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fmt.Errorf("measure a lab: it printed %.80q: %w", out, err)
	}
	return s, nil
}

func summarize(p Plan, with, without []Sample) Report {
	of := func(samples []Sample, value func(Sample) float64) float64 {
		var values []float64
		for _, s := range samples {
			values = append(values, value(s))
		}
		return Median(values)
	}
	rollout := func(s Sample) float64 { return s.RolloutMs }
	r := Report{
		Pods: p.Pods, Nodes: p.Nodes, Pairs: p.Pairs,
		ReadyMs:      of(with, func(s Sample) float64 { return s.ReadyMs }),
		RSSMB:        of(with, func(s Sample) float64 { return float64(s.RSSBytes) / (1 << 20) }),
		IdleCPU:      of(with, func(s Sample) float64 { return 100 * s.IdleCores }),
		RolloutMs:    of(with, rollout),
		RolloutOffMs: of(without, rollout),
	}
	var ratios []float64
	for i := range with {
		ratios = append(ratios, with[i].RolloutMs/without[i].RolloutMs)
	}
	r.TapRatio = Median(ratios)
	if events := of(with, func(s Sample) float64 { return float64(s.Events) }); events > 0 {
		r.EventMicros = 1000 * (r.RolloutMs - r.RolloutOffMs) / events
	}
	for i, phase := range with[0].Phases {
		done := of(with, func(s Sample) float64 { return s.Phases[i].DoneMs })
		r.Phases = append(r.Phases, Phase{phase.Name, done})
	}
	return r
}

// Median returns the middle value, or the mean of the two in the middle; 0 for none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Write prints the report for a reader.
func (r Report) Write(w io.Writer) error {
	fmt.Fprintf(w, "Medians of %d labs of %d nodes, each in a process of its own.\n\n", r.Pairs, r.Nodes)
	for _, p := range r.Phases {
		fmt.Fprintf(w, "  %-28s %8.0f ms\n", p.Name, p.DoneMs)
	}
	fmt.Fprintf(w, "  %-28s %8.0f ms\n", "lab ready", r.ReadyMs)
	fmt.Fprintf(w, "  %-28s %8.0f MB\n", "memory (RSS)", r.RSSMB)
	fmt.Fprintf(w, "  %-28s %8.1f %% of a core\n", "paused", r.IdleCPU)
	fmt.Fprintf(w, "  %-28s %8.0f ms\n", fmt.Sprintf("rollout of %d Pods", r.Pods), r.RolloutMs)
	fmt.Fprintf(w, "  %-28s %8.0f ms\n", "  without taps", r.RolloutOffMs)
	fmt.Fprintf(w, "  %-28s %8.2f\n", "  with taps / without", r.TapRatio)
	if k := r.KWOK; k != nil {
		fmt.Fprintf(w, "  %-28s %8.0f ms\n", "KWOK ready", k.ReadyMs)
		fmt.Fprintf(w, "  %-28s %8.2f\n", "  lab ready / KWOK ready", k.ReadyRatio)
		fmt.Fprintf(w, "  %-28s %8.0f MB\n", "KWOK's processes (RSS)", k.RSSMB)
		fmt.Fprintf(w, "  %-28s %8.2f\n", "  lab / KWOK", k.RSSRatio)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\n%s\n", n)
	}
	return nil
}
