package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// decoded returns the object as an expression sees it: as JSON says, whole numbers as int.
func (s *stored) decoded() map[string]any {
	if s.value == nil {
		raw, err := s.body.JSON()
		if err == nil {
			s.value, err = decode(raw)
		}
		if err != nil {
			s.value = map[string]any{} // what cannot be read has no fields
		}
	}
	return s.value
}

// decoded returns the event as `kubestep trace --json` prints it, with fields that may be missing filled in.
func (s *seen) decoded() (map[string]any, error) {
	if s.value != nil {
		return s.value, nil
	}
	v, err := eventValue(&s.event)
	if err != nil {
		return nil, err
	}
	s.value = v
	return v, nil
}

func eventValue(e *trace.Event) (map[string]any, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	v, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	o := map[string]any{"apiVersion": e.Object.APIVersion, "kind": e.Object.Kind, "namespace": e.Object.Namespace,
		"name": e.Object.Name, "uid": e.Object.UID}
	v["object"] = o
	for key, otherwise := range map[string]any{
		"subresource": "", "error": "", "process": "", "resourceVersion": "", "etcdRevision": int64(0), "cause": int64(0),
		"causeLink": "", "durationMs": 0.0, "open": false, "root": false, "frames": []any{}, "detail": map[string]any{},
	} {
		if v[key] == nil {
			v[key] = otherwise
		}
	}
	component, node, _ := strings.Cut(e.Actor, "@")
	v["component"], v["node"] = component, node
	v["ms"] = float64(e.Time.UnixMicro()) / 1000
	v["status"] = int64(0)
	if d, ok := e.Detail.(*trace.RequestDetail); ok {
		v["status"] = int64(d.Status)
	}
	return v, nil
}

func decode(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	numbers(v)
	return v, nil
}

// numbers turns json.Numbers into int64 and float64, in place.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = numbers(x)
		}
	case []any:
		for i, x := range v {
			v[i] = numbers(x)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // JSON's own numbers always fit
		return f
	}
	return v
}
