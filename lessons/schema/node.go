package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader collects what is wrong with one file.
type reader struct {
	file     string
	problems *Problems
}

func (r reader) pos(n *yaml.Node) Pos {
	if n == nil {
		return Pos{r.file, 1}
	}
	return Pos{r.file, n.Line}
}

func (r reader) report(at Pos, fix, what string, args ...any) {
	*r.problems = append(*r.problems, Problem{at, fmt.Sprintf(what, args...), fix})
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// document parses YAML and returns its root, nil when that is no mapping.
func (r reader) document(raw []byte) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		at, why := Pos{r.file, 1}, strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			at.Line, _ = strconv.Atoi(m[1])
			why = m[2]
		}
		r.report(at, "check indentation and quotes there and on the line before; what has \": \" or quotes in it goes on lines of its own below \"key: |\"", "not YAML: %s", why)
		return nil
	}
	if len(doc.Content) == 0 {
		r.report(Pos{r.file, 1}, `begin with "format: 1"`, "the file is empty")
		return nil
	}
	return doc.Content[0]
}

// object is a mapping whose keys have been checked.
type object struct {
	reader
	node *yaml.Node
	what string
	m    map[string]*yaml.Node
	at   map[string]*yaml.Node // the keys
	keys []string              // in order
}

// object reads a mapping. With known keys, others are problems; without, any identifier may be a key.
func (r reader) object(n *yaml.Node, what string, known ...string) object {
	o := object{reader: r, node: n, what: what, m: map[string]*yaml.Node{}, at: map[string]*yaml.Node{}}
	if n == nil {
		return o
	}
	if n.Kind != yaml.MappingNode {
		r.report(r.pos(n), `write "key: value" lines below it`, "%s is %s, not a mapping", what, kindName(n))
		return o
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		switch {
		case key.Kind != yaml.ScalarNode:
			r.report(r.pos(key), "write a plain word", "a key of %s is %s", what, kindName(key))
			continue
		case o.m[name] != nil:
			r.report(r.pos(key), "keep one of them", "%s has the key %q twice, first on line %d", what, name, o.at[name].Line)
			continue
		case len(known) > 0 && !contains(known, name):
			r.report(r.pos(key), oneOf(name, known), "%s has an unknown key %q", what, name)
			continue
		case value.Kind == yaml.AliasNode:
			r.report(r.pos(value), "write it out", "%s is an alias of YAML, which lessons do not use", name)
			continue
		}
		o.m[name], o.at[name] = value, key
		o.keys = append(o.keys, name)
	}
	return o
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Tag == "!!null" {
		return "empty"
	}
	return fmt.Sprintf("the value %q", n.Value)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// has reports whether the key is there.
func (o object) has(key string) bool { return o.m[key] != nil }

// need reports a key that is missing.
func (o object) need(keys ...string) {
	if o.node == nil || o.node.Kind != yaml.MappingNode {
		return
	}
	for _, key := range keys {
		if !o.has(key) {
			o.report(o.pos(o.node), fmt.Sprintf("add \"%s: ...\"", key), "%s has no %q", o.what, key)
		}
	}
}

// str returns a key's value, "" when it is not there.
func (o object) str(key string) string { return o.scalar(o.m[key], o.what+"'s "+key) }

func (r reader) scalar(n *yaml.Node, what string) string {
	switch {
	case n == nil:
		return ""
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "":
		r.report(r.pos(n), "write text after the colon", "%s is %s, not text", what, kindName(n))
		return ""
	}
	return n.Value
}

// word returns an identifier.
func (o object) word(key string) string {
	s := o.str(key)
	if s != "" && !isID(s) {
		o.report(o.pos(o.m[key]), "use lower-case letters, digits and dashes, beginning with a letter", "%s's %s %q is no name", o.what, key, s)
	}
	return s
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func isID(s string) bool { return len(s) <= 60 && idForm.MatchString(s) }

// choice returns a value that must be one of known, otherwise when the key is not there.
func (o object) choice(key, otherwise string, known []string) string {
	s := o.str(key)
	if s == "" {
		return otherwise
	}
	if !contains(known, s) {
		o.report(o.pos(o.m[key]), oneOf(s, known), "%s's %s %q is none", o.what, key, s)
		return otherwise
	}
	return s
}

// integer returns a whole number from lo to hi.
func (o object) integer(key string, otherwise, lo, hi int) int {
	s := o.str(key)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		o.report(o.pos(o.m[key]), fmt.Sprintf("write a whole number from %d to %d", lo, hi), "%s's %s is %q", o.what, key, s)
		return otherwise
	}
	return n
}

func (o object) number(key string) float64 {
	s := o.str(key)
	if s == "" {
		return 0
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x != x || x > 1e15 || x < -1e15 {
		o.report(o.pos(o.m[key]), "write a number such as 3 or 2.5", "%s's %s is %q", o.what, key, s)
		return 0
	}
	return x
}

func (o object) boolean(key string) bool {
	switch s := o.str(key); s {
	case "", "false":
		return false
	case "true":
		return true
	default:
		o.report(o.pos(o.m[key]), "write true or false", "%s's %s is %q", o.what, key, s)
		return false
	}
}

func (o object) expr(key string) Expr {
	s := strings.TrimSpace(o.str(key))
	if s == "" {
		return Expr{}
	}
	at := o.pos(o.m[key])
	if style := o.m[key].Style; style == yaml.LiteralStyle || style == yaml.FoldedStyle {
		at.Line++ // the node's line is the indicator's
	}
	return Expr{Source: s, Pos: at}
}

// list returns the items of a list, none when the key is not there.
func (o object) list(key string) []*yaml.Node {
	n := o.m[key]
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		o.report(o.pos(n), `begin each item with "- ", or write [a, b]`, "%s's %s is %s, not a list", o.what, key, kindName(n))
		return nil
	case len(n.Content) == 0:
		o.report(o.pos(n), "leave the key out", "%s's %s is an empty list", o.what, key)
	}
	var items []*yaml.Node
	for _, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			o.report(o.pos(item), "write it out", "an item of %s is an alias of YAML, which lessons do not use", key)
			continue
		}
		items = append(items, item)
	}
	return items
}

// words returns a list of identifiers, each once.
func (o object) words(key string) []string {
	var out []string
	for _, n := range o.list(key) {
		s := o.scalar(n, "an item of "+key)
		switch {
		case s == "":
		case !isID(s):
			o.report(o.pos(n), "use lower-case letters, digits and dashes, beginning with a letter", "%s in %s is no name", strconv.Quote(s), key)
		case contains(out, s):
			o.report(o.pos(n), "keep one of them", "%s has %q twice", key, s)
		default:
			out = append(out, s)
		}
	}
	return out
}
