package check

import (
	"fmt"
	"strings"
)

// selector are labels that an object must all have.
type selector map[string]string

// parseSelector reads KEY=VALUE, several with commas between. Of what kubectl's -l can say it is what lessons need.
func parseSelector(text string) (selector, error) {
	s := selector{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if key = strings.TrimSpace(key); !ok || key == "" || strings.ContainsAny(part, "!()") || strings.HasPrefix(value, "=") {
			return nil, fmt.Errorf("the labels %q: write KEY=VALUE, several with commas between", text)
		}
		s[key] = strings.TrimSpace(value)
	}
	return s, nil
}

func (s selector) matches(o *stored) bool {
	if len(s) == 0 {
		return true
	}
	meta, _ := o.decoded()["metadata"].(map[string]any)
	labels, _ := meta["labels"].(map[string]any)
	for key, value := range s {
		if labels[key] != value {
			return false
		}
	}
	return true
}
