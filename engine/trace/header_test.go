package trace_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
)

func TestFramesHeader(t *testing.T) {
	var frames []trace.Frame
	for line := range 12 {
		frames = append(frames, trace.Frame{Func: "create.(*Options).Run", File: "pkg/cmd/create/create.go", Line: line + 1})
	}
	got, err := trace.DecodeFrames(trace.EncodeFrames(frames))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, frames[:trace.MaxFrames]) {
		t.Errorf("read back %v, want the innermost %d of what was written", got, trace.MaxFrames)
	}
	for name, bad := range map[string]string{
		"no base64": "%%%",
		"no JSON":   "bm8=",
		"too long":  strings.Repeat("A", 9<<10),
	} {
		if frames, err := trace.DecodeFrames(bad); err == nil {
			t.Errorf("%s: read as %v, want an error", name, frames)
		}
	}
}
