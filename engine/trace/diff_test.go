package trace

import (
	"fmt"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	tests := []struct {
		name          string
		before, after string
		want          []string
	}{
		{"same", `{"a":1}`, `{"a":1}`, nil},
		{"both absent", ``, ` `, nil},
		{"created", ``, `{"kind":"Pod"}`, []string{`add  -> {"kind":"Pod"}`}},
		{"deleted", `{"kind":"Pod"}`, ``, []string{`remove  {"kind":"Pod"} ->`}},
		{"field added, removed, changed", `{"spec":{"a":1,"b":"x"}}`, `{"spec":{"b":"y","nodeName":"node-2"}}`, []string{
			`remove spec.a 1 ->`, `change spec.b "x" -> "y"`, `add spec.nodeName -> "node-2"`}},
		{"null is not absent", `{"a":null}`, `{}`, []string{`remove a null ->`}},
		{"type changes", `{"a":[1]}`, `{"a":{"b":1}}`, []string{`change a [1] -> {"b":1}`}},
		{"large integers", `{"g":9007199254740993}`, `{"g":9007199254740992}`,
			[]string{`change g 9007199254740993 -> 9007199254740992`}},
		{"key that needs quotes", `{"labels":{}}`, `{"labels":{"app.kubernetes.io/name":"web"}}`,
			[]string{`add labels["app.kubernetes.io/name"] -> "web"`}},
		{"list by name, in another order",
			`{"c":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}`,
			`{"c":[{"name":"b","image":"2"},{"name":"a","image":"1"},{"name":"z"}]}`,
			[]string{`change c[name=b].image "1" -> "2"`, `add c[name=z] -> {"name":"z"}`}},
		{"conditions by type", `{"c":[{"type":"Ready","status":"False"}]}`, `{"c":[{"type":"Ready","status":"True"}]}`,
			[]string{`change c[type=Ready].status "False" -> "True"`}},
		{"list by port", `{"p":[{"containerPort":80}]}`, `{"p":[]}`, []string{`remove p[containerPort=80] {"containerPort":80} ->`}},
		{"names that are not unique fall back to the index", `{"c":[{"name":"a"},{"name":"a"}]}`, `{"c":[{"name":"a"}]}`,
			[]string{`remove c[1] {"name":"a"} ->`}},
		{"plain list", `{"c":[1,2]}`, `{"c":[1,3,4]}`, []string{`change c[1] 2 -> 3`, `add c[2] -> 4`}},
		{"managed fields are left out", `{"metadata":{"managedFields":[1]}}`, `{"metadata":{"managedFields":[2]}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changes, err := Diff([]byte(tt.before), []byte(tt.after))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range changes {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Op, c.Path,
					strings.TrimSpace(string(c.Before)+" -> "+string(c.After)))))
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestDiffAllKeepsManagedFields(t *testing.T) {
	changes, err := DiffAll([]byte(`{"metadata":{"managedFields":[1]}}`), []byte(`{"metadata":{"managedFields":[2]}}`))
	if err != nil || len(changes) != 1 || changes[0].Path != "metadata.managedFields[0]" {
		t.Fatalf("got %v, %v", changes, err)
	}
}

func TestDiffRefusesWhatIsNotJSON(t *testing.T) {
	if _, err := Diff([]byte(`{`), nil); err == nil || !strings.Contains(err.Error(), "before") {
		t.Errorf("broken before: %v", err)
	}
	if _, err := Diff(nil, []byte(`nope`)); err == nil || !strings.Contains(err.Error(), "after") {
		t.Errorf("broken after: %v", err)
	}
}
