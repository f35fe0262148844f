package program_test

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	"github.com/kubestep/kubestep/runtime/network/fabric"
	"github.com/kubestep/kubestep/runtime/network/fabric/podclock"
	"github.com/kubestep/kubestep/runtime/program"
)

// cluster is two nodes with a Pod each: client, 10.244.1.2, and server, 10.244.2.2, which clients know as "web".
type cluster struct {
	t              *testing.T
	client, server *fabric.Pod
	// clock is the programs' own if it is set; else they have the network's.
	clock clock.Clock
}

func newCluster(t *testing.T) *cluster { return newClusterMTU(t, 0) }

// newClusterMTU has Pods with an MTU, 0 for what fits into the tunnel between the nodes.
func newClusterMTU(t *testing.T, mtu int) *cluster {
	t.Helper()
	f, err := fabric.New(fabric.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(ctx) // the context's error
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	c := &cluster{t: t}
	for _, node := range []struct {
		name, address, cidr, pod, podAddress string
		to                                   **fabric.Pod
	}{
		{"node-1", "192.168.50.11", "10.244.1.0/24", "client", "10.244.1.2", &c.client},
		{"node-2", "192.168.50.12", "10.244.2.0/24", "server", "10.244.2.2", &c.server},
	} {
		n, err := f.AddNode(fabric.NodeConfig{Name: node.name, Address: netip.MustParseAddr(node.address),
			PodCIDR: netip.MustParsePrefix(node.cidr)})
		if err == nil {
			*node.to, err = n.AddPod(fabric.PodConfig{Namespace: "default", Name: node.pod,
				Address: netip.MustParseAddr(node.podAddress), MTU: mtu})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// process is a program that runs in a Pod.
type process struct {
	*program.World
	out, errOut *output
	signals     *signals
	root        string
	code        chan int
}

// world is a World in a Pod.
func (c *cluster) world(pod *fabric.Pod, args ...string) *process {
	c.t.Helper()
	p := &process{out: &output{}, errOut: &output{}, signals: &signals{ch: make(chan program.Signal, 1)}, code: make(chan int, 1)}
	var out, errOut bytes.Buffer
	p.World = world(c.t, &out, &errOut, args...)
	p.root = c.t.TempDir()
	p.write("etc/hosts", "127.0.0.1 localhost\n10.244.2.2 web\n")
	p.Stdin, p.Stdout, p.Stderr = strings.NewReader(""), p.out, p.errOut
	p.Files = program.NewView([]program.Mount{{Path: "/", Root: p.root, Name: "."}}, p.out, p.errOut)
	p.Hostname, p.Signals, p.Clock = "pod", p.signals, podclock.New(pod.Clock())
	if c.clock != nil {
		p.Clock = c.clock
	}
	p.Network = pod
	p.Network = program.WithResolver(pod, p.Resolver())
	return p
}

func (p *process) write(name, text string) {
	full := filepath.Join(p.root, name)
	err := os.MkdirAll(filepath.Dir(full), 0o755)
	if err == nil {
		err = os.WriteFile(full, []byte(text), 0o644)
	}
	if err != nil {
		panic(err)
	}
}

// start runs the applet that Args[0] names, or prog.
func (p *process) start(t *testing.T, prog program.Program) {
	t.Helper()
	if prog == nil {
		var ok bool
		if prog, ok = p.Find(p.World, p.Args[0]); !ok {
			t.Fatalf("no program %s", p.Args[0])
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.code <- prog(ctx, p.World)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// run runs a line of the shell in the client's Pod.
func (c *cluster) run(line string) (out, errOut string, code int) {
	c.t.Helper()
	p := c.world(c.client, "sh", "-c", line)
	p.start(c.t, nil)
	code = <-p.code
	return p.out.String(), p.errOut.String(), code
}

// output is what a program has printed so far. Waiting on it ends with what is waited for.
type output struct {
	mu      sync.Mutex
	b       bytes.Buffer
	changed chan struct{}
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
	return o.b.Write(b)
}

// String returns all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// await waits until text is part of the output.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	for {
		o.mu.Lock()
		if strings.Contains(o.b.String(), text) {
			o.mu.Unlock()
			return
		}
		if o.changed == nil {
			o.changed = make(chan struct{})
		}
		changed := o.changed
		o.mu.Unlock()
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("%q never came in %q", text, o)
		}
	}
}

// signals hands signals to whoever asks for any.
type signals struct{ ch chan program.Signal }

func (s *signals) Notify(...program.Signal) <-chan program.Signal { return s.ch }
func (s *signals) Ignore(...program.Signal)                       {}
