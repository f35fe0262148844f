package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubestep/kubestep/assets"
	"github.com/kubestep/kubestep/cmd/kubestep/internal/settings"
	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/lab"
	"github.com/kubestep/kubestep/runtime/network/fabric"
	"github.com/kubestep/kubestep/runtime/node"
)

// labFlags say what lab to make.
type labFlags struct {
	nodes   int
	seed    int64
	dataDir string
	network string
	port    int
	noTaps  bool // only for measuring
	set     *pflag.FlagSet
}

func (f *labFlags) add(flags *pflag.FlagSet) {
	f.set = flags
	flags.IntVar(&f.nodes, "nodes", 3, "number of nodes")
	flags.Int64Var(&f.seed, "seed", 0, "make generated names the same in every run with this number (default: different ones)")
	flags.StringVar(&f.dataDir, "data-dir", "", "keep the cluster in this directory (default: it is gone at the end)")
	flags.IntVar(&f.port, "port", 0, "the API server's port on 127.0.0.1 (default: any that is free)")
	flags.StringVar(&f.network, "network", string(engine.VXLAN), "how packets get from node to node: vxlan or host-gw")
	settings.Share(flags, "nodes", "seed", "data-dir", "port", "network")
}

// running is a lab in this process.
type running struct {
	engine.Lab
	dir    string // for sockets and files that end with the lab
	end    context.CancelFunc
	done   chan struct{} // closed when the lab has stopped
	err    error         // why, after done
	finish []func() error
}

// newLab makes a lab that does not run yet. Its Close must be called whether it is started or not.
func (a *app) newLab(f labFlags) (_ *running, failed error) {
	r := &running{done: make(chan struct{})}
	defer func() {
		if failed != nil {
			r.cleanUp()
		}
	}()
	dir, release, err := settings.Claim(a.dirs.Run)
	if err != nil {
		return nil, err
	}
	r.dir, r.finish = dir, append(r.finish, release)
	logFile, err := a.openLog(dir)
	if err != nil {
		return nil, err
	}
	r.finish = append(r.finish, logFile.Close)
	if err := redirectStderr(logFile, a.terminal); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(logFile, nil))
	fabric.RedirectLog(log)
	options := lab.Options{
		DataDir: f.dataDir, RunDir: dir, Nodes: f.nodes, Port: f.port, Network: engine.NetworkMode(f.network),
		Log: log, LibraryLog: logFile, Runtime: node.New(node.Options{}), Addons: assets.CoreDNS, NoTaps: f.noTaps,
	}
	if f.set.Changed("seed") {
		options.Seed = &f.seed
	}
	l, err := lab.New(options)
	if err != nil {
		return nil, err
	}
	r.Lab = l
	return r, nil
}

// start runs the lab in the background until Close, or until a part of it fails.
func (r *running) start(ctx context.Context) {
	ctx, r.end = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		r.err = r.Run(ctx)
	}()
}

// Close stops the lab, in order, and removes what it leaves behind. It returns why the lab had stopped by itself.
func (r *running) Close() error {
	if r.end != nil {
		r.end()
		<-r.done
	}
	r.cleanUp()
	return r.err
}

func (r *running) cleanUp() {
	for i := len(r.finish) - 1; i >= 0; i-- {
		_ = r.finish[i]() // the next lab removes what is left
	}
	r.finish = nil
}

// ready blocks until the lab is ready; told, when not nil, gets every change on the way.
func ready(ctx context.Context, l engine.Lab, told func(engine.Status)) (engine.Status, error) {
	for s := l.Status(); ; {
		if told != nil {
			told(s)
		}
		switch {
		case s.Ready:
			return s, nil
		case s.Stopped:
			return s, fmt.Errorf("the lab did not start: %s", s.Error)
		}
		var err error
		if s, err = l.WaitStatus(ctx, s.Generation); err != nil {
			return s, err
		}
	}
}

// keptLogs is how many labs' logs are kept.
const keptLogs = 5

// openLog opens the lab's log where it outlives the lab, or else beside its files.
func (a *app) openLog(run string) (*os.File, error) {
	dir := run
	if a.dirs.State != "" {
		if logs := filepath.Join(a.dirs.State, "log"); os.MkdirAll(logs, 0o700) == nil {
			dir = logs
		}
	}
	f, err := createLog(dir)
	if err != nil && dir != run {
		f, err = createLog(run) // a home that cannot be written
	}
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return f, nil
}

func createLog(dir string) (*os.File, error) {
	old, err := filepath.Glob(filepath.Join(dir, "lab-*.log")) // by name, which begins with the time
	if err != nil {
		return nil, err
	}
	for len(old) >= keptLogs {
		_ = os.Remove(old[0])
		old = old[1:]
	}
	name := fmt.Sprintf("lab-%s-%d.log", time.Now().UTC().Format("20060102-150405"), os.Getpid())
	return os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}
