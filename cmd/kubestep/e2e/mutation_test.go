package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/kubestep/kubestep/lessons"
)

// mutant is one mistake in a lesson: what it is, and the file that has it.
type mutant struct {
	lesson, what, file string
	text               []byte
}

// TestMutations injects mistakes into the lessons, one at a time, and counts those that neither `lesson lint` nor
// `lesson prove` notices. A proof takes most of a minute, so it runs only when KUBESTEP_MUTATIONS says how many of the
// mistakes that lint lets pass shall be proved; KUBESTEP_MUTATION_LESSON picks a lesson.
func TestMutations(t *testing.T) {
	proofs, err := strconv.Atoi(os.Getenv("KUBESTEP_MUTATIONS"))
	if err != nil {
		t.Skip("KUBESTEP_MUTATIONS does not say how many proofs of spoilt lessons to run; make mutations does")
	}
	u := newUser(t)
	all := mutants(t, os.Getenv("KUBESTEP_MUTATION_LESSON"))
	var passed []mutant
	for _, m := range all {
		if r := u.run(t, "", "lesson", "lint", m.lesson, "--lessons", u.spoil(t, m)); r.code == 0 {
			passed = append(passed, m)
		}
	}
	// The same ones each time, of all lessons and kinds.
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(passed), func(i, j int) { passed[i], passed[j] = passed[j], passed[i] })
	proved, missed := passed[:min(proofs, len(passed))], 0
	for _, m := range proved {
		r := u.run(t, "", "lesson", "prove", m.lesson, "--json", "--step", "40s", "--lessons", u.spoil(t, m))
		caught := r.code != 0 && len(proofOf(t, r.stdout).Problems) > 0
		if !caught {
			missed++
		}
		t.Logf("caught %-5v %s: %s", caught, m.lesson, m.what)
	}
	if len(proved) == 0 {
		t.Fatal("no mistake to prove")
	}
	lint := len(all) - len(passed)
	share := (float64(lint) + float64(len(passed))*float64(len(proved)-missed)/float64(len(proved))) / float64(len(all))
	t.Logf("%d mistakes: lint notices %d; of the %d others %d were proved and %d noticed; %.0f %% in all",
		len(all), lint, len(passed), len(proved), len(proved)-missed, 100*share)
	if share < 0.9 {
		t.Errorf("less than 90 %% of the mistakes are noticed")
	}
}

// spoil writes a lesson with its mistake beside the others, which it may require, and returns the folder that holds
// their folders.
func (u *user) spoil(t *testing.T, m mutant) string {
	t.Helper()
	dir, err := os.MkdirTemp(u.home, "spoilt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, id := range lessonIDs(t) {
		for name, text := range lessonFiles(t, id) {
			if id == m.lesson && name == m.file {
				text = m.text
			}
			to := filepath.Join(dir, id, name)
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func lessonIDs(t *testing.T) []string {
	t.Helper()
	entries, err := lessons.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids
}

func lessonFiles(t *testing.T, id string) map[string][]byte {
	t.Helper()
	entries, err := lessons.FS.ReadDir(id)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = lessons.FS.ReadFile(id + "/" + e.Name()); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// mutants returns every mistake of every kind, in all lessons or one.
func mutants(t *testing.T, only string) []mutant {
	t.Helper()
	var out []mutant
	for _, id := range lessonIDs(t) {
		if only != "" && id != only {
			continue
		}
		for name, text := range lessonFiles(t, id) {
			var found []mutant
			switch {
			case name == "lesson.yaml":
				found = mistakesInSteps(t, text)
			case strings.HasSuffix(name, ".yaml"):
				found = missingLines(text)
			}
			for _, m := range found {
				m.lesson, m.file = id, name
				m.what = name + ": " + m.what
				out = append(out, m)
			}
		}
	}
	return out
}

// missingLines leaves out one line of a manifest at a time.
func missingLines(text []byte) []mutant {
	lines := strings.Split(string(text), "\n")
	var out []mutant
	for i, line := range lines {
		bare := strings.TrimSpace(line)
		if bare == "" || bare == "---" || strings.HasPrefix(bare, "#") {
			continue
		}
		rest := append(append([]string{}, lines[:i]...), lines[i+1:]...)
		out = append(out, mutant{what: fmt.Sprintf("without line %d %q", i+1, bare), text: []byte(strings.Join(rest, "\n"))})
	}
	return out
}

var (
	variable = regexp.MustCompile(`\$\{([a-z]+)\}`)
	escaped  = regexp.MustCompile(`\$<([a-z]+)>`)
)

// mistakesInSteps changes one thing of lesson.yaml at a time.
func mistakesInSteps(t *testing.T, text []byte) []mutant {
	t.Helper()
	// Variables are put in before a lesson is parsed: as they stand, their braces are none of YAML's.
	text = variable.ReplaceAll(text, []byte("$$<$1>"))
	var out []mutant
	// edit makes the change in each mapping that it fits, each time in a fresh copy.
	edit := func(change func(n *yaml.Node) (what string, done bool)) {
		for i := 0; ; i++ {
			var doc yaml.Node
			if err := yaml.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			places := mappings("", doc.Content[0])
			if i == len(places) {
				return
			}
			if what, ok := change(places[i].node); ok {
				out = append(out, mutant{what: places[i].where + ": " + what, text: marshal(t, &doc)})
			}
		}
	}
	item := func(key string) func(*yaml.Node) (string, bool) {
		return func(n *yaml.Node) (string, bool) { return "without its first " + key, dropFirst(n, key) }
	}
	for _, key := range []string{"check", "wrong", "do", "solve", "stop", "setup", "undo", "options"} {
		edit(item(key))
	}
	edit(func(n *yaml.Node) (string, bool) { return "that is always true", set(n, "that", "true") })
	edit(func(n *yaml.Node) (string, bool) { return "that is the opposite", negate(n, "that") })
	edit(func(n *yaml.Node) (string, bool) { return "that asks for less", weaken(n, "that") })
	edit(func(n *yaml.Node) (string, bool) { return "when is never true", set(n, "when", "false") })
	edit(func(n *yaml.Node) (string, bool) { return "the first option is the answer", otherAnswer(n) })
	edit(func(n *yaml.Node) (string, bool) {
		return "the order of the answer turned round", turn(n, "answer")
	})
	edit(func(n *yaml.Node) (string, bool) {
		facts := value(n, "facts")
		if facts == nil || len(facts.Content) == 0 {
			return "", false
		}
		facts.Content[0].Value = "!(" + facts.Content[0].Value + ")"
		return "the first fact is the opposite", true
	})
	return out
}

// place is a mapping with the ids that lead to it.
type place struct {
	where string
	node  *yaml.Node
}

// mappings returns all mappings in n, without the comments and the style that would be written otherwise than read.
func mappings(where string, n *yaml.Node) []place {
	var out []place
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	n.Style &^= yaml.FlowStyle
	if n.Kind == yaml.MappingNode {
		if id := value(n, "id"); id != nil {
			where += "/" + id.Value
		}
		out = append(out, place{where, n})
	}
	for _, c := range n.Content {
		out = append(out, mappings(where, c)...)
	}
	return out
}

func value(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func dropFirst(n *yaml.Node, key string) bool {
	v := value(n, key)
	if v == nil || v.Kind != yaml.SequenceNode || len(v.Content) == 0 {
		return false
	}
	v.Content = v.Content[1:]
	return true
}

func set(n *yaml.Node, key, to string) bool {
	v := value(n, key)
	if v == nil {
		return false
	}
	*v = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: to}
	return true
}

func negate(n *yaml.Node, key string) bool {
	v := value(n, key)
	return v != nil && set(n, key, "!("+v.Value+")")
}

// weaken leaves out the first of several conditions.
func weaken(n *yaml.Node, key string) bool {
	v := value(n, key)
	if v == nil {
		return false
	}
	first, rest, ok := strings.Cut(v.Value, "&&")
	return ok && strings.Count(first, "(") == strings.Count(first, ")") && set(n, key, rest)
}

// otherAnswer makes a wrong option the answer.
func otherAnswer(n *yaml.Node) bool {
	answer, options := value(n, "answer"), value(n, "options")
	if answer == nil || answer.Kind != yaml.ScalarNode || options == nil {
		return false
	}
	for _, o := range options.Content {
		if o.Value != answer.Value {
			answer.Value = o.Value
			return true
		}
	}
	return false
}

func turn(n *yaml.Node, key string) bool {
	v := value(n, key)
	if v == nil || v.Kind != yaml.SequenceNode || len(v.Content) < 2 || value(n, "kind") == nil || value(n, "kind").Value != "order" {
		return false
	}
	first, last := 0, len(v.Content)-1
	v.Content[first], v.Content[last] = v.Content[last], v.Content[first]
	return true
}

func marshal(t *testing.T, n *yaml.Node) []byte {
	t.Helper()
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		t.Fatal(err)
	}
	return escaped.ReplaceAll(b.Bytes(), []byte("$${$1}"))
}
