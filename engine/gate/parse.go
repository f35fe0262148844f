package gate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Parse reads a pattern. The error is an [engine.ErrUsage] that says what would be right.
func Parse(text string) (*Pattern, error) {
	words := strings.Fields(text)
	p := &Pattern{text: strings.Join(words, " ")}
	if len(words) == 0 {
		return nil, fmt.Errorf("%w: the pattern is empty; try \"pods/binding\" or \"kubelet@* StartContainer\"",
			engine.ErrUsage)
	}
	for _, w := range words {
		t, err := parseWord(w)
		if err != nil {
			return nil, fmt.Errorf("%w: pattern %q: %w", engine.ErrUsage, p.text, err)
		}
		if len(t.conds) > 0 {
			p.terms = append(p.terms, t)
		}
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%w: pattern %q: %w", engine.ErrUsage, p.text, err)
	}
	p.objectItself()
	return p, nil
}

// parseWord reads one word. A term without conditions is "*".
func parseWord(w string) (term, error) {
	var t term
	body := w
	if strings.HasPrefix(body, "!") {
		t.not, body = true, body[1:]
	}
	if body == "" || body == "*" && t.not {
		return t, fmt.Errorf("%q excludes nothing that could be left: write what is meant right after the !", w)
	}
	if body == "*" {
		return t, nil
	}
	if name, value, ok := strings.Cut(body, "="); ok {
		f := field(strings.ToLower(name))
		if !slices.Contains(fields, f) {
			return t, fmt.Errorf("there is no field %q: the fields are %s", name, fieldNames())
		}
		globs, err := parseGlobs(f, value)
		t.conds, t.explicit = []cond{{f, globs}}, true
		return t, err
	}
	if strings.Contains(body, "/") {
		var err error
		t.conds, err = parseObject(body)
		return t, err
	}
	if _, err := parseGlobs("", body); err != nil {
		return t, err // its form is wrong, whatever it is about
	}
	f, err := classify(body)
	if err != nil {
		return t, err
	}
	globs, err := parseGlobs(f, body)
	t.conds = []cond{{f, globs}}
	return t, err
}

func fieldNames() string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// parseObject reads a word with slashes.
func parseObject(w string) ([]cond, error) {
	parts := strings.Split(w, "/")
	var conds []cond
	add := func(f field, value string) error {
		if value == "" {
			return fmt.Errorf("%q has nothing between two slashes, or at an end: use * there, or the form ns= name=", w)
		}
		globs, err := parseGlobs(f, value)
		conds = append(conds, cond{f, globs})
		return err
	}
	rest := parts[1:]
	everything := len(rest) == 1 && rest[0] == "*"
	sub := ""
	if last := rest[len(rest)-1]; slices.Contains(subresources, strings.ToLower(last)) {
		sub, rest = last, rest[:len(rest)-1]
	}
	fs := []field{fieldResource}
	switch len(rest) {
	case 0:
	case 1:
		fs = append(fs, fieldName)
	case 2:
		fs = append(fs, fieldNS, fieldName)
	default:
		return nil, fmt.Errorf("%q has too many slashes: an object is RESOURCE, RESOURCE/NAME or RESOURCE/NAMESPACE/NAME, "+
			"with /SUBRESOURCE at the end if it is one of %s; write others as sub=", w, strings.Join(subresources, ", "))
	}
	if strings.ContainsAny(parts[0], "@.") {
		return nil, fmt.Errorf("%q: %q is no resource; an actor or a kind of event is a word of its own, and an API group "+
			"is left out", w, parts[0])
	}
	for i, f := range fs {
		if err := add(f, parts[i]); err != nil {
			return nil, err
		}
	}
	if known := conds[0].globs[0]; known.literal && known.kind == "" {
		if near := nearest(known.text); near != "" && kindOf(near) != "" {
			return nil, fmt.Errorf("there is no resource %q built in: did you mean %q? One from a CRD is written resource=%s",
				parts[0], near, parts[0])
		}
	}
	switch {
	case sub != "":
		return conds, add(fieldSub, sub)
	case everything:
		return conds, add(fieldSub, "*")
	}
	return conds, nil
}

// classify says what a word without slashes is about.
func classify(w string) (field, error) {
	var is field
	for _, alternative := range strings.Split(w, ",") {
		f, err := classifyOne(alternative)
		if err != nil {
			return "", err
		}
		if is != "" && f != is {
			return "", fmt.Errorf("%q mixes a %s and a %s: alternatives must be about the same", w, is, f)
		}
		is = f
	}
	return is, nil
}

func classifyOne(w string) (field, error) {
	g := glob{text: strings.ToLower(w), literal: !strings.ContainsAny(w, `*?[\`)}
	if strings.Contains(w, "@") {
		return fieldActor, nil
	}
	var found []field
	add := func(f field, known ...string) {
		if slices.ContainsFunc(known, g.match) {
			found = append(found, f)
		}
	}
	add(fieldKind, kinds...)
	if strings.Contains(w, ".") && len(found) == 0 {
		return "", fmt.Errorf("there is no kind of event %q: they are %s; a name with dots is written name=%s, a resource "+
			"without its API group", w, strings.Join(kinds, ", "), w)
	}
	add(fieldSub, subresources...)
	for _, k := range kinds {
		if !slices.Contains(found, fieldVerb) && !(g.literal && len(found) > 0) {
			add(fieldVerb, verbs[trace.Kind(k)]...)
		}
	}
	for _, r := range resources {
		if !slices.Contains(found, fieldResource) {
			add(fieldResource, r...)
		}
	}
	if strings.HasSuffix(g.text, "-controller") || strings.HasPrefix(g.text, "kube-") {
		found = append(found, fieldActor)
	} else {
		add(fieldActor, actors...)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("%q could be a %s or a %s: write %s=%s or %s=%s", w, found[0], found[1], found[0], w,
			found[1], w)
	}
	if near := nearest(w); near != "" {
		return "", fmt.Errorf("%q is not known: did you mean %q?", w, near)
	}
	return "", fmt.Errorf("%q is not known: write actor=%s if it is an actor, resource=%s if it is a resource from a CRD, "+
		"name=%s if it is an object's name", w, w, w, w)
}

func parseGlobs(f field, value string) ([]glob, error) {
	var globs []glob
	for _, text := range strings.Split(value, ",") {
		if text == "" && value != "" {
			return nil, fmt.Errorf("%q has an empty alternative beside a comma", value)
		}
		if strings.HasPrefix(text, "!") {
			return nil, fmt.Errorf("%q: the ! goes before the whole word: !%s", value, strings.ReplaceAll(value, "!", ""))
		}
		if _, err := path.Match(text, ""); err != nil {
			return nil, fmt.Errorf("%q is not a shell glob: a [ needs its ], and a \\ something after it", text)
		}
		g := glob{text: strings.ToLower(text), literal: !strings.ContainsAny(text, `*?[\`)}
		if f == fieldResource && g.literal {
			g.kind = kindOf(text)
		}
		globs = append(globs, g)
	}
	return globs, nil
}

// check finds words that no event could satisfy together.
func (p *Pattern) check() error {
	seen := map[field]cond{}
	for _, t := range p.terms {
		for _, c := range t.conds {
			if t.not {
				continue
			}
			if old, twice := seen[c.field]; twice {
				return fmt.Errorf("%s is given twice, as %q and as %q, and an event has one: separate alternatives by a "+
					"comma, without a space", c.field, old, c)
			}
			seen[c.field] = c
		}
	}
	verb, kind := p.literals(fieldVerb), seen[fieldKind]
	if len(verb) != 1 || len(kind.globs) == 0 {
		return nil
	}
	of := verbKind(verb[0])
	if of == "" || kind.match(&trace.Event{Kind: of}) || verb[0] == "delete" && p.names(fieldKind, string(trace.EtcdCommit)) {
		return nil
	}
	return fmt.Errorf("%q is a verb of %s, not of %s: leave one of them out", verb[0], of, kind)
}

// objectItself makes a resource without a subresource mean the object itself, unless a field was named.
func (p *Pattern) objectItself() {
	object := -1
	for i, t := range p.terms {
		if t.not {
			continue
		}
		for _, c := range t.conds {
			if c.field == fieldSub {
				return
			}
			if c.field == fieldResource && !t.explicit {
				object = i
			}
		}
	}
	if object >= 0 {
		p.terms[object].conds = append(p.terms[object].conds, cond{fieldSub, []glob{{literal: true}}})
	}
}

// String writes the globs as they are in a pattern.
func (c cond) String() string {
	texts := make([]string, len(c.globs))
	for i, g := range c.globs {
		texts[i] = g.text
	}
	return strings.Join(texts, ",")
}

// verbKind returns the kind of event that has the verb, "" when it is not known.
func verbKind(verb string) trace.Kind {
	for k, list := range verbs {
		for _, v := range list {
			if strings.EqualFold(v, verb) {
				return k
			}
		}
	}
	return ""
}
