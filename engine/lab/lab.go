// Package lab assembles a whole cluster in this process and is the [engine.Lab] that runs it: etcd, the API server, the
// controllers, the scheduler and the nodes, tapped, behind one gate.
//
// Only cmd and tests import it: it brings all of Kubernetes along. One process hosts one lab, because Kubernetes keeps
// settings in process-wide variables (see engine/kubeglobal).
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/gate"
	"github.com/kubestep/kubestep/engine/trace"
)

// Addresses of the lab's networks. They exist in the lab only; no host socket has one.
const (
	podCIDR       = "10.244.0.0/16"
	serviceCIDR   = "10.96.0.0/16"
	nodeNetwork   = "192.168.50.0/24"
	clusterDomain = "cluster.local"
)

var (
	kubernetesServiceIP = net.IPv4(10, 96, 0, 1)
	controlPlaneIP      = net.IPv4(192, 168, 50, 2) // where Pods find the API server
	dnsServiceIP        = net.IPv4(10, 96, 0, 10)
)

// maxNodes is what nodeNetwork has addresses for.
const maxNodes = 200

// Options says what lab to make.
type Options struct {
	// DataDir keeps the cluster; empty means that the cluster is gone when the lab stops. A directory that another lab has
	// is an [engine.ErrInUse].
	DataDir string
	// RunDir is where an ephemeral lab keeps its files, and every lab its sockets. It exists, belongs to the user alone
	// and has a short path. It must not be shared with another lab.
	RunDir string
	// Nodes is how many nodes the cluster has, 1 to 200.
	Nodes int
	// Network is how packets get from node to node, one of [engine.NetworkModes]; empty means the first.
	Network engine.NetworkMode
	// Seed, when not nil, makes generated names the same in every run.
	Seed *int64
	// Port is the API server's on 127.0.0.1; 0 means any that is free.
	Port int
	// Runtime makes the nodes.
	Runtime engine.NodeRuntime
	// Log takes the lab's own log, LibraryLog what every library writes. Neither may be the terminal.
	Log        *slog.Logger
	LibraryLog io.Writer
	// Stderr, when not nil, takes os.Stderr's place for libraries that write there by name.
	Stderr *os.File
	// AuditPolicyFile and AuditLogFile switch the API server's audit log on.
	AuditPolicyFile, AuditLogFile string
	// Addons is the manifest of what the cluster has besides its control plane, applied at every start; nil for nothing.
	// The lab is ready when it works.
	Addons []byte
	// NoTaps leaves out every tap, to measure what they cost.
	NoTaps bool
}

func (o *Options) check() error {
	switch {
	case o.Nodes < 1 || o.Nodes > maxNodes:
		return fmt.Errorf("%w: a lab has 1 to %d nodes, not %d", engine.ErrUsage, maxNodes, o.Nodes)
	case o.Port < 0 || o.Port > 65535:
		return fmt.Errorf("%w: a port is 0 to 65535, not %d", engine.ErrUsage, o.Port)
	case o.Network != "" && !slices.Contains(engine.NetworkModes(), o.Network):
		return fmt.Errorf("%w: there is no network %q; there are %v", engine.ErrUsage, o.Network, engine.NetworkModes())
	case o.Runtime == nil || o.Log == nil || o.LibraryLog == nil || o.RunDir == "":
		return errors.New("lab: Options.Runtime, Log, LibraryLog and RunDir are needed")
	}
	return nil
}

// Lab is one cluster in this process. Use [New].
type Lab struct {
	options Options
	status  *status
	store   *trace.Store
	gate    *gate.Gate
	tap     *trace.Tap
	history *past
	faults  *faults
}

var _ engine.Lab = (*Lab)(nil)

// New checks o and returns a lab that does not run yet. Its events, debugger and status can be watched at once.
func New(o Options) (*Lab, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Network == "" {
		o.Network = engine.NetworkModes()[0]
	}
	l := &Lab{options: o, status: newStatus(o.phases()), store: trace.NewStore(trace.Limits{}), gate: gate.New()}
	if !o.NoTaps {
		l.tap = trace.NewTap(l.store, l.gate)
		l.gate.Watch(l.tap)
	}
	l.history, l.faults = &past{}, newFaults(l.tap)
	return l, nil
}

// Status implements [engine.Lab].
func (l *Lab) Status() engine.Status { return l.status.get() }

// WaitStatus implements [engine.Lab].
func (l *Lab) WaitStatus(ctx context.Context, generation uint64) (engine.Status, error) {
	return l.status.wait(ctx, generation)
}

// Events implements [engine.Lab].
func (l *Lab) Events() *trace.Store { return l.store }

// Debugger implements [engine.Lab].
func (l *Lab) Debugger() engine.Debugger { return l.gate }

// History implements [engine.Lab].
func (l *Lab) History() engine.History { return l.history }

// Faults implements [engine.Lab].
func (l *Lab) Faults() engine.Faults { return l.faults }

// Run implements [engine.Lab].
func (l *Lab) Run(ctx context.Context) error {
	err := l.run(ctx)
	l.status.change(func(now *engine.Status) {
		now.Stopped, now.Ready = true, false
		if err != nil {
			now.Error = err.Error()
		}
	})
	return err
}

func (l *Lab) run(ctx context.Context) error {
	l.status.start()
	dir, cleanUp, err := l.directory()
	if err != nil {
		return err
	}
	defer cleanUp()
	parts := newParts(l.options.Log)
	err = l.start(ctx, dir, parts)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-parts.failed:
		}
	}
	if ctx.Err() != nil {
		err = nil // whoever asked for the end knows
	}
	// Whatever is held would keep its component from stopping.
	if _, e := l.gate.Do(context.WithoutCancel(ctx), engine.Command{Verb: engine.Continue}); e != nil {
		l.options.Log.Warn("release what is held", "error", e)
	}
	if late := parts.stop(); len(late) > 0 {
		l.options.Log.Warn("stopped without waiting any longer", "parts", late)
	}
	return err
}

// directory returns where the cluster's files are.
func (l *Lab) directory() (dir string, cleanUp func(), err error) {
	if l.options.DataDir == "" {
		dir = filepath.Join(l.options.RunDir, "lab")
		if err := os.RemoveAll(dir); err != nil { // of a lab that was killed
			return "", nil, fmt.Errorf("clean up after an earlier lab: %w", err)
		}
		cleanUp = func() {
			if err := os.RemoveAll(dir); err != nil {
				l.options.Log.Warn("remove the lab's files", "error", err)
			}
		}
	} else {
		if dir, err = filepath.Abs(l.options.DataDir); err != nil {
			return "", nil, fmt.Errorf("data directory: %w", err)
		}
		cleanUp = func() {}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the lab's directory; choose another with --data-dir: %w", err)
	}
	return dir, cleanUp, nil
}
