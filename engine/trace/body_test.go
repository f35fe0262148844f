package trace

import "testing"

// A lazy body is encoded on the first look, and only then.
func TestLazyBody(t *testing.T) {
	looks := 0
	b := LazyBody(func() ([]byte, error) {
		looks++
		return []byte(`{"kind":"Pod"}`), nil
	})
	if looks != 0 || b.Size() != 0 {
		t.Errorf("before the first look: encoded %d times, %d bytes", looks, b.Size())
	}
	for range 2 {
		if raw, err := b.JSON(); err != nil || string(raw) != `{"kind":"Pod"}` {
			t.Errorf("JSON is %s, %v", raw, err)
		}
	}
	if looks != 1 {
		t.Errorf("encoded %d times", looks)
	}
}
