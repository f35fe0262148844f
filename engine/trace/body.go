package trace

import (
	"encoding/json"
	"sync"
)

// Decoder turns what went over a wire into JSON. mediaType is the Content-Type of raw. It must be safe for concurrent
// use and must not keep raw.
type Decoder func(mediaType string, raw []byte) ([]byte, error)

// Body is an object as it went over a wire, decoded to JSON when somebody looks. It is safe for concurrent use.
type Body struct {
	mediaType string
	decode    Decoder

	mu   sync.Mutex
	raw  []byte
	json []byte
	err  error
}

// NewBody returns a body that decodes raw with decode on the first look. raw must not change afterwards. It returns nil
// for empty raw.
func NewBody(mediaType string, raw []byte, decode Decoder) *Body {
	if len(raw) == 0 {
		return nil
	}
	return &Body{mediaType: mediaType, raw: raw, decode: decode}
}

// JSONBody returns a body of what is JSON already, nil for none.
func JSONBody(raw []byte) *Body {
	if len(raw) == 0 {
		return nil
	}
	return &Body{mediaType: "application/json", json: raw}
}

// LazyBody returns a body that never was on a wire: encode gives its JSON on the first look.
func LazyBody(encode func() ([]byte, error)) *Body {
	return &Body{mediaType: "application/json", decode: func(string, []byte) ([]byte, error) { return encode() }}
}

// JSON returns the body as JSON. A nil body has none.
func (b *Body) JSON() ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.json == nil && b.err == nil {
		if b.decode == nil {
			b.json = b.raw
		} else {
			b.json, b.err = b.decode(b.mediaType, b.raw)
		}
		b.raw = nil
	}
	return b.json, b.err
}

// Size returns the bytes the body holds now.
func (b *Body) Size() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.raw) + len(b.json)
}

// MarshalJSON writes the decoded object, or {"undecoded": why} when it is not understood.
func (b *Body) MarshalJSON() ([]byte, error) {
	raw, err := b.JSON()
	if err == nil && json.Valid(raw) {
		return raw, nil
	}
	why := "not JSON"
	if err != nil {
		why = err.Error()
	}
	return json.Marshal(map[string]string{"undecoded": why})
}

// UnmarshalJSON keeps the JSON as it is.
func (b *Body) UnmarshalJSON(raw []byte) error {
	b.mediaType, b.json = "application/json", append([]byte(nil), raw...)
	return nil
}
