package tap

import (
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// maxFrames bounds how many frames an event keeps: the decision and how its controller came to it, not the work queue and
// wait loops around.
const maxFrames = 12

// Frames returns the functions of Kubernetes' components on the caller's stack, innermost first, at most a dozen.
func Frames() []trace.Frame {
	frames := trace.Callers(1, component)
	return frames[:min(len(frames), maxFrames)]
}

// component reports whether a function belongs to a component of Kubernetes, as against the libraries it is made with.
func component(module, function string) bool {
	switch module {
	case "k8s.io/kubernetes", "k8s.io/endpointslice", "k8s.io/dynamic-resource-allocation":
		return true
	case "k8s.io/kubectl":
		return strings.HasPrefix(function, "k8s.io/kubectl/pkg/cmd/")
	case "k8s.io/controller-manager":
		return strings.HasPrefix(function, "k8s.io/controller-manager/pkg/clientbuilder.")
	}
	return false
}
