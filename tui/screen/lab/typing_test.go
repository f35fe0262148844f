package lab

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for in, want := range map[string][]string{
		"get  po -A":                {"get", "po", "-A"},
		`patch x -p '{"a": "b c"}'`: {"patch", "x", "-p", `{"a": "b c"}`},
		`a "b 'c' \"d\"" e\ f`:      {"a", `b 'c' "d"`, "e f"},
		`a ''`:                      {"a", ""},
		`'\n'`:                      {`\n`},
		"":                          nil,
	} {
		if got, ok := split(in); !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %q %t, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{`a "b`, `a 'b`, `a \`} {
		if got, ok := split(in); ok {
			t.Errorf("%s is not closed and gave %q", in, got)
		}
	}
}
