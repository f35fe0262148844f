package rolloutview

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/cluster"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/layout"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// loop is a program of a Pod that makes requests again and again, with what it has got so far, by event.
type loop struct {
	pod     trace.Object
	reports []report
}

type report struct {
	seq uint64
	sum *trace.RequestsDetail
}

// mostReports bounds what is kept of one loop: a quarter of an hour at four reports a second. Beyond that, every second
// one of the older half goes.
const mostReports = 4000

// count takes a report and reports whether it said anything new.
func (v *Rollout) count(e *trace.Event) bool {
	sum, ok := e.Detail.(*trace.RequestsDetail)
	if !ok {
		return false
	}
	at := slices.IndexFunc(v.loops, func(l *loop) bool { return l.pod == e.Object })
	if at < 0 {
		at = len(v.loops)
		v.loops = append(v.loops, &loop{pod: e.Object})
	}
	l := v.loops[at]
	place, has := slices.BinarySearchFunc(l.reports, e.Seq, func(r report, seq uint64) int { return cmp.Compare(r.seq, seq) })
	if has {
		return false
	}
	l.reports = slices.Insert(l.reports, place, report{e.Seq, sum})
	if len(l.reports) > mostReports {
		kept := l.reports[:0]
		for i, r := range l.reports {
			if i >= mostReports/2 || i%2 == 0 {
				kept = append(kept, r)
			}
		}
		l.reports = kept
	}
	return true
}

// at returns the last report up to an event, nil for none.
func (l *loop) at(seq uint64) *trace.RequestsDetail {
	n, has := slices.BinarySearchFunc(l.reports, seq, func(r report, seq uint64) int { return cmp.Compare(r.seq, seq) })
	if has {
		n++
	}
	if n == 0 {
		return nil
	}
	return l.reports[n-1].sum
}

// loopsTo returns the loops that have made requests up to an event to a Service whose selector fits the Deployment's Pods.
func (v *Rollout) loopsTo(k *cluster.Key, f *cluster.Facts, seq uint64) []*loop {
	var out []*loop
	for _, l := range v.loops {
		if sum := l.at(seq); sum != nil && v.reaches(l.pod.Namespace, sum.URL, k, f, seq) {
			out = append(out, l)
		}
	}
	return out
}

// reaches reports whether a URL, seen from a namespace, names a Service in front of the Deployment's Pods, by its name or
// its address.
func (v *Rollout) reaches(from, target string, k *cluster.Key, f *cluster.Facts, seq uint64) bool {
	if !strings.Contains(target, "://") {
		target = "http://" + target // as the programs read it
	}
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	host := u.Hostname()
	name, rest, _ := strings.Cut(host, ".")
	namespace, _, _ := strings.Cut(rest, ".")
	namespace = cmp.Or(namespace, from)
	for _, service := range v.cluster.Keys("/registry/services/specs/"+k.Object.Namespace+"/", seq) {
		r, ok := service.At(seq)
		if !ok {
			continue
		}
		spec := v.cluster.Facts(r)
		named := service.Object.Name == name && namespace == k.Object.Namespace
		if (named || spec.Spec.ClusterIP == host) && spec.Selects(f.Spec.Template.Metadata.Labels) {
			return true
		}
	}
	return false
}

// requests says what came of the requests up to the moment.
func (v *Rollout) requests(loops []*loop, nameWidth int) []richtext.Line {
	label := func(i int) richtext.Span {
		s := ""
		if i == 0 {
			s = v.Say.T(text.RolloutRequests)
		}
		return richtext.Span{Text: layout.Fit(s, nameWidth)}
	}
	if len(loops) == 0 {
		return []richtext.Line{{Hang: nameWidth, Spans: []richtext.Span{label(0), {Role: theme.Dim, Text: v.Say.T(text.RolloutNoRequests)}}}}
	}
	var out []richtext.Line
	for i, l := range loops {
		sum := l.at(v.Moment.Seq)
		role := theme.Good
		if sum.Failed > 0 {
			role = theme.Bad
		}
		out = append(out, richtext.Line{Hang: nameWidth, Spans: []richtext.Span{label(i), {Role: role, Text: v.Say.T(text.RolloutOKFailed, sum.OK, sum.Failed)},
			{Role: theme.Dim, Text: "   " + l.pod.Name + " → " + sum.URL}}})
		var answers []string
		for _, a := range slices.Sorted(maps.Keys(sum.Answers)) {
			answers = append(answers, fmt.Sprintf("%s: %d", cmp.Or(a, "…"), sum.Answers[a]))
		}
		if len(answers) > 0 {
			out = append(out, richtext.Line{Indent: nameWidth, Spans: []richtext.Span{{Text: strings.Join(answers, " · ")}}})
		}
		if sum.LastError != "" {
			out = append(out, richtext.Line{Indent: nameWidth, Spans: []richtext.Span{{Role: theme.Dim, Text: v.Say.T(text.RolloutLastFailure) + " "}, {Role: theme.Bad, Text: sum.LastError}}})
		}
	}
	return out
}

// totals returns the sums of all loops right after an event.
func totals(loops []*loop, seq uint64) (ok, failed int) {
	for _, l := range loops {
		if sum := l.at(seq); sum != nil {
			ok, failed = ok+sum.OK, failed+sum.Failed
		}
	}
	return ok, failed
}
