package quiz

import (
	"slices"
	"testing"

	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/lessons/schema"
)

// A question that is not live can have a truth as well, which its answer is compared with.
func TestComputed(t *testing.T) {
	order := &schema.Question{ID: "q", Kind: schema.Order, Options: []schema.Option{{ID: "a"}, {ID: "b"}},
		Answer: []string{"a", "b"}, Truth: schema.Expr{Source: `["b", "a"]`}}
	w := check.NewWorld()
	said, err := TruthOf(order, w)
	if err != nil || !slices.Equal(said.Options, []string{"a", "b"}) {
		t.Errorf("the answer is %v, %v", said.Options, err)
	}
	computed, err := Computed(order, w)
	if err != nil || !slices.Equal(computed.Options, []string{"b", "a"}) {
		t.Errorf("computed is %v, %v", computed.Options, err)
	}
	order.Truth.Source = `["c"]`
	if _, err := Computed(order, w); err == nil {
		t.Error("what is no option was taken")
	}
}
