package trace

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestSalvage(t *testing.T) {
	const header = `{"format":"kubestep.dev/recording","version":1}` + "\n"
	const first, second = `{"seq":1,"kind":"cri.call"}` + "\n", `{"seq":2,"kind":"cri.call"}` + "\n"
	for name, tt := range map[string]struct {
		text  string
		class error
		kept  int // events; -1 when there is no store
		words string
	}{
		"whole":         {header + first + second, nil, 2, ""},
		"cut off":       {header + first + second[:9], ErrCutOff, 1, "ends in the middle"},
		"damaged":       {header + first + "{\n" + second, ErrRecording, 1, "line 3"},
		"not an event":  {header + first + "{}\n", ErrRecording, 1, "line 3 is not an event"},
		"no recording":  {"hello\n", ErrRecording, -1, "line 1"},
		"another one's": {`{"version":2,"width":80,"height":24}` + "\n", ErrRecording, -1, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, store, err := Salvage(strings.NewReader(tt.text))
			if !errors.Is(err, tt.class) || err != nil && !strings.Contains(err.Error(), tt.words) {
				t.Errorf("err = %v, want %v with %q", err, tt.class, tt.words)
			}
			got := -1
			if store != nil {
				got = len(store.Since(0).Events)
			}
			if got != tt.kept {
				t.Errorf("%d events are kept, want %d", got, tt.kept)
			}
		})
	}
}

// TestSalvageCutOffGzip cuts a compressed recording anywhere: what is read is a beginning of the whole.
func TestSalvageCutOffGzip(t *testing.T) {
	store := sample(t)
	whole := record(t, store)
	_, all := store.Len()
	for n := range whole {
		_, part, err := Salvage(bytes.NewReader(whole[:n]))
		if err == nil {
			t.Fatalf("first %d of %d bytes: no error", n, len(whole))
		}
		if part == nil {
			continue
		}
		if _, last := part.Len(); last > all {
			t.Fatalf("first %d bytes: event %d, the whole has %d", n, last, all)
		}
	}
}

func TestWriteRecording(t *testing.T) {
	var file bytes.Buffer
	store := sample(t)
	if err := WriteRecording(t.Context(), &file, Header{Nodes: 3}, store); err != nil {
		t.Fatal(err)
	}
	h, back, err := Salvage(&file)
	if err != nil || h.Nodes != 3 || len(back.Since(0).Events) != len(store.Since(0).Events) {
		t.Errorf("read back %+v, %v", h, err)
	}
}
