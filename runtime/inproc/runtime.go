package inproc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/dns"
	"github.com/kubestep/kubestep/runtime/program"
)

// Options say how a runtime is to be. Node and Dir are needed.
type Options struct {
	Node string // "node-1"
	// Dir is the runtime's own directory. What earlier runs left in it is removed.
	Dir string
	// HostRoots are the directories from which the kubelet mounts: its pods directory above all. A path outside of them,
	// which is a Pod's hostPath, means a path of the lab's node, kept below Dir; never one of the user's machine.
	HostRoots []string
	// Networks gives sandboxes their networks. By default each is alone with itself: see [NewLocalNetworks].
	Networks Networks
	// Images are what can be pulled; by default the lab's.
	Images *program.Registry
	// Tap takes what the runtime does by itself; nil for no trace.
	Tap *trace.Tap
	// DNS takes the queries of programs; nil for no trace.
	DNS *dns.Tracer
	// Actor names the runtime in the trace, by default "inproc@" and the node.
	Actor string
	Log   *slog.Logger // nothing is logged by default
	Clock clock.Clock  // by default the real one
	// ProgramClock is the time that programs see, by default Clock. The lab's stands still while a packet is held.
	ProgramClock clock.Clock
	// Rand is where IDs come from, by default crypto/rand. It need not be safe for concurrent use.
	Rand io.Reader
	// Version is reported as the runtime's; by default the module's.
	Version string
}

// Runtime is a container runtime. It is safe for concurrent use.
type Runtime struct {
	opts     Options
	streams  *streamServer
	events   eventHub
	life     context.Context // ends when the runtime does; containers live in it
	end      context.CancelFunc
	programs sync.WaitGroup // goroutines of programs

	mu         sync.Mutex
	sandboxes  map[string]*sandbox
	containers map[string]*container
	images     map[string]*pulledImage // by ID
	closed     bool
}

var (
	_ internalapi.RuntimeService      = (*Runtime)(nil)
	_ internalapi.ImageManagerService = (*Runtime)(nil)
)

// New checks o, clears the directory and returns a runtime that can be called. [Runtime.Run] must run for exec, attach
// and port-forward to work, and to end it. Of ctx only the values are used.
func New(ctx context.Context, o Options) (*Runtime, error) {
	if o.Node == "" || o.Dir == "" {
		return nil, errors.New("make an inproc runtime: Options.Node and Options.Dir are needed")
	}
	if o.Images == nil {
		images, err := program.NewRegistry()
		if err != nil {
			return nil, err
		}
		o.Images = images
	}
	if o.Networks == nil {
		o.Networks = NewLocalNetworks()
	}
	if o.Actor == "" {
		o.Actor = "inproc@" + o.Node
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.ProgramClock == nil {
		o.ProgramClock = o.Clock
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Version == "" {
		o.Version = moduleVersion()
	}
	for _, sub := range []string{"containers", "sandboxes"} {
		if err := os.RemoveAll(filepath.Join(o.Dir, sub)); err != nil {
			return nil, fmt.Errorf("clear what the last run of the runtime left: %w", err)
		}
	}
	for _, sub := range []string{"containers", "sandboxes", "images", "node"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the runtime's directory: %w", err)
		}
	}
	r := &Runtime{
		opts:       o,
		sandboxes:  map[string]*sandbox{},
		containers: map[string]*container{},
		images:     map[string]*pulledImage{},
	}
	r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
	var err error
	if r.streams, err = newStreamServer(r, o.Log); err != nil {
		r.end()
		return nil, err
	}
	return r, nil
}

// Run serves exec, attach and port-forward until ctx ends; then it kills all containers, as a power cut does, and waits
// for their goroutines. It is called once.
func (r *Runtime) Run(ctx context.Context) error {
	err := r.streams.run(ctx)
	r.shutdown()
	return err
}

// shutdown ends everything without telling anybody: containers of a machine without power report nothing.
func (r *Runtime) shutdown() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	r.events.close()
	r.programs.Wait()
}

// Close does nothing: in the CRI it closes the client's connection, and there is none.
func (r *Runtime) Close(context.Context) error { return nil }

// newID returns an ID as container runtimes make them: 64 hexadecimal digits. The caller holds r.mu.
func (r *Runtime) newID() (string, error) {
	var raw [32]byte
	if _, err := io.ReadFull(r.opts.Rand, raw[:]); err != nil {
		return "", fmt.Errorf("make an ID: %w", err)
	}
	return hex.EncodeToString(raw[:]), nil
}

// record reports what the runtime did by itself.
func (r *Runtime) record(ctx context.Context, verb string, s *sandbox, detail *trace.CRIDetail) uint64 {
	if r.opts.Tap == nil {
		return 0
	}
	detail.Node, detail.Sandbox = r.opts.Node, s.id
	return r.opts.Tap.Record(ctx, trace.Event{
		Actor: r.opts.Actor, Kind: trace.CRICall, Verb: verb, Object: podOf(s.config), Detail: detail,
	})
}

func podOf(c *runtimeapi.PodSandboxConfig) trace.Object {
	m := c.GetMetadata()
	return trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: m.GetNamespace(), Name: m.GetName(), UID: m.GetUid()}
}
