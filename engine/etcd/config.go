// Package etcd runs one embedded etcd member, the lab's only store, and reports what is committed to it.
//
// engine/lab, engine/history and tests import it; nothing else of the project may import etcd's server.
package etcd

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Options says where the member keeps its data and listens.
type Options struct {
	// Dir is the member's data directory, made with mode 0700. One process at a time can have it.
	Dir string
	// SocketDir holds the sockets, made with mode 0700. The kernel limits a socket's path to about 100 bytes, so this is
	// a short one when Dir is long; empty means Dir.
	SocketDir string
	// Keep makes every commit reach the disk before it is acknowledged, so that nothing is lost by a crash of the
	// machine. Without it a crash of the process alone loses nothing, and every write is faster.
	Keep bool
	// Log takes etcd's log as lines of JSON. It need not be safe for concurrent use.
	Log io.Writer
}

// Config is a complete configuration, made by [Options.Complete].
type Config struct {
	options  Options
	embedded *embed.Config
	failures *failures
}

const (
	clientSocket = "etcd.sock"
	// maxSocketPath is what fits into sockaddr_un on every system that the lab runs on: 104 bytes with the final zero on
	// macOS, 108 on Linux.
	maxSocketPath = 103

	// Ticks drive heartbeats to peers and elections, and a member without peers needs neither but the first, for which
	// nobody waits: see lead. Each tick costs an idle lab some CPU.
	tick     = 500 * time.Millisecond
	election = 5 * tick // the least that etcd accepts

	// quota is the size of the store at which etcd refuses writes. Nothing is compacted while a lab runs, because
	// history looks at old revisions; a day of work with the lab takes about 100 MiB.
	quota = 8 << 30
	// raftEntries bounds the log that raft keeps in memory for followers, which there are none of.
	raftEntries = 100
	snapshots   = 2000
)

// Complete checks o and fills in what it leaves out.
func (o Options) Complete() (Config, error) {
	if o.Dir == "" || o.Log == nil {
		return Config{}, errors.New("configuring etcd: Options.Dir and Options.Log are needed")
	}
	if o.SocketDir == "" {
		o.SocketDir = o.Dir
	}
	var err error
	for _, dir := range []*string{&o.Dir, &o.SocketDir} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return Config{}, fmt.Errorf("configuring etcd: %w", err)
		}
	}
	if n := len(filepath.Join(o.SocketDir, clientSocket)); n > maxSocketPath {
		return Config{}, fmt.Errorf("configuring etcd: sockets in %s would have paths of %d bytes, the system allows %d; "+
			"choose a shorter directory", o.SocketDir, n, maxSocketPath)
	}

	c := embed.NewConfig()
	c.Name = "lab"
	c.Dir = filepath.Join(o.Dir, "data")
	c.ListenClientUrls = []url.URL{{Scheme: "unix", Path: filepath.Join(o.SocketDir, clientSocket)}}
	c.ListenPeerUrls = nil // there are no other members; a Unix socket here would be an abstract one, open to every user
	// Advertised URLs must have a host and a port (embed/config.go, checkHostURLs). There is nobody to dial them.
	advertised := url.URL{Scheme: "http", Host: "lab.invalid:0"}
	c.AdvertiseClientUrls = []url.URL{advertised}
	c.AdvertisePeerUrls = []url.URL{advertised}
	c.InitialCluster = c.Name + "=" + advertised.String()
	c.EnableGRPCGateway = false
	c.TickMs = uint(tick.Milliseconds())
	c.ElectionMs = uint(election.Milliseconds())
	c.UnsafeNoFsync = !o.Keep
	c.QuotaBackendBytes = quota
	c.SnapshotCount = snapshots
	c.SnapshotCatchUpEntries = raftEntries
	failures := newFailures()
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger(o.Log, failures))
	return Config{options: o, embedded: c, failures: failures}, nil
}

func logger(w io.Writer, f *failures) *zap.Logger {
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(zapcore.AddSync(w)), zap.InfoLevel)
	return zap.New(f.watch(core), zap.WithFatalHook(f), zap.WithPanicHook(f))
}
