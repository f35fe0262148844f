package quiz

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kubestep/kubestep/lessons/schema"
)

// AsLesson returns questions in the two forms that a lesson's folder has them in: for lesson.yaml and for one language's
// file. What GIFT does not know is left for the author to fill in: where the answer can be seen, and missing remarks,
// which lint points out.
func AsLesson(questions []*schema.Question, lang string) (yaml, prose string) {
	var y, p strings.Builder
	y.WriteString("quiz:\n")
	for _, q := range questions {
		fmt.Fprintf(&y, "  - id: %s\n    kind: %s\n", q.ID, q.Kind)
		switch q.Kind {
		case schema.One:
			fmt.Fprintf(&y, "    options: %s\n    answer: %s\n", ids(q), q.Answer[0])
		case schema.Several:
			fmt.Fprintf(&y, "    options: %s\n    answer: [%s]\n", ids(q), strings.Join(q.Answer, ", "))
		case schema.Number:
			fmt.Fprintf(&y, "    answer: %s\n    tolerance: %s\n", giftNumber(q.Number), giftNumber(q.Tolerance))
		case schema.TextKey:
			quoted := make([]string, len(q.Answer))
			for i, a := range q.Answer {
				quoted[i] = strconv.Quote(a)
			}
			fmt.Fprintf(&y, "    answer: [%s]\n", strings.Join(quoted, ", "))
		case schema.Match:
			var pairs []string
			for l, r := range q.Pairs {
				pairs = append(pairs, l+": "+r)
			}
			slices.Sort(pairs)
			fmt.Fprintf(&y, "    pairs: {%s}\n", strings.Join(pairs, ", "))
		}
		if len(q.Wrong) > 0 {
			y.WriteString("    wrong:\n")
			for _, o := range q.Options {
				fmt.Fprintf(&y, "      %s: %q\n", o.ID, q.Wrong[o.ID])
			}
		}
		fmt.Fprintf(&p, "## %s\n%s\n", q.ID, q.Ask.In(lang))
		for _, o := range q.Options {
			fmt.Fprintf(&p, "- %s: %s\n", o.ID, oneLine(o.Text[lang]))
			if f := o.Feedback[lang]; f != "" {
				fmt.Fprintf(&p, "  > %s\n", oneLine(f))
			}
		}
		fmt.Fprintf(&p, "\n### why\n%s\n\n", q.Why[lang])
	}
	return y.String(), p.String()
}

func ids(q *schema.Question) string {
	var out []string
	for _, o := range q.Options {
		out = append(out, o.ID)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
