package kubectl

import (
	"testing"

	"k8s.io/client-go/rest"

	"github.com/kubestep/kubestep/engine/tap"
)

// TestCompletionIsToldApart: what a completion reads must not look like something that somebody asked for.
func TestCompletionIsToldApart(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want bool
	}{
		{[]string{"__complete", "get", "po"}, true}, {[]string{"__completeNoDesc", "get", ""}, true},
		{[]string{"get", "pods"}, false}, {nil, false},
	} {
		c := tapped(&rest.Config{}, "", client(tt.args))
		if got := tap.Completes(c.UserAgent); got != tt.want {
			t.Errorf("%q: %s completes: %t", tt.args, c.UserAgent, got)
		}
	}
}
