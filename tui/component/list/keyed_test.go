package list

import (
	"strings"
	"testing"
)

// TestSelectionStaysWithItsRow plays "set ROWS", "move N" and expects what is selected after each.
func TestSelectionStaysWithItsRow(t *testing.T) {
	type step struct {
		rows string
		move int
		want string
	}
	tests := []struct {
		name  string
		end   End
		steps []step
	}{
		{"with its row", NoEnd, []step{{"b c", 0, "b"}, {"b c", 1, "c"}, {"a b c", 0, "c"}, {"a b", 0, "b"}, {"a b c", 0, "c"}, {"", 0, ""}, {"x", 0, "x"}}},
		{"at the top", First, []step{{"b c", 0, "b"}, {"a b c", 0, "a"}, {"a b c", 1, "b"}, {"z a b c", 0, "b"}, {"z a b c", -1 << 30, "z"}, {"y z", 0, "y"}}},
		{"at the bottom", Last, []step{{"a b", 0, "b"}, {"a b c", 0, "c"}, {"a b c", -1, "b"}, {"a b c d", 0, "b"}, {"a b c d", 1 << 30, "d"}, {"a b c d e", 0, "e"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := Keyed[string]{Key: func(s string) string { return s }, End: tt.end}
			for i, s := range tt.steps {
				k.Set(strings.Fields(s.rows))
				if s.move != 0 {
					k.Move(s.move)
				}
				if got, ok := k.Selected(); got != s.want || ok != (s.want != "") {
					t.Errorf("step %d, %q moved by %d: %q is selected, want %q", i, s.rows, s.move, got, s.want)
				}
			}
		})
	}
}
