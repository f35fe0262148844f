package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/kubestep/kubestep/engine"
)

// Member is one etcd member. Its methods are safe for concurrent use.
type Member struct {
	config Config
	lock   *fileutil.LockedFile
	ready  chan struct{}
	client *clientv3.Client // set before ready is closed
	began  int64            // the revision when the member became ready
}

// closeWait bounds how long a member that has failed is waited for: what failed in it may hold what Close needs.
const closeWait = 3 * time.Second

// leadRetry is how often a member tries to become leader.
const leadRetry = 2 * time.Millisecond

// New takes the data directory. It returns an error that wraps [engine.ErrInUse] when another process has it. The
// directory is given back when Run returns, or by Close when Run is never called.
func New(c Config) (*Member, error) {
	for _, dir := range []string{c.options.Dir, c.options.SocketDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, explain(fmt.Errorf("making etcd's directory: %w", err))
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, explain(fmt.Errorf("closing etcd's directory to others: %w", err))
		}
	}
	// The kernel drops this lock with the process, however that ends. bbolt has a lock of its own, on which a second
	// member would wait for ever instead of saying so.
	path := filepath.Join(c.options.Dir, "lock")
	lock, err := fileutil.TryLockFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fileutil.ErrLocked) {
		return nil, fmt.Errorf("the data directory %s is %w; end that lab, or choose another directory", c.options.Dir, engine.ErrInUse)
	}
	if err != nil {
		return nil, explain(fmt.Errorf("locking the data directory: %w", err))
	}
	return &Member{config: c, lock: lock, ready: make(chan struct{})}, nil
}

// Close gives the data directory back when Run is not going to be called.
func (m *Member) Close() error { return m.lock.Close() }

// Endpoint returns the URL at which clients of this machine's user reach the member: a Unix socket.
func (m *Member) Endpoint() string {
	return "unix://" + filepath.Join(m.config.options.SocketDir, clientSocket)
}

// Ready is closed when the member answers.
func (m *Member) Ready() <-chan struct{} { return m.ready }

// Client returns a client that calls the member directly, without a connection. It is nil before Ready and must not be
// used once Run returns.
func (m *Member) Client() *clientv3.Client {
	select {
	case <-m.ready:
		return m.client
	default:
		return nil
	}
}

// Began returns the store's revision when the member became ready: what was committed later was committed in this run.
// It is 0 before Ready.
func (m *Member) Began() int64 {
	select {
	case <-m.ready:
		return m.began
	default:
		return 0
	}
}

// Run starts the member and blocks until ctx ends, which is no error, or the member fails; then it has stopped. It is
// called once.
func (m *Member) Run(ctx context.Context) (err error) {
	defer func() {
		if closeErr := m.lock.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("giving back etcd's data directory: %w", closeErr)
		}
	}()
	server, err := m.start(ctx)
	if err != nil {
		return err
	}
	if server == nil {
		return nil
	}
	err = m.serve(ctx, server)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		server.Close()
	}()
	select {
	case <-stopped:
	case <-m.config.failures.failed:
		// Its parts wait for the one that failed, perhaps for ever.
		select {
		case <-stopped:
		case <-time.After(closeWait):
		}
	}
	return err
}

// start returns the running server, nil when ctx ended first.
func (m *Member) start(ctx context.Context) (*embed.Etcd, error) {
	type result struct {
		server *embed.Etcd
		err    error
	}
	done := make(chan result, 1)
	go func() { // a goroutine of its own, because a failure ends it
		server, err := embed.StartEtcd(m.config.embedded)
		done <- result{server, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, explain(fmt.Errorf("starting etcd in %s: %w", m.config.options.Dir, r.err))
		}
		return r.server, nil
	case <-m.config.failures.failed:
		return nil, fmt.Errorf("starting etcd in %s: %w", m.config.options.Dir, m.config.failures.err)
	}
}

// serve waits until the server answers, and then until it is to stop.
func (m *Member) serve(ctx context.Context, server *embed.Etcd) error {
	leading, cancel := context.WithCancel(ctx)
	var goroutines sync.WaitGroup
	goroutines.Go(func() { lead(leading, server.Server) })
	defer goroutines.Wait()
	defer cancel()
	select {
	case <-server.Server.ReadyNotify():
	case <-ctx.Done():
		return nil
	case err := <-server.Err():
		return explain(fmt.Errorf("starting etcd: %w", err))
	case <-m.config.failures.failed:
		return m.config.failures.err
	}
	client := v3client.New(server.Server)
	defer client.Close()
	if err := m.forget(ctx, client); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return explain(fmt.Errorf("starting etcd: %w", err))
	}
	m.client = client
	close(m.ready)
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.Err():
		return explain(fmt.Errorf("etcd: %w", err))
	case <-server.Server.StopNotify():
		return errors.New("etcd stopped by itself; its log says why")
	case <-m.config.failures.failed:
		return m.config.failures.err
	}
}

// lead makes a member without peers its own leader at once. By itself it would wait for an election time-out, which is for
// finding out that there is no leader yet.
func lead(ctx context.Context, server *etcdserver.EtcdServer) {
	ticker := time.NewTicker(leadRetry)
	defer ticker.Stop()
	self := uint64(server.MemberID())
	for server.Leader() == 0 {
		// Raft does not listen until it has read who belongs to the cluster from its log.
		if err := server.Process(ctx, raftpb.Message{Type: raftpb.MsgTimeoutNow, From: self, To: self}); err != nil {
			return // it is stopping
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// forget drops the revisions of earlier runs: their events are gone, so nothing can ask for them, and the store would
// grow with every run.
func (m *Member) forget(ctx context.Context, client *clientv3.Client) error {
	got, err := client.Get(ctx, "/", clientv3.WithCountOnly())
	if err != nil {
		return fmt.Errorf("reading the revision: %w", err)
	}
	m.began = got.Header.Revision
	if m.began <= 1 {
		return nil
	}
	if _, err := client.Compact(ctx, m.began); err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("dropping revisions of earlier runs: %w", err)
	}
	return nil
}
