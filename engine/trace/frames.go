package trace

import (
	"runtime"
	"strings"
	"sync"
)

// stackDepth bounds how far up a stack is looked: the deepest upstream stacks (informer, work queue, wait loops, client,
// transport chain) have about 60 functions.
const stackDepth = 96

// code is what one program counter stands for: more than one function when calls were inlined there.
type code struct {
	module   string // "k8s.io/kubernetes"; empty for the standard library and for the main module
	function string // "k8s.io/kubernetes/pkg/kubelet.(*Kubelet).SyncPod"
	frame    Frame
}

// kubernetes is the module that most frames are of.
const kubernetes = "k8s.io/kubernetes"

// symbols remembers what program counters stand for, because looking them up costs more than the rest of an event. It
// only holds facts about the running binary, which do not change, so it is shared by all taps.
var symbols sync.Map // uintptr -> []code

// Callers returns the functions on the calling goroutine's stack that keep accepts, innermost first. skip is how many
// functions to leave out first: 0 begins with the caller of Callers. keep gets the Go module a function belongs to
// ("k8s.io/kubernetes"; empty for the standard library and the main module) and its full name
// ("k8s.io/kubernetes/pkg/kubelet.(*Kubelet).SyncPod"). A frame's file is relative to its module. It is safe for
// concurrent use and takes a few microseconds once a stack has been seen.
func Callers(skip int, keep func(module, fn string) bool) []Frame {
	var pcs [stackDepth]uintptr
	n := runtime.Callers(skip+2, pcs[:]) // and not runtime.Callers or this function
	var frames []Frame
	for _, pc := range pcs[:n] {
		for _, c := range lookup(pc) {
			if keep(c.module, c.function) {
				frames = append(frames, c.frame)
			}
		}
	}
	return frames
}

func lookup(pc uintptr) []code {
	if known, ok := symbols.Load(pc); ok {
		return known.([]code)
	}
	var found []code
	frames := runtime.CallersFrames([]uintptr{pc})
	for {
		f, more := frames.Next()
		if f.Function != "" {
			module, file := splitModule(f.File)
			frame := Frame{Func: shortFunc(f.Function), File: file, Line: f.Line}
			if module != kubernetes {
				frame.Module = module
			}
			found = append(found, code{module, f.Function, frame})
		}
		if !more {
			break
		}
	}
	symbols.Store(pc, found)
	return found
}

// splitModule splits a source file's path as the compiler wrote it, ".../pkg/mod/k8s.io/kubernetes@v1.36.3/pkg/x.go" or
// (with -trimpath) "k8s.io/kubernetes@v1.36.3/pkg/x.go", into the module's path and the file's path inside it.
func splitModule(path string) (module, file string) {
	before, after, ok := strings.Cut(path, "@")
	if !ok {
		return "", path
	}
	if i := strings.LastIndex(before, "/pkg/mod/"); i >= 0 {
		before = before[i+len("/pkg/mod/"):]
	}
	if _, file, ok = strings.Cut(after, "/"); !ok {
		return "", path
	}
	return before, file
}

// shortFunc drops the import path but for its last element: "deployment.(*DeploymentController).sync".
func shortFunc(full string) string {
	path := full
	if i := strings.IndexAny(path, "(["); i >= 0 {
		path = path[:i] // type arguments and receivers may hold slashes
	}
	return full[strings.LastIndexByte(path, '/')+1:]
}
