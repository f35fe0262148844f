package course

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/lessons/schema"
)

// breakingLesson is the lesson of the transcripts, whose fault is one of the network.
func breakingLesson(t *testing.T, line string) *schema.Lesson {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"lesson.yaml", "en.md", "zh.md"} {
		raw, err := os.ReadFile("testdata/play/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files["play/"+name] = &fstest.MapFile{Data: []byte(strings.Replace(string(raw), "kubectl label pod web broken=yes", "'"+line+"'", 1))}
	}
	l, problems := schema.Load(files, "play")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return l
}

// recorder is a lab that notes what is broken.
type recorder struct {
	engine.Lab
	did []engine.FaultCommand
}

func (r *recorder) Faults() engine.Faults { return r }

func (r *recorder) Do(_ context.Context, c engine.FaultCommand) (engine.FaultState, error) {
	if c.Fault.Target == "node-9" {
		return engine.FaultState{}, errors.New("there is no node node-9")
	}
	r.did = append(r.did, c)
	return engine.FaultState{}, nil
}

func (r *recorder) State(context.Context) (engine.FaultState, error) { return engine.FaultState{}, nil }

func TestFaultCommand(t *testing.T) {
	lab := &recorder{}
	o := Options{Lab: lab, Kubectl: func(_ context.Context, args []string) (string, error) { return strings.Join(args, " "), nil }}
	for _, test := range []struct {
		command  schema.Command
		out, err string
	}{
		{schema.Command{Args: []string{"get", "pods"}}, "get pods", ""},
		{schema.Command{Fault: []string{"cut", "pod/web"}}, "", ""},
		{schema.Command{Fault: []string{"heal"}}, "", ""},
		{schema.Command{Fault: []string{"cut", "node-9"}}, "there is no node node-9", "there is no node node-9"},
		{schema.Command{Fault: []string{"rm", "-rf"}}, "there is no fault", `there is no fault "rm"`},
	} {
		out, err := o.Command(t.Context(), test.command)
		if !strings.Contains(out, test.out) || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%v: %q, %v", test.command, out, err)
		}
	}
	want := []engine.FaultCommand{{Fault: engine.Fault{Kind: engine.FaultCut, Target: "pod/default/web"}}, {Heal: true}}
	if !slices.Equal(lab.did, want) {
		t.Errorf("the lab did %+v, want %+v", lab.did, want)
	}
}

func TestLintFault(t *testing.T) {
	for line, want := range map[string]string{
		"kubestep fault cut node-2":                                            "",
		`kubestep fault no-dns {{ object("Pod", "web").spec.nodeName }}`:       "",
		`kubestep fault cut pod/default/{{ objects("Pod")[0].metadata.name }}`: "",
		`kubestep fault cutt {{ object("Pod", "web").spec.nodeName }}`:         `there is no fault "cutt"`,
		"kubestep fault cut":                      "say where: cut NODE",
		"kubestep fault drop node-1 lots":         `"lots" is no share of the packets`,
		`kubestep fault cut {{ objekt("Pod") }}`:  "objekt",
		"kubestep fault stop-proxy pod/shop/cart": "stop-proxy is a fault of nodes",
	} {
		problems := Lint(breakingLesson(t, line))
		if (len(problems) == 0) != (want == "") || want != "" && !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want %q", line, problems, want)
		}
	}
}

// A reset heals before it deletes: a Pod of a node that is off would not go.
func TestResetHeals(t *testing.T) {
	for line, want := range map[string]bool{"kubestep fault cut node-2": true, "kubectl label pod web broken=yes": false} {
		m, err := New(breakingLesson(t, line), check.NewWorld())
		if err != nil {
			t.Fatal(err)
		}
		p := &player{m: m}
		m.Handle(p.input(t, "start"))
		m.Handle(p.input(t, "put web Pending"))
		var kinds []string
		for _, e := range m.Handle(p.input(t, "reset")) {
			switch e.(type) {
			case Heal:
				kinds = append(kinds, "heal")
			case Remove:
				kinds = append(kinds, "remove")
			}
		}
		wanted := []string{"remove"}
		if want {
			wanted = []string{"heal", "remove"}
		}
		if !slices.Equal(kinds, wanted) {
			t.Errorf("%s: a reset does %v, want %v", line, kinds, wanted)
		}
	}
}
