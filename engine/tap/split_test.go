package tap

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// cut puts stream through a splitter in pieces of the given sizes, in turns.
func cut(f framing, stream []byte, sizes []byte) (s *splitter, frames [][]byte) {
	s = &splitter{framing: f}
	take := func() {
		for frame, ok := s.next(); ok; frame, ok = s.next() {
			frames = append(frames, frame)
		}
	}
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(sizes) > 0 {
			n = min(n, int(sizes[i%len(sizes)])+1)
		}
		s.write(stream[:n])
		stream = stream[n:]
		take()
	}
	return s, frames
}

func TestSplit(t *testing.T) {
	frame := func(s string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
	}
	tests := []struct {
		name    string
		framing framing
		stream  string
		want    []string
		rest    string
	}{
		{"objects on lines", jsons, "{\"a\":1}\n{\"b\":[{}]}\n", []string{`{"a":1}`, "\n" + `{"b":[{}]}`}, "\n"},
		{"objects side by side", jsons, `{}{"a":{}}`, []string{`{}`, `{"a":{}}`}, ""},
		{"braces in strings", jsons, `{"a":"}\"}\\"}{}`, []string{`{"a":"}\"}\\"}`, `{}`}, ""},
		{"half an object", jsons, `{"a":`, nil, `{"a":`},
		{"no JSON is passed on", jsons, `{}oops {`, []string{`{}`, `oops {`}, ""},
		{"lengths", lengths, frame("abc") + frame("") + frame("d"), []string{frame("abc"), frame(""), frame("d")}, ""},
		{"half a frame", lengths, frame("abc") + "\x00\x00", []string{frame("abc")}, "\x00\x00"},
		{"an absurd length is passed on", lengths, "\xff\xff\xff\xffabc", []string{"\xff\xff\xff\xffabc"}, ""},
		{"unknown framing is passed on", opaque, "abc", []string{"abc"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, frames := cut(test.framing, []byte(test.stream), nil)
			if len(frames) != len(test.want) {
				t.Fatalf("frames are %q", frames)
			}
			for i, f := range frames {
				if string(f) != test.want[i] {
					t.Errorf("frame %d is %q, not %q", i, f, test.want[i])
				}
			}
			if rest := s.rest(); string(rest) != test.rest {
				t.Errorf("the rest is %q, not %q", rest, test.rest)
			}
		})
	}
}

// FuzzSplit checks that nothing is lost, added or reordered, however the network cuts a stream, and that the cuts do not
// change the frames.
func FuzzSplit(f *testing.F) {
	f.Add(byte(jsons), []byte("{\"a\":\"}\"}\n{}"), []byte{0})
	f.Add(byte(lengths), []byte("\x00\x00\x00\x01a\x00\x00\x00\x00"), []byte{2, 0})
	f.Add(byte(lengths), []byte("\xff\xff\xff\xff"), []byte{})
	f.Add(byte(jsons), []byte(strings.Repeat(`{"k":[1,"\\"]}`, 3)), []byte{3})
	f.Fuzz(func(t *testing.T, how byte, stream, sizes []byte) {
		kind := framing(how % 3)
		s, frames := cut(kind, stream, sizes)
		if s.framing == kind && kind != opaque { // frames only have a meaning where the stream has one
			_, whole := cut(kind, stream, nil)
			if got, want := bytes.Join(frames, []byte("|")), bytes.Join(whole, []byte("|")); !bytes.Equal(got, want) {
				t.Errorf("frames are %q, not %q", got, want)
			}
		}
		if got := append(bytes.Join(frames, nil), s.rest()...); !bytes.Equal(got, stream) {
			t.Errorf("%q became %q", stream, got)
		}
	})
}
