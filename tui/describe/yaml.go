package describe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/theme"
)

// YAML returns an object, given as JSON, as YAML with its fields in the order in which they came. It leaves out
// metadata.managedFields, which is longer than the rest and says nothing about the object.
func YAML(raw []byte) ([]richtext.Line, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := decodeOrdered(dec)
	if err != nil {
		return nil, fmt.Errorf("read the object: %w", err)
	}
	var y yamlWriter
	y.value("", 0, v)
	return y.lines, nil
}

// field and ordered are a JSON object that keeps its order, which a map does not.
type field struct {
	key   string
	value any
}
type ordered []field

func decodeOrdered(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		o := ordered{}
		for dec.More() {
			k, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeOrdered(dec)
			if err != nil {
				return nil, err
			}
			o = append(o, field{fmt.Sprint(k), v})
		}
		_, err := dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := decodeOrdered(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return tok, nil
}

type yamlWriter struct{ lines []richtext.Line }

func (y *yamlWriter) add(depth int, spans ...richtext.Span) {
	y.lines = append(y.lines, richtext.Line{Indent: 2 * depth, Hang: 2, Spans: spans})
}

// value writes v under a key; an empty key is the top.
func (y *yamlWriter) value(key string, depth int, v any) {
	head := []richtext.Span{}
	if key != "" {
		head = append(head, richtext.Span{Role: theme.Heading, Text: yamlString(key)}, richtext.Span{Text: ":"})
	}
	below := depth
	if key != "" {
		below++
	}
	switch v := v.(type) {
	case ordered:
		if len(v) == 0 {
			y.add(depth, append(head, richtext.Span{Text: " {}"})...)
			return
		}
		if key != "" {
			y.add(depth, head...)
		}
		for _, f := range v {
			if f.key == "managedFields" && key == "metadata" {
				continue
			}
			y.value(f.key, below, f.value)
		}
	case []any:
		if len(v) == 0 {
			y.add(depth, append(head, richtext.Span{Text: " []"})...)
			return
		}
		if key != "" {
			y.add(depth, head...)
		}
		for _, item := range v {
			y.item(depth, item)
		}
	default:
		if key != "" {
			head = append(head, richtext.Span{Text: " "})
		}
		y.add(depth, append(head, richtext.Span{Text: scalar(v)})...)
	}
}

// item writes one item of a list: "- " stands where the item's first line is indented.
func (y *yamlWriter) item(depth int, v any) {
	at := len(y.lines)
	y.value("", depth+1, v)
	if at == len(y.lines) {
		return
	}
	first := &y.lines[at]
	first.Indent -= 2
	first.Spans = append([]richtext.Span{{Role: theme.Dim, Text: "- "}}, first.Spans...)
}

func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return yamlString(v)
	}
	return fmt.Sprint(v)
}

// yamlString quotes what YAML would read as something else than this string.
func yamlString(s string) string {
	switch strings.ToLower(s) {
	case "", "true", "false", "null", "yes", "no", "on", "off", "~":
		return fmt.Sprintf("%q", s)
	}
	if strings.ContainsAny(s, "\n\t\"\\") || strings.Contains(s, ": ") || strings.Contains(s, " #") ||
		strings.HasSuffix(s, ":") || strings.ContainsAny(s[:1], "&*!|>'%@`{}[],?- #") || strings.TrimSpace(s) != s {
		return fmt.Sprintf("%q", s)
	}
	if json.Valid([]byte(s)) { // a number
		return fmt.Sprintf("%q", s)
	}
	return s
}
