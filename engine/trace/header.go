package trace

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// FramesHeader is the HTTP header in which a client in another process, such as kubectl, sends the call stack of its
// request: see [EncodeFrames].
const FramesHeader = "Kubestep-Frames"

// MaxFrames is how many frames such a header holds at most.
const MaxFrames = 8

// maxFramesHeader bounds what is decoded; eight frames take about 1 KiB.
const maxFramesHeader = 8 << 10

// EncodeFrames returns the value of [FramesHeader]: base64 of the frames as JSON, the innermost [MaxFrames] of them.
func EncodeFrames(frames []Frame) string {
	raw, err := json.Marshal(frames[:min(len(frames), MaxFrames)])
	if err != nil { // a struct of strings and numbers always marshals
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// DecodeFrames reads the value of [FramesHeader]. It comes from outside, so what does not have the form is an error and
// what is too much is cut.
func DecodeFrames(value string) ([]Frame, error) {
	if len(value) > maxFramesHeader {
		return nil, fmt.Errorf("header %s: %d bytes are more than %d", FramesHeader, len(value), maxFramesHeader)
	}
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("header %s: %w", FramesHeader, err)
	}
	var frames []Frame
	if err := json.Unmarshal(raw, &frames); err != nil {
		return nil, fmt.Errorf("header %s: %w", FramesHeader, err)
	}
	return frames[:min(len(frames), MaxFrames)], nil
}
