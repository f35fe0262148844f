package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/kubestep/kubestep/engine/trace"
)

// newScorer returns a framework that runs the score plugins of inner, with their names and weights, and writes down what
// each plugin's Score returned before it was normalised: upstream's framework returns only weighted scores. It is used
// for scoring alone. The plugins are the ones that inner has, where it shows them (all that keep anything between phases
// do); the others are made anew, with the same arguments and inner as their handle.
func newScorer(ctx context.Context, inner framework.Framework, p *config.KubeSchedulerProfile, parallelism int) (framework.Framework, error) {
	all := inner.ListPlugins()
	existing := map[string]fwk.ScorePlugin{}
	for _, e := range inner.EnqueueExtensions() {
		if plugin, ok := e.(fwk.ScorePlugin); ok {
			existing[plugin.Name()] = plugin
		}
	}
	args := map[string]runtime.Object{}
	for _, c := range p.PluginConfig {
		args[c.Name] = c.Args
	}

	inTree := plugins.NewInTreeRegistry()
	registry := frameworkruntime.Registry{}
	for _, needed := range [][]config.Plugin{all.QueueSort.Enabled, all.Bind.Enabled} { // no framework without them
		for _, plugin := range needed {
			registry[plugin.Name] = inTree[plugin.Name]
		}
	}
	for _, plugin := range all.Score.Enabled {
		score, ok := existing[plugin.Name]
		if !ok {
			made, err := inTree[plugin.Name](ctx, args[plugin.Name], inner)
			if err != nil {
				return nil, fmt.Errorf("making plugin %q: %w", plugin.Name, err)
			}
			if score, ok = made.(fwk.ScorePlugin); !ok {
				return nil, fmt.Errorf("plugin %q does not score", plugin.Name)
			}
		}
		registry[plugin.Name] = func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
			return &recordingScore{score}, nil
		}
	}
	return frameworkruntime.NewFramework(ctx, registry,
		&config.KubeSchedulerProfile{
			SchedulerName: p.SchedulerName,
			Plugins:       &config.Plugins{QueueSort: all.QueueSort, Bind: all.Bind, Score: all.Score},
		},
		frameworkruntime.WithSnapshotSharedLister(inner.SnapshotSharedLister()),
		frameworkruntime.WithParallelism(parallelism),
		// It would say of every profile that its plugins cannot be batched, which is true of this framework only.
		frameworkruntime.WithLogger(klog.Logger{}),
	)
}

// recordingScore is a score plugin that writes down what Score returns.
type recordingScore struct{ fwk.ScorePlugin }

func (p *recordingScore) Score(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	score, status := p.ScorePlugin.Score(ctx, state, pod, node)
	if raw, ok := ctx.Value(rawScoresKey{}).(*rawScores); ok {
		raw.set(p.Name(), node.Node().Name, score)
	}
	return score, status
}

// rawScores are the scores of all plugins for all nodes. Each cell has one writer.
type rawScores struct {
	plugin, node map[string]int
	cells        [][]int64 // node, plugin
}

type rawScoresKey struct{}

func newRawScores(plugins []config.Plugin, nodes []fwk.NodeInfo) *rawScores {
	r := &rawScores{plugin: map[string]int{}, node: map[string]int{}}
	for i, p := range plugins {
		r.plugin[p.Name] = i
	}
	for i, n := range nodes {
		r.node[n.Node().Name] = i
		r.cells = append(r.cells, make([]int64, len(plugins)))
	}
	return r
}

func (r *rawScores) set(plugin, node string, score int64) {
	if n, ok := r.node[node]; ok {
		if p, ok := r.plugin[plugin]; ok {
			r.cells[n][p] = score
		}
	}
}

// scoreRows puts together what upstream returned and what was written down, highest total first. Nodes with the same
// total are ordered by name; among the highest, upstream chooses one at random.
func scoreRows(plugins []config.Plugin, raw *rawScores, result []fwk.NodePluginScores) []trace.ScoreRow {
	rows := make([]trace.ScoreRow, 0, len(result))
	for _, node := range result {
		row := trace.ScoreRow{Node: node.Name, Cells: make([]trace.ScoreCell, len(plugins)), Total: node.TotalScore}
		for _, s := range node.Scores {
			i, ok := raw.plugin[s.Name]
			if !ok {
				continue
			}
			row.Cells[i] = trace.ScoreCell{
				Raw:        raw.cells[raw.node[node.Name]][i],
				Normalized: s.Score / max(int64(plugins[i].Weight), 1), // exact: upstream multiplied
				Weighted:   s.Score,
			}
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(x, y trace.ScoreRow) int {
		return cmp.Or(cmp.Compare(y.Total, x.Total), cmp.Compare(x.Node, y.Node))
	})
	return rows
}
