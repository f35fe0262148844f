package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Op says what became of one part of an object.
type Op string

// The operations of a [Change].
const (
	Added   Op = "add"
	Removed Op = "remove"
	Changed Op = "change"
)

// Change is one difference between two objects.
type Change struct {
	Op Op `json:"op"`
	// Path leads to the part: "spec.containers[name=web].image", "metadata.labels[\"app.kubernetes.io/name\"]"; empty for
	// the whole object.
	Path string `json:"path"`
	// Before and After are the part as JSON; nil where it was not there.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Diff returns how two objects, given as JSON, differ, by path. Empty input means that there is no object. It leaves out
// metadata.managedFields, which changes with every write; [DiffAll] does not.
//
// A part that only one of them has is one change, however much is in it. Items of a list are told apart by their "name",
// "uid", "type", "ip" or "containerPort" when that is unique in both lists, as the API's own merge keys do, else by their
// index.
func Diff(before, after []byte) ([]Change, error) { return diff(before, after, false) }

// DiffAll is [Diff] with metadata.managedFields.
func DiffAll(before, after []byte) ([]Change, error) { return diff(before, after, true) }

func diff(before, after []byte, all bool) ([]Change, error) {
	a, err := parseObject(before, all)
	if err != nil {
		return nil, fmt.Errorf("compare: object before: %w", err)
	}
	b, err := parseObject(after, all)
	if err != nil {
		return nil, fmt.Errorf("compare: object after: %w", err)
	}
	var d differ
	d.compare("", a, b)
	return d.changes, d.err
}

// absent marks what is not there; a JSON null is nil.
type absent struct{}

func parseObject(raw []byte, all bool) (any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return absent{}, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // 64-bit integers do not fit a float
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if !all {
		if o, ok := v.(map[string]any); ok {
			if meta, ok := o["metadata"].(map[string]any); ok {
				delete(meta, "managedFields")
			}
		}
	}
	return v, nil
}

type differ struct {
	changes []Change
	err     error
}

func (d *differ) compare(path string, a, b any) {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			d.compareMaps(path, a, b)
			return
		}
	case []any:
		if b, ok := b.([]any); ok {
			d.compareLists(path, a, b)
			return
		}
	}
	_, wasAbsent := a.(absent)
	_, isAbsent := b.(absent)
	switch {
	case wasAbsent && isAbsent:
	case wasAbsent:
		d.add(Change{Op: Added, Path: path, After: d.marshal(b)})
	case isAbsent:
		d.add(Change{Op: Removed, Path: path, Before: d.marshal(a)})
	default:
		before, after := d.marshal(a), d.marshal(b)
		if !bytes.Equal(before, after) {
			d.add(Change{Op: Changed, Path: path, Before: before, After: after})
		}
	}
}

func (d *differ) compareMaps(path string, a, b map[string]any) {
	keys := make([]string, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		d.compare(joinKey(path, k), valueOf(a, k), valueOf(b, k))
	}
}

func valueOf(m map[string]any, k string) any {
	if v, ok := m[k]; ok {
		return v
	}
	return absent{}
}

func (d *differ) compareLists(path string, a, b []any) {
	key := mergeKey(a, b)
	if key == "" {
		for i := range max(len(a), len(b)) {
			d.compare(path+"["+strconv.Itoa(i)+"]", itemAt(a, i), itemAt(b, i))
		}
		return
	}
	after := map[string]any{}
	for _, item := range b {
		after[keyValue(item, key)] = item
	}
	seen := map[string]bool{}
	for _, item := range a {
		v := keyValue(item, key)
		seen[v] = true
		var now any = absent{}
		if x, ok := after[v]; ok {
			now = x
		}
		d.compare(path+"["+key+"="+v+"]", item, now)
	}
	for _, item := range b {
		if v := keyValue(item, key); !seen[v] {
			d.compare(path+"["+key+"="+v+"]", absent{}, item)
		}
	}
}

func itemAt(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return absent{}
}

// mergeKey returns the field that names each item of both lists, "" when there is none.
func mergeKey(a, b []any) string {
	if len(a)+len(b) == 0 {
		return ""
	}
	for _, key := range []string{"name", "uid", "type", "ip", "containerPort"} {
		if namesAll(a, key) && namesAll(b, key) {
			return key
		}
	}
	return ""
}

func namesAll(list []any, key string) bool {
	seen := map[string]bool{}
	for _, item := range list {
		v := keyValue(item, key)
		if v == "" || seen[v] {
			return false
		}
		seen[v] = true
	}
	return true
}

func keyValue(item any, key string) string {
	o, ok := item.(map[string]any)
	if !ok {
		return ""
	}
	switch v := o[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// joinKey quotes what would read as more than one step of a path.
func joinKey(path, key string) string {
	if key == "" || strings.ContainsAny(key, `.[]"/ `) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

func (d *differ) marshal(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("compare: %w", err) // cannot be: v was parsed from JSON
	}
	return raw
}
