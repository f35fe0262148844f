package check

import (
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
)

func TestObjectsByLabel(t *testing.T) {
	w := NewWorld()
	labelled := func(seq uint64, name, labels string) {
		e := commit(seq, 0, pod(name), `"spec":{}`)
		e.Detail.(*trace.CommitDetail).After = trace.JSONBody([]byte(`{"metadata":{"name":"` + name + `","labels":` + labels + `}}`))
		w.Observe([]trace.Event{e})
	}
	labelled(1, "web-1", `{"app":"web","tier":"front"}`)
	labelled(2, "web-2", `{"app":"web"}`)
	labelled(3, "shop", `{"app":"shop"}`)
	w.Observe([]trace.Event{commit(4, 0, pod("bare"), `"spec":{}`)})
	for labels, want := range map[string]string{"app=web": "web-1, web-2", "app=web,tier=front": "web-1", "app=none": "", "tier=front, app=web": "web-1", "app=": ""} {
		x, err := w.Compile(`objects("Pod", "default", "`+labels+`").map(p, p.metadata.name)`, Any)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.Value(); err != nil || Format(got) != want {
			t.Errorf("%s: %v, %v, not %s", labels, got, err, want)
		}
	}
	for _, labels := range []string{"", "app", "app==web", "app!=web", "app in (web)", "=web"} {
		if _, err := w.Compile(`objects("Pod", "default", "`+labels+`").size()`, Any); err == nil {
			t.Errorf("%q is taken for labels", labels)
		}
	}
}
