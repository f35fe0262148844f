package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// sample fills a store with one event of each kind, one of them still open.
func sample(t testing.TB) *Store {
	tap := NewTap(NewStore(Limits{}), nil)
	code := int32(137)
	for _, d := range []Detail{
		&RequestDetail{Method: "POST", URI: "/apis/apps/v1", Body: JSONBody([]byte(`{"kind":"Deployment"}`))},
		&StageDetail{Plugin: "NodeRestriction", Decision: "admitted"},
		&CommitDetail{Key: "/registry/x", After: JSONBody([]byte(`{"a":"<b>"}`)), Bytes: 7},
		&DeliverDetail{URI: "/api/v1/pods?watch=1", Client: "shared-informers"},
		&SchedDetail{Profile: "default-scheduler", Attempt: 1, Plugins: []SchedPlugin{{Name: "NodeResourcesFit", Weight: 1}},
			Score: []ScoreRow{{Node: "node-1", Cells: []ScoreCell{{1, 2, 2}}, Total: 2}}},
		&CRIDetail{Node: "node-1", ExitCode: &code},
	} {
		s, err := tap.Begin(t.Context(), Event{Actor: "x", Kind: d.kind(), Verb: "v", Detail: d,
			Frames: []Frame{{Func: "f", File: "g.go", Line: 3, Module: "k8s.io/kubectl"}}})
		if err != nil {
			t.Fatal(err)
		}
		if d.kind() != CRICall {
			s.End(nil, nil)
		}
	}
	return tap.Store()
}

func record(t testing.TB, store *Store) []byte {
	t.Helper()
	var file bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Record(ctx, &file, Header{Kubernetes: "v1.36.3", Nodes: 3}, store); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestRecordingRoundTrip(t *testing.T) {
	store := sample(t)
	h, back, err := ReadRecording(bytes.NewReader(record(t, store)))
	if err != nil {
		t.Fatal(err)
	}
	if h.Kubernetes != "v1.36.3" || h.Nodes != 3 {
		t.Errorf("header = %+v", h)
	}
	want, err := json.Marshal(store.Since(0).Events)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(back.Since(0).Events)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("read back\n%s\nwant\n%s", got, want)
	}
}

func TestReadRecordingErrors(t *testing.T) {
	header := `{"format":"kubestep.dev/recording","version":1}` + "\n"
	for name, tt := range map[string]struct{ text, want string }{
		"empty":        {"", "it is empty"},
		"not JSON":     {"hello\n", "line 1 is not the header"},
		"other format": {`{"format":"asciicast","version":1}` + "\n", "line 1 is not the header"},
		"newer":        {`{"format":"kubestep.dev/recording","version":9}` + "\n", "format version 9, this program reads version 1"},
		"damaged":      {header + "{\"seq\":1,\n" + `{"seq":2,"kind":"cri.call"}` + "\n", "line 2"},
		"not an event": {header + `{"hello":1}` + "\n", "line 2 is not an event"},
		"jump":         {header + `{"seq":1,"kind":"cri.call"}` + "\n" + `{"seq":99999999999,"kind":"cri.call"}` + "\n", "jumps"},
		"broken gzip":  {"\x1f\x8bnothing", "not a readable recording"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ReadRecording(strings.NewReader(tt.text))
			if !errors.Is(err, ErrRecording) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want %q in it", err, tt.want)
			}
		})
	}
}

// TestReadRecordingCutOff reads what a killed recorder leaves: every prefix either reads or is refused, and never loses
// an event that was complete.
func TestReadRecordingCutOff(t *testing.T) {
	whole := record(t, sample(t))
	zip, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	for n := range plain {
		_, store, err := ReadRecording(bytes.NewReader(plain[:n]))
		lines := bytes.Count(plain[:n], []byte("\n"))
		if lines == 0 {
			continue // the header itself is cut
		}
		if err != nil {
			t.Fatalf("first %d bytes: %v", n, err)
		}
		if got := len(store.Since(0).Events); got < lines-1 {
			t.Fatalf("first %d bytes: %d events, want at least %d", n, got, lines-1)
		}
	}
}

func FuzzReadRecording(f *testing.F) {
	f.Add(record(f, sample(f)))
	f.Add([]byte(`{"format":"kubestep.dev/recording","version":1}` + "\n" + `{"seq":1,"kind":"net.hop","detail":{"a":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _, err := ReadRecording(bytes.NewReader(raw))
		if err != nil && !errors.Is(err, ErrRecording) {
			t.Errorf("error of no class: %v", err)
		}
	})
}
