package etcd

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

const deadline = 10 * time.Second

type logBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func options(t *testing.T) Options {
	t.Helper()
	dir, err := os.MkdirTemp("", "ks") // t.TempDir's paths can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return Options{Dir: dir, Log: &logBuffer{}}
}

func newMember(t *testing.T, o Options) *Member {
	t.Helper()
	c, err := o.Complete()
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run starts a member and returns it when it is ready; stop ends it and returns Run's error.
func run(t *testing.T, o Options) (m *Member, stop func() error) {
	t.Helper()
	m = newMember(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	select {
	case <-m.Ready():
	case err := <-done:
		t.Fatalf("etcd ended: %v\n%v", err, o.Log)
	case <-time.After(deadline):
		t.Fatal("etcd did not become ready")
	}
	return m, func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(deadline):
			return errors.New("etcd did not stop")
		}
	}
}

func put(t *testing.T, m *Member, key, value string) int64 {
	t.Helper()
	response, err := m.Client().Put(t.Context(), key, value)
	if err != nil {
		t.Fatal(err)
	}
	return response.Header.Revision
}

const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default","uid":"u1","ownerReferences":[{"uid":"rs1"}]}}`

func TestReport(t *testing.T) {
	m, stop := run(t, options(t))
	tap := trace.NewTap(trace.NewStore(trace.Limits{}), nil)
	request := tap.Record(t.Context(), trace.Event{
		Actor: "kubectl", Kind: trace.APIRequest, Verb: "create", Root: true, Detail: &trace.RequestDetail{Method: "POST"},
	})

	end := tap.BeginWrite("/registry/pods/default/web", request)
	revision := put(t, m, "/registry/pods/default/web", pod)
	end(revision)
	put(t, m, "/registry/leases/kube-node-lease/node-1", `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease"}`)
	put(t, m, "/elsewhere", "not the API server's")
	if _, err := m.Client().Delete(t.Context(), "/registry/pods/default/web"); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	reported := make(chan error, 1)
	go func() { reported <- m.Report(ctx, tap) }()
	var commits []trace.Event
	for cursor := trace.Cursor(0); len(commits) < 3; {
		if err := tap.Store().Wait(ctx, cursor); err != nil {
			t.Fatalf("%v with %d commits", err, len(commits))
		}
		batch := tap.Store().Since(cursor)
		cursor = batch.Next
		for _, e := range batch.Events {
			if e.Kind == trace.EtcdCommit {
				commits = append(commits, e)
			}
		}
	}
	cancel()
	if err := <-reported; err != nil {
		t.Errorf("Report ended with %v", err)
	}

	created, lease, deleted := commits[0], commits[1], commits[2]
	if created.Cause != request || created.CauseLink != trace.Exact || created.EtcdRevision != revision || created.Background {
		t.Errorf("the Pod's commit is %+v", created)
	}
	if created.Object.Kind != "Pod" || created.Object.UID != "u1" || created.Refs.Owners[0] != "rs1" {
		t.Errorf("the Pod's commit is about %+v %+v", created.Object, created.Refs)
	}
	if after, err := created.Detail.(*trace.CommitDetail).After.JSON(); err != nil || string(after) != pod {
		t.Errorf("stored: %s, %v", after, err)
	}
	completed, _ := tap.Store().Get(request)
	if d := completed.Detail.(*trace.RequestDetail); d.Method != http.MethodPost || d.Before != nil || d.After == nil {
		t.Errorf("the request became %+v", d)
	}
	if !lease.Background {
		t.Error("a lease is in the foreground")
	}
	if detail := deleted.Detail.(*trace.CommitDetail); deleted.Verb != "delete" || deleted.Object.Name != "web" || detail.Before == nil || detail.After != nil {
		t.Errorf("the delete is %+v", deleted)
	}
	if seq, ok := tap.CommitAt(t.Context(), revision); !ok || seq != created.Seq {
		t.Errorf("the commit at %d is %d, %v", revision, seq, ok)
	}
	if err := stop(); err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestRestartKeepsData(t *testing.T) {
	o := options(t)
	o.Keep = true
	m, stop := run(t, o)
	put(t, m, "/registry/a", "old")
	last := put(t, m, "/registry/a", "new")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	m, stop = run(t, o)
	if m.Began() != last {
		t.Errorf("began at %d, the last commit was at %d", m.Began(), last)
	}
	got, err := m.Client().Get(t.Context(), "/registry/a")
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "new" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := m.Client().Get(t.Context(), "/registry/a", clientv3.WithRev(last-1)); err == nil {
		t.Error("revisions of the earlier run were kept")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestOneProcessPerDirectory(t *testing.T) {
	o := options(t)
	c, err := o.Complete()
	if err != nil {
		t.Fatal(err)
	}
	_, stop := run(t, o)
	if _, err := New(c); !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), o.Dir) {
		t.Errorf("a second member got %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	m, err := New(c)
	if err != nil {
		t.Fatalf("after the first had ended: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestPrivacy(t *testing.T) {
	o := options(t)
	o.SocketDir = filepath.Join(o.Dir, "run")
	m, stop := run(t, o)
	for _, dir := range []string{o.Dir, o.SocketDir} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	if want := "unix://" + filepath.Join(o.SocketDir, "etcd.sock"); m.Endpoint() != want {
		t.Errorf("listens at %s", m.Endpoint())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestLongSocketPath(t *testing.T) {
	o := options(t)
	o.SocketDir = filepath.Join(o.Dir, strings.Repeat("long", 30))
	if _, err := o.Complete(); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("got %v", err)
	}
}

// TestDamage has etcd find what makes it end its process.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"the write-ahead log is a file": func(dir string) error {
			if err := os.MkdirAll(filepath.Join(dir, "data", "member"), 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "data", "member", "snap"), []byte("x"), 0o600)
		},
		"the store is noise": func(dir string) error {
			if err := os.MkdirAll(filepath.Join(dir, "data", "member", "snap"), 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "data", "member", "snap", "db"), bytes.Repeat([]byte("noise"), 10000), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			if err := damage(o.Dir); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			if err := newMember(t, o).Run(ctx); err == nil || ctx.Err() != nil {
				t.Errorf("got %v", err)
			} else {
				t.Log(err)
			}
		})
	}
}

func TestFailureIsExplained(t *testing.T) {
	f := newFailures()
	log := logger(&logBuffer{}, f)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		log.With(zap.String("member", "lab")).Fatal("failed to save", zap.Error(&os.PathError{Op: "write", Path: "wal", Err: syscall.ENOSPC}))
		t.Error("the logger returned")
	}()
	<-ended
	<-f.failed
	if !errors.Is(f.err, syscall.ENOSPC) || !strings.Contains(f.err.Error(), "disk is full") {
		t.Errorf("got %v", f.err)
	}
}
