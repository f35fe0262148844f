package check

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
)

// Template is text with {{ expressions }} in it.
type Template struct {
	text  []string
	exprs []*Expression // between the texts
}

// Template compiles a text. The error names the expression that is wrong.
func (w *World) Template(text string) (*Template, error) {
	t := &Template{}
	for {
		before, rest, found := strings.Cut(text, "{{")
		t.text = append(t.text, before)
		if !found {
			return t, nil
		}
		source, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, fmt.Errorf("{{ is not closed by }}: %.40q", rest)
		}
		x, err := w.Compile(strings.TrimSpace(source), cel.DynType)
		if err != nil {
			return nil, fmt.Errorf("{{%s}}: %w", source, err)
		}
		t.exprs = append(t.exprs, x)
		text = after
	}
}

// Text returns the text with the values that its expressions have now. What has no value yet reads as "…"; the error is
// for those who prove lessons.
func (t *Template) Text() (string, error) {
	var (
		b     strings.Builder
		first error
	)
	for i, s := range t.text {
		b.WriteString(s)
		if i == len(t.exprs) {
			break
		}
		v, err := t.exprs[i].Value()
		if err != nil {
			if first == nil {
				first = fmt.Errorf("{{ %s }}: %w", t.exprs[i].source, err)
			}
			v = "…"
		}
		b.WriteString(Format(v))
	}
	return b.String(), first
}

// Format returns a value as a reader would write it.
func Format(v any) string {
	switch v := v.(type) {
	case []any:
		words := make([]string, len(v))
		for i, x := range v {
			words[i] = Format(x)
		}
		return strings.Join(words, ", ")
	case float64:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	}
	return fmt.Sprint(v)
}
