package kubeglobal

import (
	"errors"
	"fmt"
	"io"
	"os"
	goruntime "runtime"
	"sync"
	"sync/atomic"

	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/capabilities"
)

// Options says how the process is set up.
type Options struct {
	// Log takes what every library logs. It gets one write at a time.
	Log io.Writer
	// Stderr, when not nil, takes the place of os.Stderr for what writes there by name instead of logging: the HTTP
	// server of k8s.io/apiserver does (pkg/server/secure_serving.go, tlsErrorLogger). A command that still wants to print
	// keeps its own copy of os.Stderr. The Go runtime's own reports (panics) are not affected.
	Stderr *os.File
	// Fatal, when not nil, is told that a component wants to end the process, which then does not happen: only the
	// component's goroutine ends. Upstream does so when a hook of the API server is cut short by a stop
	// (k8s.io/apiserver/pkg/server/hooks.go, runPostStartHook). Why is in the log. It is called from any goroutine.
	Fatal func()
	// Verbosity is klog's level, 0 to 10.
	Verbosity int
	// Seed, when not nil, makes the names and UIDs that Kubernetes generates the same in every run, as far as they are
	// asked for in the same order.
	Seed *int64
	// FeatureGates switches Kubernetes' feature gates from their defaults.
	FeatureGates map[string]bool
}

// done is what makes Setup callable once: what it sets has no owner but the process.
var done atomic.Bool

var errTwice = errors.New("Kubernetes' process-wide settings have been made already; a process can host one lab")

// Setup sets everything. It is called once in a process, before any component is built; the second call is an error.
func Setup(o Options) error {
	if o.Log == nil {
		return errors.New("setting up Kubernetes: no log to write to")
	}
	if !done.CompareAndSwap(false, true) {
		return errTwice
	}
	if o.Stderr != nil {
		os.Stderr = o.Stderr
	}
	if err := SetVersion(); err != nil {
		return fmt.Errorf("setting Kubernetes' version: %w", err)
	}
	if err := setLogging(&oneAtATime{w: o.Log}, o.Verbosity); err != nil {
		return fmt.Errorf("setting up Kubernetes' logging: %w", err)
	}
	if o.Fatal != nil {
		klog.OsExit = func(int) {
			o.Fatal()
			goruntime.Goexit()
		}
	}
	// Components log the API's warnings at users; here their log is nobody's terminal and the answers are in the trace.
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(o.FeatureGates); err != nil {
		return fmt.Errorf("setting feature gates: %w", err)
	}
	if err := compatibility.DefaultComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("setting the emulated version: %w", err)
	}
	utilfeature.DefaultMutableFeatureGate.AddMetrics()
	compatibility.DefaultComponentGlobalsRegistry.AddMetrics()
	// The first caller wins, and a kubelet that merely asks would make it "not allowed".
	capabilities.Setup(true, 0)
	if o.Seed != nil {
		setSeed(*o.Seed)
	}
	return nil
}

// oneAtATime serialises writes.
type oneAtATime struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneAtATime) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}
