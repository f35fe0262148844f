package rolloutview

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
	"github.com/kubestep/kubestep/tui/view/rows"
)

// revision is where Deployments keep their number and hand it to their ReplicaSets
// (pkg/controller/deployment/util/deployment_util.go of upstream).
const revision = "deployment.kubernetes.io/revision"

// set is a ReplicaSet of a Deployment.
type set struct {
	key      *cluster.Key
	facts    *cluster.Facts
	revision int
	desired  int
}

// rollout is how far a Deployment is at a moment.
type rollout struct {
	facts     *cluster.Facts
	desired   int
	available int
	sets      []set // the newest first
	most      int   // Pods there may be
	least     int   // Pods that must be available
}

// read returns how far the Deployment with the given key is right after an event.
func (v *Rollout) read(k *cluster.Key, seq uint64) (r rollout) {
	r.facts = &cluster.Facts{}
	if rev, ok := k.At(seq); ok {
		r.facts = v.cluster.Facts(rev)
	}
	r.desired = replicas(r.facts)
	r.most, r.least = bounds(r.facts, r.desired)
	for _, rs := range v.cluster.Keys("/registry/replicasets/"+k.Object.Namespace+"/", seq) {
		rev, ok := rs.At(seq)
		if !ok {
			continue
		}
		f := v.cluster.Facts(rev)
		if len(f.Metadata.OwnerReferences) == 0 || f.Metadata.OwnerReferences[0].UID != k.Object.UID {
			continue
		}
		n, _ := strconv.Atoi(f.Metadata.Annotations[revision]) // not there yet: 0
		r.sets = append(r.sets, set{key: rs, facts: f, revision: n, desired: replicas(f)})
		r.available += f.Status.AvailableReplicas
	}
	slices.SortStableFunc(r.sets, func(a, b set) int { return cmp.Compare(b.revision, a.revision) })
	return r
}

func replicas(f *cluster.Facts) int {
	if f.Spec.Replicas == nil {
		return 1 // the API's default
	}
	return *f.Spec.Replicas
}

// bounds returns how many Pods there may be and how many must be available, as the deployment controller rounds:
// maxSurge up, maxUnavailable down, and not both to 0 (ResolveFenceposts in
// pkg/controller/deployment/util/deployment_util.go of upstream).
func bounds(f *cluster.Facts, desired int) (most, least int) {
	if f.Spec.Strategy.Type == "Recreate" {
		return desired, 0
	}
	surge := resolve(f.Spec.Strategy.RollingUpdate.MaxSurge, desired, math.Ceil)
	unavailable := resolve(f.Spec.Strategy.RollingUpdate.MaxUnavailable, desired, math.Floor)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return desired + surge, max(desired-unavailable, 0)
}

// resolve returns what a number, or a percentage of desired, comes to.
func resolve(v any, desired int, round func(float64) float64) int {
	switch v := v.(type) {
	case float64:
		return int(v)
	case string:
		percent, err := strconv.Atoi(strings.TrimSuffix(v, "%"))
		if err == nil {
			return int(round(float64(percent) * float64(desired) / 100))
		}
	}
	return int(round(float64(desired) / 4)) // the API's default is 25%
}

// done reports whether nothing is left to do.
func (r *rollout) done() bool {
	if len(r.sets) == 0 || r.available < r.desired {
		return false
	}
	for i, s := range r.sets {
		if i == 0 && s.facts.Status.AvailableReplicas < r.desired || i > 0 && s.facts.Status.Replicas > 0 {
			return false
		}
	}
	return true
}

// lines shows one Deployment.
func (v *Rollout) lines(k *cluster.Key, w int) []richtext.Line {
	r := v.read(k, v.Moment.Seq)
	var out []richtext.Line
	add := func(spans ...richtext.Span) { out = append(out, richtext.Line{Hang: 2, Spans: spans}) }
	if r.facts.Spec.Strategy.Type == "Recreate" {
		add(richtext.Span{Role: theme.Dim, Text: v.Say.T(text.RolloutRecreate)})
	} else {
		u := r.facts.Spec.Strategy.RollingUpdate
		add(richtext.Span{Role: theme.Dim, Text: v.Say.T(text.RolloutAllowed, orDefault(u.MaxSurge), orDefault(u.MaxUnavailable))})
	}
	pods := 0
	for _, s := range r.sets {
		pods += s.facts.Status.Replicas
	}
	nw := 0
	for _, id := range []text.ID{text.RolloutPods, text.RolloutAvailable, text.RolloutRequests} {
		nw = max(nw, layout.Width(v.Say.T(id))+2)
	}
	room := max(min(w-nw-30, 40), 4)
	role := theme.Good
	if pods > r.most {
		role = theme.Warn // terminating Pods do not count against the surge, but these do
	}
	add(richtext.Span{Text: layout.Fit(v.Say.T(text.RolloutPods), nw)}, richtext.Span{Role: role, Text: bar(pods, r.most, -1, room)},
		richtext.Span{Text: "  " + v.Say.T(text.RolloutAtMost, pods, r.most)})
	if role = theme.Good; r.available < r.least {
		role = theme.Bad
	}
	add(richtext.Span{Text: layout.Fit(v.Say.T(text.RolloutAvailable), nw)}, richtext.Span{Role: role, Text: bar(r.available, r.most, r.least, room)},
		richtext.Span{Text: "  " + v.Say.T(text.RolloutAtLeast, r.available, r.least)})
	add()
	if len(r.sets) == 0 {
		add(richtext.Span{Role: theme.Dim, Text: v.Say.T(text.RolloutNoSet)})
	}
	for i, s := range r.sets {
		age, ageRole := v.Say.T(text.RolloutOld), theme.Dim
		if i == 0 {
			age, ageRole = v.Say.T(text.RolloutNew), theme.Good
		}
		image := ""
		if c := s.facts.Spec.Template.Spec.Containers; len(c) > 0 {
			image = c[0].Image
		}
		add(richtext.Span{Role: ageRole, Text: age + " "}, richtext.Span{Role: theme.Strong, Text: fmt.Sprintf("%d ", s.revision)}, richtext.Span{Role: theme.Object, Text: s.key.Object.Name},
			richtext.Span{Role: theme.Dim, Text: "  " + image + "  "}, richtext.Span{Text: v.Say.T(text.ReadyOf, s.facts.Status.ReadyReplicas, s.desired)})
		if marks := v.marks(s.key); len(marks) > 0 {
			out = append(out, richtext.Line{Indent: 2, Spans: marks})
		}
	}
	add(richtext.Span{Role: theme.Dim, Text: v.Say.T(text.RolloutLegend)})
	loops := v.loopsTo(k, r.facts, v.Moment.Seq)
	out = append(append(out, richtext.Line{}), v.requests(loops, nw)...)
	return append(out, v.steps(k, loops)...)
}

func orDefault(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprint(int(v))
	case string:
		return v
	}
	return "25%"
}

// bar shows n of most in at most room cells, with a mark at least when that is not negative.
func bar(n, most, least, room int) string {
	scale := func(x int) int { return x }
	if most > room {
		scale = func(x int) int { return x * room / most }
	}
	s := strings.Repeat("█", scale(min(n, most))) + strings.Repeat("░", max(scale(most)-scale(min(n, most)), 0))
	if n > most {
		s += "+"
	}
	if least >= 0 {
		r := []rune(s)
		at := min(scale(least), len(r))
		s = string(r[:at]) + "|" + string(r[at:])
	}
	return s
}

// marks returns a mark for each Pod of a ReplicaSet.
func (v *Rollout) marks(rs *cluster.Key) []richtext.Span {
	var out []richtext.Span
	for _, k := range v.cluster.Keys("/registry/pods/"+rs.Object.Namespace+"/"+rs.Object.Name+"-", v.Moment.Seq) {
		if r, ok := k.At(v.Moment.Seq); ok {
			mark, role := rows.Pod(v.cluster.Facts(r))
			out = append(out, richtext.Span{Role: role, Text: mark}, richtext.Span{Text: " "})
		}
	}
	return out
}

// mostSteps bounds the table of steps.
const mostSteps = 40

// steps tells how the numbers changed up to the moment, the latest first.
func (v *Rollout) steps(k *cluster.Key, loops []*loop) []richtext.Line {
	var seqs []uint64
	for _, rs := range v.cluster.Keys("/registry/replicasets/"+k.Object.Namespace+"/", v.Moment.Seq) {
		for _, r := range rs.Revisions {
			if r.Seq <= v.Moment.Seq {
				seqs = append(seqs, r.Seq)
			}
		}
	}
	slices.Sort(seqs)
	var out []richtext.Line
	last := ""
	for _, seq := range seqs[max(len(seqs)-4*mostSteps, 0):] {
		r := v.read(k, seq)
		if len(r.sets) == 0 {
			continue
		}
		fresh, old := r.sets[0].facts.Status.Replicas, 0
		for _, s := range r.sets[1:] {
			old += s.facts.Status.Replicas
		}
		numbers := fmt.Sprintf("%s %-3d %s %-3d %s %-3d", v.Say.T(text.RolloutNew), fresh, v.Say.T(text.RolloutOld), old, v.Say.T(text.RolloutAvailable), r.available)
		if numbers == last {
			continue
		}
		last = numbers
		spans := []richtext.Span{{Role: theme.Dim, Text: fmt.Sprintf("#%-6d ", seq)}, {Text: numbers}}
		if ok, failed := totals(loops, seq); len(loops) > 0 {
			role := theme.Dim
			if failed > 0 {
				role = theme.Bad
			}
			spans = append(spans, richtext.Span{Role: role, Text: "  " + v.Say.T(text.RolloutOKFailed, ok, failed)})
		}
		out = append(out, richtext.Of(spans...))
	}
	if len(out) == 0 {
		return nil
	}
	slices.Reverse(out)
	out = out[:min(len(out), mostSteps)]
	return append([]richtext.Line{{}, richtext.Text(theme.Heading, v.Say.T(text.RolloutSteps))}, out...)
}
