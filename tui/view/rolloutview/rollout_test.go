package rolloutview

import (
	"encoding/json"
	"testing"

	"github.com/kubestep/kubestep/tui/cluster"
)

func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		spec                   string
		desired, most, wantMin int
	}{
		{`{}`, 4, 5, 3},
		{`{}`, 1, 2, 1},
		{`{"strategy":{"rollingUpdate":{"maxSurge":"0%","maxUnavailable":"0%"}}}`, 10, 10, 9},
		{`{"strategy":{"rollingUpdate":{"maxSurge":"39%","maxUnavailable":"39%"}}}`, 10, 14, 7},
		{`{"strategy":{"rollingUpdate":{"maxSurge":2,"maxUnavailable":0}}}`, 3, 5, 3},
		{`{"strategy":{"type":"Recreate"}}`, 3, 3, 0},
	} {
		var f cluster.Facts
		if err := json.Unmarshal([]byte(`{"spec":`+tt.spec+`}`), &f); err != nil {
			t.Fatal(err)
		}
		if most, least := bounds(&f, tt.desired); most != tt.most || least != tt.wantMin {
			t.Errorf("%s of %d: at most %d, at least %d; want %d and %d", tt.spec, tt.desired, most, least, tt.most, tt.wantMin)
		}
	}
}
